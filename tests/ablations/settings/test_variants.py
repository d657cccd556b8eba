"""Claims that are to hold over a nuisance: their arms at other values of it, and what the verdict says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from two_arms import DIFFERS, loaded

from ablations.core.results.readings import Reading
from ablations.settings import study_file as settings
from ablations.settings.nuisances.registry import NUISANCES
from ablations.settings.variants import variants_of_claim
from ablations.statistics.cell_result import CellResult
from ablations.statistics.measures import Measures
from ablations.study.best_arms import standing
from ablations.study.drafts import drafts
from ablations.study.robust import robust_verdicts
from curation.recipes.recipe import check_name
from curation.runtime.errors import ConfigError


@pytest.mark.parametrize("kind", NUISANCES.classes())
def test_every_nuisance_has_other_values_under_names_that_go_into_paths(kind: str, tmp_path: Path) -> None:
    study, _ = loaded(tmp_path, {**DIFFERS, "robust_over": [kind]})
    ((_, variants),) = variants_of_claim(study, study.claims[0])
    assert len({variant.words for variant in variants}) == len(variants) >= 2
    assert all(check_name(arm) for arm in study.arms)
    assert len(study.arms) == 2 * len(variants)


def test_a_claims_arms_are_run_at_a_third_and_three_times_the_rates(tmp_path: Path) -> None:
    study, _ = loaded(tmp_path, {**DIFFERS, "robust_over": ["learning_rate"]})
    assert set(study.arms) == {f"{arm}{end}" for arm in ("web", "forum") for end in ("", "_rate_third", "_rate_triple")}
    rates = study.cells_of_arm("web_rate_third").optimizer.settings
    assert rates["learning_rate"] == pytest.approx(0.003)
    assert rates["adam_learning_rate"] == pytest.approx(0.006)
    assert study.cells_of_arm("web").optimizer.settings["learning_rate"] == 0.01


def test_a_claims_arms_are_run_with_tokenizers_of_their_own_and_a_shared_one(tmp_path: Path) -> None:
    study, recipe = loaded(tmp_path, {**DIFFERS, "robust_over": ["tokenizer"]})
    names = {arm: named.name for arm, named in settings.arm_tokenizers(study, recipe).items()}
    assert names == {"web": "main", "forum": "main", "web_own_pieces": "web", "forum_own_pieces": "forum"}
    own, recipe = loaded(tmp_path, {**DIFFERS, "robust_over": ["tokenizer"]}, tokenizer={"of": "source"})
    names = {arm: named.name for arm, named in settings.arm_tokenizers(own, recipe).items()}
    assert names == {"web": "web", "forum": "forum", "web_shared_pieces": "main", "forum_shared_pieces": "main"}


ARMS = {"web": {"mixture": {"web": 1}}, "forum": {"mixture": {"forum": 1}}}
AS_WRITTEN, SHARED, OWN = (
    "the tokenizers that the study gives to its arms", "one tokenizer of the study's text for all arms",
    "a tokenizer of each arm's own text",
)  # fmt: skip


@pytest.mark.parametrize(
    ("study_says", "forum_says", "tried"),
    [
        ({}, {}, {SHARED: 1, OWN: 2}),
        ({}, {"vocab_size": 16_384}, {SHARED: 1, OWN: 2}),  # the default, said once more
        ({"vocab_size": 450}, {"vocab_size": 400}, {AS_WRITTEN: 2, SHARED: 1, OWN: 2}),
        ({"vocab_size": 450}, {"sources": ["forum"]}, {AS_WRITTEN: 2, SHARED: 1, OWN: 2}),
        ({"of": "arm", "vocab_size": 450}, {"of": "study"}, {AS_WRITTEN: 2, SHARED: 1, OWN: 2}),
        ({}, {"of": "source"}, {AS_WRITTEN: 2, SHARED: 1, OWN: 2}),
        ({"of": "arm"}, {"vocab_size": 400}, {OWN: 2, SHARED: 1}),
    ],
)
def test_the_words_for_the_tokenizers_of_a_claim_are_true(
    tmp_path: Path, study_says: dict[str, Any], forum_says: dict[str, Any], tried: dict[str, int]
) -> None:
    """Else a claim is called robust over a shared tokenizer that its arms did not share."""
    arms = {**ARMS, "forum": {**ARMS["forum"], "tokenizer": forum_says}}
    study, recipe = loaded(
        tmp_path, {**DIFFERS, "robust_over": ["tokenizer"]}, tokenizer=study_says, arms=arms
    )  # fmt: skip
    tokenizers = settings.arm_tokenizers(study, recipe)
    known = {arm: named.key for arm, named in tokenizers.items()}
    ((_, variants),) = variants_of_claim(study, study.claims[0])
    assert {each.words: len({known[arm] for arm in each.claim.arms_named()}) for each in variants} == tried
    named = {arm for each in variants for arm in each.claim.arms_named()}
    assert named == set(study.arms), "no arm is run that no claim is about"
    assert len({(known[arm], *study.mixture(arm)) for arm in known}) == len(known), "no arm is run twice"
    sizes = {draft.arm: draft.training.model.vocab_size for draft in drafts(study) if draft.arm in study.arms}
    assert sizes == {arm: named.settings.vocab_size for arm, named in tokenizers.items()}


def test_arms_that_cannot_have_the_same_values_of_a_nuisance_are_refused(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(ODD_NUISANCE, encoding="utf8")
    with pytest.raises(
        ConfigError, match=r"robust_over: odd gives web the values of_web and forum of_forum\. Compare arms"
    ):
        loaded(tmp_path, {**DIFFERS, "robust_over": ["odd"]}, plugins=["odd.py"], arms={
            **ARMS, "forum": {**ARMS["forum"], "cells": {"schedule": {"batch": 8}}}
        })  # fmt: skip


ODD_NUISANCE = """
from typing import ClassVar

