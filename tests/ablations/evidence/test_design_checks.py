"""What is said of a design before it runs: shapes that cannot look back, warm-ups, weights and repetitions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ablations.evidence.design.base import Design
from ablations.evidence.design.registry import DESIGN_CHECKS
from ablations.evidence.design_checks import Checked, checked
from ablations.settings.block_windows import check_windows
from ablations.settings.planned_reading import PlannedReading
from ablations.settings.study import Study
from curation.runtime.errors import ConfigError
from curation.runtime.registry import Plugin

SHAPE = {"context": 256, "layers": 2, "width": 128, "heads": 2}


def study(model: dict[str, Any] | None = None, schedule: dict[str, Any] | None = None, **changes: Any) -> Study:
    cells = {"model": {**SHAPE, **(model or {})}, "schedule": {"tokens": 2_000_000, "batch": 8, **(schedule or {})}}
    arms = {"web": {"mixture": {"web": 1}}}
    return Study.model_validate({"name": "s", "arms": arms, "cells": cells, **changes})


def found(study: Study, repetitions: dict[tuple[str, str], float] | None = None) -> Checked:
    readings = {key: PlannedReading(times, 100) for key, times in (repetitions or {}).items()}
    return checked(Design.of(study, readings or None))


@pytest.mark.parametrize("kind", DESIGN_CHECKS.classes())
def test_a_check_has_nothing_against_a_usual_study(kind: str) -> None:
    check = DESIGN_CHECKS.get(kind)()
    assert DESIGN_CHECKS.catalogue()[kind].endswith(".")
    assert isinstance(check.refuses, bool)
    assert list(check.concerns(Design.of(study()))) == []


def test_a_usual_study_is_not_refused_and_its_attention_is_printed() -> None:
    told = found(study())
    assert (told.refusals, told.warnings) == ([], [])
    assert told.facts[0].startswith("largest attention that position alone can give to the token before: 0.99 in")


@pytest.mark.parametrize(
    ("model", "share"),
    [
        ({"sharpness": 6}, "0.35"),
        ({"positions": {"kind": "alibi"}}, "0."),
        ({"positions": {"kind": "nope"}}, "0.00"),
        ({"sharpness": 12, "width": 64, "heads": 8}, "0."),
    ],
    ids=str,
)
def test_a_shape_that_cannot_look_at_the_token_before_is_refused_unless_told(model: dict[str, Any], share: str) -> None:
    (refusal,) = found(study(model)).refusals
    assert f"cells.model of web: position alone can give the token before {share}" in refusal
    assert refusal.endswith("Raise sharpness, or make heads wider; or write accept: [blunt_attention].")
    told = found(study(model, accept=["blunt_attention"]))
    assert told.refusals == []
    assert len(told.warnings) == 1


def test_without_attention_there_is_nothing_to_refuse() -> None:
    assert found(study({"attention": False})).refusals == []


def test_a_warm_up_as_long_as_the_run_is_refused() -> None:
    (refusal,) = found(study(schedule={"tokens": 40_960, "warmup_steps": 20})).refusals
    assert "cells.schedule of web: 20 warm-up steps, and the run has 20." in refusal
    assert found(study(schedule={"tokens": 43_008, "warmup_steps": 20})).refusals == []


def mixed(web: float, forum: float, **changes: Any) -> Study:
    return study(arms={"all": {"mixture": {"web": web, "forum": forum}}}, **changes)


@pytest.mark.parametrize("forum", [1024, 2000])
def test_a_weight_of_less_than_a_window_in_a_block_is_refused_unless_told(forum: int) -> None:
    """Cells read a whole window of it, up to twice as much as the study says."""
    (refusal,) = found(mixed(1, forum)).refusals
    share = {1024: "0.999", 2000: "0.512"}[forum]
    assert refusal.startswith(f"arms.all.mixture.web: its weight is {share} windows in 1024, and cells read 1.")
    told = found(mixed(1, forum, accept=["small_weights"]))
    assert (told.refusals, len(told.warnings)) == ([], 1)
    check_windows(mixed(1, forum))
    assert found(mixed(1, 1023)).refusals == []


def test_a_weight_without_a_window_is_refused_at_the_start_whatever_is_accepted() -> None:
    """No cell can be trained with it."""
    with pytest.raises(
        ConfigError, match=r"arms\.all\.mixture\.web: its weight gives it not one window in 1024\. Raise it"
    ):
        check_windows(mixed(1, 3000, accept=["small_weights"]))


def of_files(folder: Path, sizes: dict[str, int], arms: dict[str, Any], **changes: Any) -> Study:
    """Steps of 2,048 tokens, of sources with so many bytes."""
    for name, size in sizes.items():
        (folder / f"{name}.jsonl").write_bytes(b"x" * size)
    sources = {name: {"kind": "files", "path": f"{name}.jsonl"} for name in ("big", "small")}
    recipe = {"data_root": str(folder), "sources": sources}
    return study(arms=arms, recipe=recipe, folder=str(folder), **changes)


ONE_EACH: dict[str, Any] = {name: {"mixture": {name: 1}} for name in ("big", "small")}


def test_repetitions_are_estimated_from_bytes_before_anything_runs(tmp_path: Path) -> None:
    arms = {**ONE_EACH, "both": {"mixture": {"big": 3, "small": 1}, "fraction": 0.5}}
    told = found(of_files(tmp_path, {"big": 4_000_000, "small": 400_000}, arms, schedule={"tokens": 1_024_000}))
    assert "big reads big about 1.02 times: an estimate from its 4,000,000 bytes, 4 a token" in told.facts
    assert "both reads small about 5.12 times: an estimate from its 400,000 bytes, 4 a token" in told.facts
    assert any(
        fact.startswith("how often each source is read is known once the text is encoded") for fact in told.facts
    )
    assert [warning[: warning.index(", and")] for warning in told.warnings] == [
        "warning: arms.small: small is read about 10.2 times",
        "warning: arms.both: small is read about 5.1 times",
    ]


def test_text_that_is_not_there_yet_is_not_estimated(tmp_path: Path) -> None:
    told = found(of_files(tmp_path, {"big": 4_000_000}, ONE_EACH))
    assert any(fact.startswith("big reads big about") for fact in told.facts)
    assert not any(fact.startswith("small reads small") for fact in told.facts)


def test_a_warm_up_longer_than_what_equal_epochs_leaves_of_a_run_is_refused(tmp_path: Path) -> None:
    sizes, schedule = {"big": 4_000_000, "small": 200_000}, {"tokens": 1_024_000, "warmup_steps": 30}
    assert found(of_files(tmp_path, sizes, ONE_EACH, schedule=schedule)).refusals == []
    shortened = of_files(tmp_path, sizes, ONE_EACH, schedule=schedule, equal="epochs")
    (refusal,) = found(shortened).refusals
    assert "cells.schedule of small: 30 warm-up steps, and the run has about 25 under equal: epochs." in refusal
    planned = {(name, name): PlannedReading(1.0, steps) for name, steps in (("big", 500), ("small", 28))}
    (refusal,) = checked(Design.of(shortened, planned)).refusals
    assert "cells.schedule of small: 30 warm-up steps, and the run has 28 under equal: epochs." in refusal


def test_repetitions_are_printed_and_many_of_them_are_said() -> None:
    told = found(study(), {("web", "web"): 3.9, ("all", "forum"): 12.0})
    assert told.refusals == []
    (warning,) = told.warnings
    assert warning.startswith("warning: arms.all: forum is read 12.0 times")
    assert "web reads web 3.90 times" in told.facts


def test_an_unknown_check_is_refused_with_its_neighbour() -> None:
    with pytest.raises(ConfigError, match=r"accept: unknown check of a design 'blunt_atention'\. Did you mean"):
        found(study(accept=["blunt_atention"]))


PLUGIN = '''
"""Studies whose names are too long."""

from ablations.evidence.design.base import DesignCheck


class LongNames(DesignCheck):
    """A name that does not fit on a line."""

    kind = "long_names"
    refuses = True

    def concerns(self, design):
        if len(design.study.name) > 10:
            yield f"name: {design.study.name} is long. Shorten it"
'''


def test_a_check_is_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = Plugin("long_names.py", PLUGIN)
    assert DESIGN_CHECKS.catalogue([plugin])["long_names"] == "A name that does not fit on a line."
    monkeypatch.setattr(Study, "loaded_plugins", (plugin,))
    assert found(study(name="a_name_that_is_long")).refusals == [
        "name: a_name_that_is_long is long. Shorten it; or write accept: [long_names]."
    ]


def test_a_claim_on_late_text_is_told_what_measures_context() -> None:
    claims = [
        {"differs": {"arm_a": "web", "arm_b": "web", "measure": f"late_minus_early.{of}"}}
        for of in ("web", "web.cut_minus_full")
    ]
    (warning,) = found(study(claims=claims)).warnings
    assert "claims on late_minus_early.web: late text is easier or harder by itself" in warning
    assert "What context gives is late_minus_early.web.cut_minus_full, and copying is context_gain.web.order" in warning


@pytest.mark.parametrize(
    ("measure", "smallest", "told"),
    [
        ("context_gain.web.order", 0.02, True),
        ("few_shot.control_map.k8.accuracy", 0.02, True),
        ("few_shot.control_map.k8.permuted_minus_gold", 0.02, True),
        ("context_gain.web.order", 0.05, False),
        ("context_gain.web.content", 0.02, False),
        ("bits_per_byte.web", 0.02, False),
        ("few_shot.control_map.k8.gold.nll", 0.02, False),
        ("context_gain.web.order", None, False),
    ],
    ids=str,
)
def test_an_effect_that_a_switch_could_hide_is_told_so(measure: str, smallest: float | None, told: bool) -> None:
    claim = {"arm_a": "web", "arm_b": "web", "measure": measure, **({"smallest": smallest} if smallest else {})}
    warnings = found(study(claims=[{"differs": claim}])).warnings
    assert len(warnings) == told
    if told:
        assert f"its smallest effect is 0.02, and {measure} switches in some seeds and not in others" in warnings[0]


@pytest.mark.parametrize("evaluations", [0, 1])
def test_claims_on_emergence_are_refused_where_no_two_evaluations_come_after_the_start(evaluations: int) -> None:
    asked = study(claims=[{"share_emerges": {"arm": "web"}}])
    design = Design(asked, {"web": replace(asked.cells_of_arm("web"), evaluations=evaluations)}, {})
    refusals = checked(design).refusals
    assert len(refusals) == (evaluations == 0)
    if refusals:
        assert refusals[0].startswith(
            "cells.evaluations of web: 0, and its claims count a seed that is above its limits at 2"
        )


def test_what_is_expected_of_prompts_before_there_is_a_tokenizer_is_said_to_be_expected() -> None:
    fitting = {("qa", 256): {0: 1.0, 4: 0.97}}
    said = "which prompts fit is expected at 4 bytes a token, and known once the text is encoded"
    assert said in checked(Design.of(study(), fitting=fitting, expected=True)).facts
    assert said not in checked(Design.of(study(), fitting=fitting)).facts
    assert said not in checked(Design.of(study(), fitting={("control_map", 256): {}}, expected=True)).facts
