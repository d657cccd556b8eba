"""From result.json of cells to the values of a report."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.report.page import render
from ablations.report.probes import PLACES, changes, heads, positions, thinned
from ablations.report.readings import curve, measure_rows, shot_rows
from ablations.statistics.measures import CellResult, Measures, values_of


def a_result(gap=0.4):
    few_shot = {
        "korquad.k0.gold.nll": 5.0,
        "korquad.k0.blind_accuracy": 0.5,
        "korquad.k4.gold.nll": 4.0,
        "korquad.k4.gold.accuracy": 0.6,
        "korquad.k4.gold.accuracy_pmi": 0.7,
        "korquad.k4.permuted.nll": 4.0 + gap,
        "korquad.k4.flipped.nll": 4.5,
        "korquad.k4.permuted_minus_gold": gap,
        "korquad.k4.blind_accuracy": 0.5,
        "korquad.k4.blind.majority": 0.5,
        "korquad.k4.bias.recency": 0.1,
    }
    groups = [
        {"k": 0, "condition": "gold", "draw": 0, "ids": ["a"]},
        *({"k": 4, "condition": c, "draw": d, "ids": ["a"]} for c in ("gold", "permuted") for d in (0, 1)),
        {"k": 70, "condition": "gold", "draw": 0, "ids": []},
    ]
    late = {
        "values": {"common": -0.2, "common.standard_error": 0.01},
        "n": {"common": 40},
        "details": {"loss_by_token": {"common": [5.0, 4.0, 3.0]}},
    }
    per_head = [
        {"layer": i, "head": 0, "prefix_matching": 0.1 * i, "previous_token": 0.2, "copying": 0.5} for i in (0, 1)
    ]
    final = {
        "few_shot": {
            "values": few_shot,
            "n": {"korquad.k0.gold": 8, "korquad.k4.gold": 16, "korquad.k4.permuted_minus_gold": 16},
            "details": {"korquad": {"counts": {}, "groups": groups}},
        },
        "late_minus_early": late,
        "heads": {"values": {"prefix_matching.max": 0.1}, "n": {"heads": 2}, "details": {"heads": per_head}},
    }
    final = {name: {"unit": "nats", "lower_is_better": True, **reading} for name, reading in final.items()}
    points = [{"tokens": 0, "train_loss": None, "measures": {"heads": {"prefix_matching.max": 0.0}}}]
    onset = {
        "heads": {"prefix_matching.max": {"threshold": 0.3, "after_tokens": 9, "by_tokens": None, "at_tokens": None}}
    }
    return {"final": final, "curve": points, "onset": onset}


def a_cell(arm="code", seed=0, **kept):
    result = a_result(**kept)
    texts = {"few_shot.korquad.k4.gold.char_f1": 0.25, "few_shot.korquad.k4.blind_char_f1": 0.125}
    return CellResult(f"{arm}_s{seed}-00", arm, seed, values_of(result) | texts, result)


def test_a_point_holds_every_reading_of_its_k_and_condition():
    """Text metrics are no part of result.json: they are found by name among the values."""
    (row,) = shot_rows(a_cell(seed=3))
    assert (row["arm"], row["seed"], row["task"]) == ("code", 3, "korquad")
    points = {(p["k"], p["condition"]): p for p in row["points"]}
    assert set(points) == {(0, "gold"), (4, "gold"), (4, "permuted"), (4, "flipped"), (70, "gold")}
    at_four = points[4, "gold"]
    assert (at_four["nll"], at_four["accuracy"], at_four["n"]) == (4.0, 0.6, 16)
    assert at_four["scores"] == {"accuracy_pmi": 0.7, "char_f1": 0.25}
    assert at_four["blind"] == {"accuracy": 0.5, "char_f1": 0.125}
    assert points[4, "permuted"]["blind"] == {}


def test_a_k_that_fits_nowhere_is_a_point_without_numbers():
    (row,) = shot_rows(a_cell())
    last = row["points"][[p["k"] for p in row["points"]].index(70)]
    assert (last["nll"], last["accuracy"], last["n"]) == (None, None, 0)


def test_a_point_says_how_many_answers_were_asked_for():
    (row,) = shot_rows(a_cell())
    assert {(p["k"], p["condition"]): p["asked"] for p in row["points"]} == {
        (0, "gold"): 1,
        (4, "gold"): 2,
        (4, "permuted"): 2,
        (4, "flipped"): 0,
        (70, "gold"): 1,
    }


def test_every_reading_is_kept_by_arm_and_seed_with_its_n():
    cells = [a_cell(seed=0, gap=0.1), a_cell(seed=1, gap=0.2), a_cell("web", 0, gap=0.3)]
    rows = {row["measure"]: row for row in measure_rows(Measures(cells))}
    gap = rows["few_shot.korquad.k4.permuted_minus_gold"]
    assert gap["arms"] == {"code": {"0": 0.1, "1": 0.2}, "web": {"0": 0.3}}
    assert (gap["n"], gap["unit"], gap["lower_is_better"]) == (16, "nats", False)
    assert rows["late_minus_early.common"]["n"] == 40
    assert "late_minus_early.common.standard_error" not in rows


def test_probes_keep_losses_by_place_and_every_head():
    (row,) = positions(a_cell(seed=2))
    assert row == {"arm": "code", "seed": 2, "source": "common", "tokens": [1.0, 2.0, 3.0], "loss": [5.0, 4.0, 3.0]}
    (found,) = heads(a_cell())
    assert [(h["layer"], h["head"]) for h in found["heads"]] == [(0, 0), (1, 0)]
    assert found["heads"][1]["scores"] == {"prefix_matching": 0.1, "previous_token": 0.2, "copying": 0.5}


def test_a_cell_without_probes_has_no_rows():
    bare = CellResult("a_s0-00", "a", 0, {}, {"final": {}, "curve": [], "onset": {}})
    assert [*positions(bare), *heads(bare), *shot_rows(bare)] == []
    assert curve(bare, control=True) == {"arm": "a", "seed": 0, "control": True, "points": [], "onsets": {}}


def test_a_curve_names_measures_in_full():
    found = curve(a_cell(), control=False)
    assert found["points"][0]["measures"] == {"heads.prefix_matching.max": 0.0}
    assert found["onsets"]["heads.prefix_matching.max"]["by_tokens"] is None


@given(st.lists(st.floats(-100, 100), max_size=700))
def test_thinned_places_lose_no_loss(losses):
    """Groups times their widths must give the whole sum; few enough for a page, in order, the first place alone."""
    tokens, means = thinned(losses)
    assert len(tokens) == len(means) <= PLACES
    widths, edge = [], 0
    for middle in tokens:
        widths.append(2 * (middle - edge) - 1)
        edge += widths[-1]
    assert edge == len(losses)
    assert math.fsum(w * m for w, m in zip(widths, means, strict=True)) == pytest.approx(math.fsum(losses), abs=1e-6)
    assert tokens == sorted(tokens)
    assert tokens[:1] == [1.0] * bool(losses)


def test_changes_of_transforms_come_step_by_step():
    steps = [{"pass": "1 break_repeats", "statistics": {"words": [10.0, 10.0], "pairs": [0.5, None]}}]
    found = changes({"broken": {"of": "glossary", "steps": steps}})
    assert [(c["source"], c["of"], c["step"]) for c in found] == [("broken", "glossary", "1 break_repeats")] * 2
    assert [(c["statistic"], c["before"], c["after"]) for c in found] == [("words", 10.0, 10.0), ("pairs", 0.5, None)]
    assert changes({}) == []


def test_what_was_gathered_can_be_drawn(report):
    """From result.json to the page: written answers, heads and losses by place all reach it."""
    cells = [a_cell(arm, seed, gap=0.1 * seed) for arm in ("code", "korean") for seed in (0, 1)]
    left_out = ("histograms", "contamination", "tokens", "onset_predictions", "transforms", "verdicts")
    gathered = {
        "measures": measure_rows(Measures(cells)),
        "shots": [row for cell in cells for row in shot_rows(cell)],
        "positions": [row for cell in cells for row in positions(cell)],
        "heads": [row for cell in cells for row in heads(cell)],
        "curves": [curve(cell, control=False) for cell in cells],
        "funnel": {},
    }
    page = render({**report, **{key: [] for key in left_out}, **gathered})
    assert "At k = 4, permuting the labels of the demos costs 0.050 nats in code and 0.050 nats in korean." in page
    assert "Character F1 of the same prompts" in page
    assert "Loss by place in a document" in page
    assert "prefix matching: seed 0 layer 1 head 0, 0.100 · seed 1 layer 1 head 0, 0.100" in page
    assert "korquad, k = 4" in page[page.index('id="readings"') :]
