"""The interface of a kind of claim: settings that a study registers before it runs, its wording, and the estimates that decide it.

In a study's file a claim is one mapping, such as `- emerges: {arm: code}`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

from pydantic import field_validator

from ablations.statistics.claim_estimates import ClaimEstimates
from ablations.statistics.measures import Measures
from ablations.statistics.paired import ALPHA, LEAST_FOR_VERDICT, Estimate
from ablations.statistics.permutation import least_exchange_p
from curation.runtime.config import Config

MOST_SEEDS = 40
Decided = Literal["supported", "contradicted", "undecided"]
DEFAULT_MEASURE = "few_shot.control_map.k8.permuted_minus_gold"


class Claim(Config, ABC):
    """One kind of claim is one file. Its fields are the settings in a study's file, its docstring's first line states the claim.

    Every claim may say what is `expected`, and `because` of what, before it runs; one that was thought of `after_a_look` at
    results is judged with the exploratory ones. `robust_over` names what its outcome should not depend on, a list or one
    name: its arms are run again at other values of these, and the verdict says whether it is the same in all of them.

    A field `smallest` is the smallest effect that counts, in the measure's unit: the power analysis refuses a design that could not
    see it, and an effect shown to be smaller contradicts the claim.

    Attributes:
        counts_over: whether its evidence is counted in seeds or in arms.
        has_variances: whether it rests on means, whose variances say what it could see; else on counts of seeds alone.
        tokenizer_free: whether it may compare arms with different tokenizers whatever its measures are.
        least_arms: fewest arms that can decide it, where it counts over arms.
        relation: its effect says how its two measures go together; else a positive effect is better.
    """

    kind: str
    expected: Decided | None = None
    because: str = ""
    after_a_look: bool = False
    robust_over: tuple[str, ...] = ()
    counts_over: ClassVar[Literal["seed", "arm"]] = "seed"
    has_variances: ClassVar[bool] = True
    tokenizer_free: ClassVar[bool] = False
    least_arms: ClassVar[int] = 0
    relation: ClassVar[bool] = False

    @field_validator("robust_over", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @abstractmethod
    def sentence(self) -> str:
        """The claim in words, without a full stop: its outcome follows."""

    @abstractmethod
    def estimates(self, measures: Measures) -> ClaimEstimates:
        """The estimates that decide it."""

    @abstractmethod
    def arms_named(self) -> Sequence[str]:
        """Arms that it is about; none where it is about all of them. A study has to have them."""

    def measures_named(self) -> Sequence[str]:
        """Measures that it names, in full. A study has to take their metrics."""
        return ()

    def tasks_named(self) -> Sequence[str]:
        """Tasks that it names. A study has to ask them."""
        return ()

    def compares_tokenizers(self) -> bool:
        """Whether arms with different tokenizers may be compared whatever its measures are."""
        return self.tokenizer_free

    def direction(self, effect: float) -> str:
        """Which way a supported claim of two sides points, as a clause; nothing where its sentence says so."""
        return ""

    def short(self, outcome: str, effect: float) -> str:
        """The outcome as a lead would say it."""
        match outcome:
            case "supported":
                way = self.direction(effect)
                return f"It is so: {way}." if way else "It is so."
            case "contradicted":
                return "It is not so: any effect is smaller than what would count, or points the other way."
            case _:
                return "Open: neither shown nor ruled out by this study."

    def wanted(self) -> float | None:
        """The smallest effect that counts, if the claim says one."""
        smallest: float | None = getattr(self, "smallest", None)
        return smallest

    def smallest_seen(self, estimate: Estimate, alpha: float) -> float | None:
        """The smallest effect that a repetition of a finished design finds at this alpha with a chance of 80 %."""
        if self.counts_over == "arm":
            return self.seen_over_arms(estimate.n, alpha)
        return estimate.smallest_effect(alpha)

    def seen_over_arms(self, arms: int, alpha: float) -> float | None:
        """The same of a claim that counts over arms, which needs no variances; None if unknown."""
        return None

    def least_p(self, seeds: int) -> float | None:
        """The smallest p of an exact test that this claim could reach with so many seeds; None where there is no such test."""
        return least_exchange_p(seeds) if len(self.arms_named()) > 1 else None

    def least_seeds(self, claims: int) -> int:
        """The fewest seeds that can decide it among so many claims, after Holm."""
        for seeds in range(LEAST_FOR_VERDICT, MOST_SEEDS):
            reached = self.least_p(seeds)
            if reached is None or reached * claims <= ALPHA:
                return seeds
        return MOST_SEEDS

    def planned_measure(self) -> str:
        """The measure whose variances the power analysis uses."""
        return self.measures_named()[0]

    def compared(self) -> Sequence[tuple[str, str | None]]:
        """Pairs of arms to compare; with None, an arm is compared with a number. The power analysis takes the noisiest pair."""
        first, *others = self.arms_named()
        return [(first, other) for other in others or (None,)]

    def key(self) -> tuple[object, ...]:
        """Claims of one key are the same claim."""
        return (self,)

    def renamed(self, names: Mapping[str, str]) -> Self:
        """The same claim about other arms, not to be varied again."""
        arms = set(self.arms_named())

        def other(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(map(other, value))
            return names.get(value, value) if isinstance(value, str) and value in arms else value

        changed = {field: other(getattr(self, field)) for field in type(self).model_fields if field != "kind"}
        return self.model_copy(update={**changed, "robust_over": ()})

    @classmethod
    def unregistered(cls, task: str, k: int, arms: Sequence[str]) -> Sequence[Self]:
        """Claims of this kind that are judged of a task without being registered, as exploratory; none of most kinds.

        Args:
            k: the largest number of demonstrations that was measured.
        """
        return ()