from ablations.settings.nuisances.base import Change, Nuisance


class Odd(Nuisance):
    \"\"\"Values that differ between arms.\"\"\"

    kind: ClassVar[str] = "odd"

    def as_it_is(self, compared):
        return "as it is"

    def variants(self, arm, compared):
        return {"of_web" if arm.cells.schedule.batch == 4 else "of_forum": Change("other")}
"""


def test_arms_that_stand_at_their_best_value_are_not_varied_as_well(tmp_path: Path) -> None:
    """Their variants would be run at one learning rate alone, and be compared with arms at another."""
    with pytest.raises(
        ConfigError, match=r"claims\.differs: robust_over beside best_of: arms stand at their best learn"
    ):
        loaded(tmp_path, {**DIFFERS, "robust_over": ["tokenizer"]}, best_of="learning_rate")


def test_a_measure_that_depends_on_the_tokenizer_is_refused_between_arms_with_different_ones(tmp_path: Path) -> None:
    nats = {"differs": {"arm_a": "web", "arm_b": "forum", "measure": "context_gain.web.order"}}
    with pytest.raises(
        ConfigError, match=r"web and forum have different tokenizers, and context_gain\.web\.order depends on them"
    ):
        loaded(tmp_path, nats, tokenizer={"of": "source"})
    loaded(tmp_path, nats)
    per_byte: dict[str, Any] = {"differs": {**nats["differs"], "measure": "context_gain.web.order_per_byte"}}
    loaded(tmp_path, per_byte, tokenizer={"of": "source"})
    loaded(tmp_path, {"onset_earlier": {"arm_a": "web", "arm_b": "forum"}}, tokenizer={"of": "source"})


@pytest.mark.parametrize(
    ("claim", "changes", "told"),
    [
        ({**DIFFERS, "robust_over": ["weather"]}, {}, "robust_over: unknown nuisance 'weather'. Known: learning_rate, tokenizer"),
        (
            {**DIFFERS, "robust_over": ["learning_rate"]},
            {"arms": {n: {"mixture": {"web": 1}} for n in ("web", "forum", "web_rate_third")}},
            "arms.web_rate_third: best_of or robust_over adds an arm of this name. Rename it.",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_varied_is_refused(
    tmp_path: Path, claim: dict[str, Any], changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError, match=told.replace(".", r"\.")):
        loaded(tmp_path, claim, **changes)


def test_a_claim_about_all_arms_is_not_about_those_that_were_added(tmp_path: Path) -> None:
    goes = {"goes_with": {"measure_x": "bits_per_byte.web", "measure_y": "bits_per_byte.forum"}}
    with pytest.raises(ConfigError, match="robust_over needs a claim about named arms"):
        loaded(tmp_path, {**goes, "robust_over": ["learning_rate"]})
    study, _ = loaded(tmp_path, goes, claims=[goes, {**DIFFERS, "robust_over": ["tokenizer"]}])
    first, _ = robust_verdicts(study, Measures.of_cells(CellResult(arm, arm, 0, {}) for arm in study.arms))
    assert first.why.startswith("0 arms have both measures")


def test_with_best_of_every_arm_is_run_at_each_value_and_stands_with_the_best(tmp_path: Path) -> None:
    study, _ = loaded(tmp_path, DIFFERS, best_of="learning_rate")
    assert set(study.arms) == {f"{arm}{end}" for arm in ("web", "forum") for end in ("", "_rate_third", "_rate_triple")}
    bits = {"web": 2.5, "web_rate_third": 2.4, "web_rate_triple": 2.6, "forum": 2.0, "forum_rate_third": 2.1}
    cells = [cell(arm, seed, value) for arm, value in bits.items() for seed in range(3)]
    cells.append(cell("forum_rate_triple", 0, 1.0))  # of which the other seeds came to nothing
    found = standing(study, cells)
    assert {(each.arm, each.cell) for each in found.cells if each.seed == 0} == {
        ("web", "web_rate_third_s0"),
        ("forum", "forum_s0"),
    }
    assert sorted(found.said)[1].startswith(
        "arm web stands at 0.3 x the learning rate: bits per byte of its text 2.500 at 1 x"
    )
    assert list(standing(study.model_copy(update={"best_of": ""}), cells).cells) == cells
    with pytest.raises(ConfigError, match="best_of: unknown"):
        loaded(tmp_path, DIFFERS, best_of="weather")


def cell(arm: str, seed: int, bits: float) -> CellResult:
    source = arm.partition("_")[0]
    reading = Reading("bits_per_byte", bits, "bits", "lower", "", source=source)
    return CellResult(f"{arm}_s{seed}", arm, seed, {reading.name: reading})
