"""The claims that a study may register before it runs. Each is one mapping in the study's file: `- emerges: {arm: code}`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from curation.runtime.config import Config
from curation.runtime.errors import one_of

DEFAULT_MEASURE = "few_shot.control_map.k8.permuted_minus_gold"


class Emerges(Config):
    """A task emerges in an arm: gold demos beat permuted ones, k shots beat none, and the strongest blind guess is beaten.

    Args:
        k: demonstrations; the largest number that was measured when left out.
        smallest: the smallest effect that counts, in the measure's unit, here and in the claims below. The planner refuses
            a design that could not see it, and an effect shown to be smaller contradicts the claim. Here nats that
            permuted labels cost; 0.05, the limit of the controls, when left out.
    """

    kind: Literal["emerges"] = "emerges"
    arm: str
    task: str = "control_map"
    k: int | None = None
    smallest: float | None = Field(default=None, gt=0)


class Differs(Config):
    """Two arms differ in a measure."""

    kind: Literal["differs"] = "differs"
    arm_a: str
    arm_b: str
    measure: str = DEFAULT_MEASURE
    smallest: float | None = Field(default=None, gt=0)


class Synergy(Config):
    """A mixture is better in a measure than the best of its parts alone."""

    kind: Literal["synergy"] = "synergy"
    mixture: str
    parts: tuple[str, ...] = Field(min_length=1)
    measure: str = DEFAULT_MEASURE
    smallest: float | None = Field(default=None, gt=0)


class SizeEffect(Config):
    """The large arm is better in a measure than the small one of the same mixture."""

    kind: Literal["size_effect"] = "size_effect"
    small: str
    large: str
    measure: str = DEFAULT_MEASURE
    smallest: float | None = Field(default=None, gt=0)


class GoesWith(Config):
    """Over the study's arms two measures rise and fall together (rank correlation of the arms' means over seeds)."""

    kind: Literal["goes_with"] = "goes_with"
    measure_x: str
    measure_y: str


Claim = Emerges | Differs | Synergy | SizeEffect | GoesWith
KINDS: dict[str, type[Config]] = {
    "emerges": Emerges,
    "differs": Differs,
    "synergy": Synergy,
    "size_effect": SizeEffect,
    "goes_with": GoesWith,
}


def _unfolded(value: Any) -> Any:
    """`{emerges: {arm: a}}` as `{kind: emerges, arm: a}`."""
    if isinstance(value, dict) and len(value) == 1 and isinstance(next(iter(value.values())), dict):
        ((kind, settings),) = value.items()
        if kind not in KINDS:
            raise ValueError(one_of(KINDS, str(kind), "claim").removesuffix("."))
        return {"kind": kind, **settings}
    return value


ClaimSettings = Annotated[
    Annotated[Claim, Field(discriminator="kind")],
    BeforeValidator(_unfolded),
]


def arms_of(claim: Claim) -> list[str]:
    """The arms that a claim names."""
    match claim:
        case Emerges():
            return [claim.arm]
        case Differs():
            return [claim.arm_a, claim.arm_b]
        case Synergy():
            return [claim.mixture, *claim.parts]
        case SizeEffect():
            return [claim.small, claim.large]
        case GoesWith():
            return []


def measures_of(claim: Claim) -> list[str]:
    """The measures that a claim names."""
    match claim:
        case Emerges():
            return []
        case GoesWith():
            return [claim.measure_x, claim.measure_y]
        case _:
            return [claim.measure]
