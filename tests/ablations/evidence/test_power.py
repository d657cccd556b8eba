"""The power analysis states before a run what its claims can see, and refuses designs that cannot support them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ablations.claims.differs import Differs
from ablations.claims.verdicts import judge
from ablations.core.results.readings import Reading
from ablations.evidence.design.base import Design
from ablations.evidence.pilot import Pilot
from ablations.evidence.power import lines, study_power
from ablations.settings.study import Study
from ablations.statistics.cell_result import CellResult
from ablations.statistics.measures import Measures

NO_PILOT = Pilot(Measures.of_cells([]))
GAIN = {"differs": {"arm_a": "a", "arm_b": "b"}}


def planned(
    claims: list[dict[str, Any]],
    seeds: int = 5,
    arms: int = 2,
    pilot: Pilot = NO_PILOT,
    effort: dict[str, int] | None = None,
) -> Any:
    named = {name: {"mixture": {"x": 1}} for name in "abcdefgh"[:arms]}
    shape = {"context": 128, "layers": 2, "width": 32, "heads": 2}
    cells = {"model": shape, "schedule": {"tokens": 81_920, "batch": 8}, "effort": effort or {}}
    study = Study.model_validate({"name": "s", "arms": named, "cells": cells, "seeds": seeds, "claims": claims})
    return study_power(study, pilot, Design.of(study), [("web", 60.0)] * 10)


def gain(value: float) -> dict[str, Reading]:
    reading = Reading("few_shot", value, "nats", "higher", "", "permuted_minus_gold", task="control_map", k=8)
    return {reading.name: reading}


def test_fewer_than_five_seeds_with_claims_are_refused() -> None:
    (refusal,) = planned([GAIN], seeds=4).refusals
    assert "seeds: 4 is below 5" in refusal
    assert planned([], seeds=2).refusals == ()


def test_seven_claims_about_arms_cannot_be_won_with_five_seeds_and_can_with_six() -> None:
    (refusal,) = planned([GAIN] * 7).refusals
    assert "0.0079" in refusal
    assert "Raise seeds to 6, or register 6 claims at most" in refusal
    assert planned([GAIN] * 6).refusals == planned([GAIN] * 7, seeds=6).refusals == ()


def test_a_wish_below_what_the_design_sees_is_refused_with_a_design_that_would_do() -> None:
    claim = {"differs": {"arm_a": "a", "arm_b": "b", "smallest": 0.9}}
    (refusal,) = planned([claim]).refusals
    seeds = int(refusal.rsplit(" seeds", 1)[0].rsplit(" ", 1)[1])
    again = planned([claim], seeds=seeds)
    assert again.refusals == () or "draws" in refusal
    assert planned([{"differs": {"arm_a": "a", "arm_b": "b", "smallest": 50.0}}]).refusals == ()


def test_a_relation_over_arms_needs_five_arms() -> None:
    claim = {"goes_with": {"measure_x": "bits_per_byte.x", "measure_y": "late_minus_early.x"}}
    (refusal,) = planned([claim], arms=4).refusals
    assert "4 arms" in refusal
    assert planned([claim], arms=8).refusals == ()


def test_more_claims_and_fewer_seeds_see_less() -> None:
    few, many, seeds = (planned([GAIN] * n, seeds=s).claims[0].smallest_effect for n, s in ((1, 5), (6, 5), (1, 10)))
    assert seeds < few < many


def test_finished_cells_speak_before_shipped_variances() -> None:
    gains = {(arm, seed): 0.001 * seed * (arm == "a") for arm in "ab" for seed in range(3)}
    cells = [CellResult(f"{arm}{seed}", arm, seed, gain(value)) for (arm, seed), value in gains.items()]
    pilot = Pilot(Measures.of_cells(cells), (30.0,) * 6, "out")
    shipped, own = planned([GAIN]).claims[0], planned([GAIN], pilot=pilot).claims[0]
    assert "variance_components.yaml" in shipped.source
    assert "finished cells in out: a and b" in own.source
    assert own.smallest_effect < 0.01 < shipped.smallest_effect


def test_an_unknown_measure_is_said_to_be_unknown() -> None:
    plan = planned([{"differs": {"arm_a": "a", "arm_b": "b", "measure": "bits_per_word.x"}}])
    assert plan.claims[0].smallest_effect is None
    assert "--pilot" in plan.claims[0].source
    assert any("hours" in line for line in lines(plan))
    assert any("1 of 1 claims" in line and "--set seeds=3" in line for line in lines(plan))


def test_a_plan_counts_no_more_items_than_a_cell_asks() -> None:
    few, many = (planned([GAIN], effort={"items": items}).claims[0] for items in (20, 4000))
    assert (few.items, many.items) == (10, 100)
    assert few.smallest_effect > many.smallest_effect


@pytest.mark.parametrize("seeds", [5, 8])
def test_the_plan_counts_all_cells_controls_included(seeds: int) -> None:
    plan = planned([GAIN], seeds=seeds)
    assert plan.cells % seeds == 0
    assert plan.cells > 2 * seeds


def test_a_plan_sees_what_the_verdict_on_the_same_cells_says_it_could_have_seen() -> None:
    """Of a measure of text whose items are documents: if this fails, a plan takes each cell for a single document."""
    measure, documents, random = "bits_per_byte.x", 40, np.random.default_rng(3)
    hard_I, ids = random.normal(2.0, 0.5, documents), tuple(f"{number:032x}" for number in range(documents))

    def cell(arm: str, seed: int) -> CellResult:
        values_I = hard_I + random.normal(0.1 * (arm == "a"), 0.3, documents) + random.normal(0.0, 0.02)
        reading = Reading(
            "bits_per_byte", float(values_I.mean()), "bits", "lower", "", "", "x", n={"documents": documents}
        )
        assert reading.name == measure
        return CellResult(f"{arm}{seed}", arm, seed, {measure: reading}, items={measure: (ids, tuple(values_I))})

    measures = Measures.of_cells([cell(arm, seed) for arm in "ab" for seed in range(5)])
    claim = {"differs": {"arm_a": "a", "arm_b": "b", "measure": measure}}
    (of_plan,) = planned([claim], pilot=Pilot(measures, (), "out")).claims
    (verdict,) = judge([Differs(arm_a="a", arm_b="b", measure=measure)], measures)
    assert of_plan.items == verdict.items == documents
    assert of_plan.smallest_effect == pytest.approx(verdict.smallest_effect)
    (refusal,) = planned(
        [{"differs": {**claim["differs"], "smallest": 0.01}}], pilot=Pilot(measures, (), "out")
    ).refusals
    assert "draws" not in refusal
    assert "seeds would do" in refusal
