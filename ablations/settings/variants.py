"""The arms of claims that are to hold over nuisances, run again at other values of these: arms like any other, named after them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ablations.claims.base import Claim
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
        found |= _variants_of(study, arm, study.best_of)
    for claim in study.claims:
        if claim.robust_over and not claim.arms_named():
            raise ConfigError(f"claims.{claim.kind}: robust_over needs a claim about named arms. Leave it out.")
        for kind in claim.robust_over:
            for arm in claim.arms_named():
                found |= _variants_of(study, arm, kind)
    if twice := sorted(name for name, arm in found.items() if study.arms.get(name, arm) != arm):
        raise ConfigError(f"arms.{twice[0]}: best_of or robust_over adds an arm of this name. Rename it.")
    return found


def _written_arms(study: Study) -> list[str]:
    """Those arms that `best_of` did not add, whether it was asked already or not."""
    added = {f"{arm}_{name}" for arm in study.arms for name in _changes(study, arm, study.best_of)}
    return [arm for arm in study.arms if arm not in added]


def _variants_of(study: Study, arm: str, kind: str) -> dict[str, Arm]:
    return {
        f"{arm}_{name}": study.arms[arm].model_copy(
            update={
                "cells": merged(study.arms[arm].cells, change.cells),
                "tokenizer": {**study.arms[arm].tokenizer, **change.tokenizer},
            }
        )
        for name, change in _changes(study, arm, kind).items()
    }


def _changes(study: Study, arm: str, kind: str) -> Mapping[str, Any]:
    known = NUISANCES.catalogue(study.loaded_plugins)
    if kind not in known:
        raise ConfigError(
            f"{'best_of' if kind == study.best_of else 'robust_over'}: {one_of(known, kind, NUISANCES.what)}"
        )
    nuisance = NUISANCES.get(kind, study.loaded_plugins)()
    return nuisance.variants(study.cells_of_arm(arm), _tokenizer_of(study, arm))


def _tokenizer_of(study: Study, arm: str) -> ArmTokenizer:
    return said_of(study.tokenizer, study.arms[arm].tokenizer, f"arms.{arm}.tokenizer")


def values_of_best(study: Study, arm: str) -> dict[str, str]:
    """The arms among which one stands, with the value of the nuisance in words; its own value comes first."""
    nuisance = NUISANCES.get(study.best_of, study.loaded_plugins)()
    own = nuisance.as_it_is(study.cells_of_arm(arm), _tokenizer_of(study, arm))
    return {arm: own, **{f"{arm}_{name}": each.words for name, each in _changes(study, arm, study.best_of).items()}}


def variants_of_claim(study: Study, claim: Claim) -> Iterator[tuple[str, Sequence[Variant]]]:
    """Each nuisance of a claim, and the claim at the arms' own value and at the others."""
    arms = claim.arms_named()
    for kind in claim.robust_over:
        nuisance = NUISANCES.get(kind, study.loaded_plugins)()
        own = nuisance.as_it_is(study.cells_of_arm(arms[0]), _tokenizer_of(study, arms[0]))
        variants = [Variant(own, claim)]
        for name, change in _changes(study, arms[0], kind).items():
            variants.append(Variant(change.words, claim.renamed({arm: f"{arm}_{name}" for arm in arms})))
        yield kind, variants
