"""What is said of a design before it runs: shapes that cannot look back, warm-ups, weights and repetitions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ablations.evidence.design.base import Design
from ablations.evidence.design.registry import DESIGN_CHECKS
from ablations.evidence.design_checks import Checked, checked
from ablations.settings.study import Study
from curation.runtime.errors import ConfigError
from curation.runtime.registry import Plugin

SHAPE = {"context": 256, "layers": 2, "width": 128, "heads": 2}


def study(model: dict[str, Any] | None = None, schedule: dict[str, Any] | None = None, **changes: Any) -> Study:
    cells = {"model": {**SHAPE, **(model or {})}, "schedule": {"tokens": 2_000_000, "batch": 8, **(schedule or {})}}
    arms = {"web": {"mixture": {"web": 1}}}
    return Study.model_validate({"name": "s", "arms": arms, "cells": cells, **changes})


def found(study: Study, repetitions: dict[tuple[str, str], float] | None = None) -> Checked:
    return checked(Design.of(study, repetitions))


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


def test_a_weight_of_less_than_a_window_in_a_block_is_refused() -> None:
    (refusal,) = found(study(arms={"all": {"mixture": {"web": 1, "forum": 3000}}})).refusals
    assert refusal.startswith("arms.all.mixture.web: less than one window in 1024.")
    assert found(study(arms={"all": {"mixture": {"web": 1, "forum": 1000}}})).refusals == []


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


@pytest.mark.parametrize("evaluations", [0, 1])
def test_claims_on_emergence_are_refused_where_no_two_evaluations_come_after_the_start(evaluations: int) -> None:
    asked = study(claims=[{"share_emerges": {"arm": "web"}}])
    design = Design(asked, {"web": replace(asked.cells_of_arm("web"), evaluations=evaluations)}, {})
    refusals = checked(design).refusals
    assert len(refusals) == (evaluations == 0)
    if refusals:
        assert refusals[0].startswith(
            "cells.evaluations of web: 0, and its claims count a seed whose heads are above the limits at 2"
        )
