"""The arms of claims that are to hold over nuisances, run again at other values of these: arms like any other, named after them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ablations.claims.base import Claim
from ablations.settings.nuisances.base import Change, Nuisance, VariedArm
from ablations.settings.nuisances.registry import NUISANCES
from ablations.settings.tokenizers import ArmTokenizer, said_of
from curation.runtime.config import merged
from curation.runtime.errors import ConfigError, one_of

if TYPE_CHECKING:
    from ablations.settings.study import Arm, Study


@dataclass(frozen=True)
class Variant:
    """A claim at another value of a nuisance, or at the arms' own, in words."""

    words: str
    claim: Claim


def varied_arms(study: Study) -> dict[str, Arm]:
    """The arms that `best_of` of the study and `robust_over` of its claims add.

    Raises:
        ConfigError: a nuisance is unknown, does not apply to an arm, or an arm of the study has such a name.
    """
    found: dict[str, Arm] = {}
    for arm in _written_arms(study) if study.best_of else ():
        found |= _added(study, study.best_of, [arm])
    for claim in study.claims:
        _check_robust(study, claim)
        for kind in claim.robust_over:
            found |= _added(study, kind, claim.arms_named())
    if twice := sorted(name for name, arm in found.items() if study.arms.get(name, arm) != arm):
        raise ConfigError(f"arms.{twice[0]}: best_of or robust_over adds an arm of this name. Rename it.")
    return found


def _check_robust(study: Study, claim: Claim) -> None:
    where = f"claims.{claim.kind}: robust_over"
    if claim.robust_over and not claim.arms_named():
        raise ConfigError(f"{where} needs a claim about named arms. Leave it out.")
    if claim.robust_over and study.best_of:
        raise ConfigError(
            f"{where} beside best_of: arms stand at their best {study.best_of}, and their variants would be run at one alone. "
            "Leave one of the two out."
        )


def robust_arms(study: Study) -> set[str]:
    """The arms that are there for `robust_over` alone."""
    return set() if study.best_of else set(varied_arms(study))


def _written_arms(study: Study) -> list[str]:
    """Those arms that `best_of` did not add, whether it was asked already or not."""
    added = {f"{arm}_{name}" for arm in study.arms for name in _changes(study, study.best_of, [arm])}
    return [arm for arm in study.arms if arm not in added]


def _added(study: Study, kind: str, compared: Sequence[str]) -> dict[str, Arm]:
    changes = _changes(study, kind, compared)
    made = (_variant(study, arm, name, change) for name, of in changes.items() for arm, change in of.items())
    return {name: arm for name, arm in made if name not in compared}


def _variant(study: Study, arm: str, name: str, change: Change) -> tuple[str, Arm]:
    """An arm with a change, under its name; the arm itself where nothing changes, so that it is not run twice."""
    written = study.arms[arm]
    tokenizer = {**({} if change.instead else written.tokenizer), **change.tokenizer}
    changed = written.model_copy(update={"cells": merged(written.cells, change.cells), "tokenizer": tokenizer})
    if changed.cells == written.cells and _tokenizer_of(study, arm, changed) == _tokenizer_of(study, arm, written):
        return arm, written
    return f"{arm}_{name}", changed


def _changes(study: Study, kind: str, compared: Sequence[str]) -> dict[str, dict[str, Change]]:
    """What is added to the names of arms that are compared -> arm -> its change."""
    nuisance, arms = _nuisance(study, kind), _seen(study, compared)
    each = {name: nuisance.variants(arm, list(arms.values())) for name, arm in arms.items()}
    values = next(iter(each.values()))
    for arm, changes in each.items():
        if changes.keys() != values.keys():
            raise ConfigError(
                f"robust_over: {kind} gives {compared[0]} the values {', '.join(values)} and {arm} {', '.join(changes)}. "
                "Compare arms that can have the same, or leave it out."
            )
    return {value: {arm: changes[value] for arm, changes in each.items()} for value in values}


def _nuisance(study: Study, kind: str) -> Nuisance:
    known = NUISANCES.catalogue(study.loaded_plugins)
    if kind not in known:
        asked_by = "best_of" if kind == study.best_of else "robust_over"
        raise ConfigError(f"{asked_by}: {one_of(known, kind, NUISANCES.what)}")
    return NUISANCES.get(kind, study.loaded_plugins)()


def _seen(study: Study, arms: Sequence[str]) -> dict[str, VariedArm]:
    return {arm: VariedArm(study.cells_of_arm(arm), _tokenizer_of(study, arm, study.arms[arm])) for arm in arms}


def _tokenizer_of(study: Study, name: str, arm: Arm) -> ArmTokenizer:
    return said_of(study.tokenizer, arm.tokenizer, f"arms.{name}.tokenizer")


def values_of_best(study: Study, arm: str) -> dict[str, str]:
    """The arms among which one stands, with the value of the nuisance in words; its own value comes first."""
    own = _nuisance(study, study.best_of).as_it_is(list(_seen(study, [arm]).values()))
    changes = _changes(study, study.best_of, [arm])
    return {arm: own, **{f"{arm}_{name}": of[arm].words for name, of in changes.items()}}


def variants_of_claim(study: Study, claim: Claim) -> Iterator[tuple[str, Sequence[Variant]]]:
    """Each nuisance of a claim, and the claim at the arms' own value and at the others."""
    arms = claim.arms_named()
    for kind in claim.robust_over:
        own = _nuisance(study, kind).as_it_is(list(_seen(study, arms).values()))
        variants = [Variant(own, claim)]
        for name, changes in _changes(study, kind, arms).items():
            words = " and ".join(dict.fromkeys(change.words for change in changes.values()))
            names = {arm: _variant(study, arm, name, change)[0] for arm, change in changes.items()}
            variants.append(Variant(words, claim.renamed(names)))
        yield kind, variants
