"""From the readings and answers of cells to the values of a report."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_rows import gain, shots

from ablations.core.results.answers import GroupAnswers, Score, TaskAnswers
from ablations.core.results.readings import Reading
from ablations.readings.few_shot import AboutTask, few_shot_readings
from ablations.readings.label_metrics.base import LabelMetric
from ablations.readings.text_metrics.base import TextMetric
from ablations.report.contents import Curve, CurvePoint, PositionLoss, ShotReading
from ablations.report.drawing.from_file import report_of
from ablations.report.drawing.page import render
from ablations.report.gathering import PLACES, changes, curve, final, heads, positions, thinned
from ablations.report.gathering import shots as shot_rows
from ablations.statistics.cell_result import CellResult
from ablations.statistics.measures import Measures
from ablations.statistics.onset import Onset

TASK = "korquad"
MATCHING = Reading(
    "heads", 0.1, "share", "higher", "strongest head: prefix matching", "prefix_matching.max", n={"heads": 2}
)
ONSET = Onset(0.3, 9, None, None)


def a_group(k, condition: str = "gold", draw=0, items=1, **other):
    scores = tuple(Score(str(i), i % 2, (-1.0, -2.0), (1, 1), (3, 3)) for i in range(items))
    return GroupAnswers(k, condition, draw, scores, **other)


def some_answers():
    two_draws = [a_group(4, condition, draw) for condition in ("gold", "permuted") for draw in (0, 1)]
    return TaskAnswers(TASK, (a_group(0), *two_draws, a_group(70, items=0), a_group(4, "content_free")))


def some_readings(gap):
    late: dict[str, Any] = {"source": "common", "n": {"windows": 40}}
    found = [
        shots(TASK, 0, "nll", "gold", value=5.0, n=8),
        shots(TASK, 0, "blind_accuracy", value=0.5, n=8),
        shots(TASK, 4, "nll", "gold", value=4.0, n=16),
        shots(TASK, 4, "accuracy", "gold", "share of items", value=0.6, n=16),
        shots(
            TASK, 4, "accuracy_pmi", "gold", "share of items", short="accuracy by mutual information", value=0.7, n=16
        ),
        shots(TASK, 4, "nll", "permuted", value=4.0 + gap, n=16),
        shots(TASK, 4, "nll", "flipped", value=4.5, n=16),
        gain(TASK, 4, value=gap, n=16),
        shots(TASK, 4, "blind_accuracy", value=0.5, n=16),
        shots(TASK, 4, "blind.majority", value=0.5, n=16),
        shots(TASK, 4, "bias.recency", "", "share of predictions", None, value=0.1, n=16),
        shots(TASK, 4, "char_f1", "gold", "F1, 0 to 1", "higher", "character F1", value=0.25, n=2),
        shots(TASK, 4, "blind_char_f1", value=0.125, n=2),
        shots(TASK, 70, "nll", "gold"),
        Reading("late_minus_early", -0.2, "nats per token", "lower", "late-minus-early loss, common", **late),
        Reading("late_minus_early", 0.01, "nats per token", None, "error of it", "standard_error", **late),
        MATCHING,
    ]
    return {reading.name: reading for reading in found}


def a_cell(arm: str = "code", seed=0, gap=0.4):
    per_head = [
        {"layer": i, "head": 0, "prefix_matching": 0.1 * i, "previous_token": 0.2, "copying": 0.5} for i in (0, 1)
    ]
    return CellResult(
        f"{arm}_s{seed}-00",
        arm,
        seed,
        some_readings(gap),
        {TASK: some_answers()},
        curves={MATCHING.name: [(0, 0.0), (200, 0.1)]},
        onsets={MATCHING.name: ONSET},
        details={"late_minus_early": {"loss_by_token": {"common": [5.0, 4.0, 3.0]}}, "heads": {"heads": per_head}},
        training={"losses": [{"step": s, "tokens": 100 * s, "train_loss": 9.0 - s if s else None} for s in (0, 1, 2)]},
    )


def test_a_point_holds_every_reading_of_its_k_and_condition() -> None:
    (row,) = shot_rows(a_cell(seed=3))
    assert (row.arm, row.seed, row.task) == ("code", 3, "korquad")
    points = {(p.k, p.condition): p for p in row.points}
    assert set(points) == {(0, "gold"), (4, "gold"), (4, "permuted"), (4, "flipped"), (70, "gold")}
    at_four = points[4, "gold"]
    assert (at_four.nll, at_four.accuracy, at_four.n) == (4.0, 0.6, 2)
    assert at_four.scores == {"accuracy_pmi": 0.7, "char_f1": 0.25}
    assert at_four.blind == {"accuracy": 0.5, "char_f1": 0.125}
    assert points[4, "permuted"].blind == {}
    assert row.readings["char_f1"] == ShotReading("character F1", "F1, 0 to 1", "higher")


def test_a_k_that_fits_nowhere_is_a_point_without_numbers() -> None:
    (row,) = shot_rows(a_cell())
    last = row.points[[p.k for p in row.points].index(70)]
    assert (last.nll, last.accuracy, last.n) == (None, None, 0)


def test_a_point_says_how_many_answers_were_asked_for() -> None:
    (row,) = shot_rows(a_cell())
    assert {(p.k, p.condition): p.asked for p in row.points} == {
        (0, "gold"): 1,
        (4, "gold"): 2,
        (4, "permuted"): 2,
        (4, "flipped"): 0,
        (70, "gold"): 1,
    }


def test_every_reading_is_kept_by_arm_and_seed_with_its_n() -> None:
    cells = [a_cell(seed=0, gap=0.1), a_cell(seed=1, gap=0.2), a_cell("web", 0, gap=0.3)]
    rows = {row.measure: row for row in final(Measures.of_cells(cells))}
    gap = rows["few_shot.korquad.k4.permuted_minus_gold"]
    assert gap.arms == {"code": {0: 0.1, 1: 0.2}, "web": {0: 0.3}}
    assert (gap.n, gap.unit, gap.better) == ({"answers": 16}, "nats", "higher")
    assert (gap.task, gap.k, gap.condition, gap.reading) == ("korquad", 4, "", "permuted_minus_gold")
    assert gap.words == "what permuted labels cost in korquad, k = 4"
    assert rows["late_minus_early.common"].n == {"windows": 40}
    assert "late_minus_early.common.standard_error" not in rows
    assert rows["late_minus_early.common"].errors == {"code": {0: 0.01, 1: 0.01}, "web": {0: 0.01}}
    assert gap.errors == {}


def test_probes_keep_losses_by_place_and_every_head() -> None:
    (row,) = positions(a_cell(seed=2))
    assert row == PositionLoss("code", 2, "common", (1.0, 2.0, 3.0), (5.0, 4.0, 3.0))
    (found,) = heads(a_cell())
    assert [(h.layer, h.head) for h in found.heads] == [(0, 0), (1, 0)]
    assert found.heads[1].scores == {"prefix_matching": 0.1, "previous_token": 0.2, "copying": 0.5}


def test_a_cell_without_probes_has_no_rows() -> None:
    bare = CellResult("a_s0-00", "a", 0, {})
    assert [*positions(bare), *heads(bare), *shot_rows(bare)] == []
    assert curve(bare, control=True) == Curve("a", 0, True, (), {})


def test_a_curve_has_losses_and_measures_by_full_name_at_the_same_tokens() -> None:
    found = curve(a_cell(), control=False)
    assert found.points == (
        CurvePoint(0, None, {"heads.prefix_matching.max": 0.0}),
        CurvePoint(100, 8.0, {}),
        CurvePoint(200, 7.0, {"heads.prefix_matching.max": 0.1}),
    )
    assert found.onsets["heads.prefix_matching.max"] == ONSET


@given(st.lists(st.floats(-100, 100), max_size=700))
def test_thinned_places_lose_no_loss(losses: list[float]) -> None:
    """Groups times their widths must give the whole sum; few enough for a page, in order, the first place alone."""
    tokens, means = thinned(losses)
    assert len(tokens) == len(means) <= PLACES
    widths: list[float] = []
    edge = 0.0
    for middle in tokens:
        widths.append(2 * (middle - edge) - 1)
        edge += widths[-1]
    assert edge == len(losses)
    assert math.fsum(w * m for w, m in zip(widths, means, strict=True)) == pytest.approx(math.fsum(losses), abs=1e-6)
    assert list(tokens) == sorted(tokens)
    assert tokens[:1] == (1.0,) * bool(losses)


def test_changes_of_transforms_come_step_by_step() -> None:
    steps = [{"pass": "1 break_repeats", "statistics": {"words": [10.0, 10.0], "pairs": [0.5, None]}}]
    found = changes({"broken": {"of": "glossary", "steps": steps}})
    assert [(c.source, c.of, c.step) for c in found] == [("broken", "glossary", "1 break_repeats")] * 2
    assert [(c.statistic, c.before, c.after) for c in found] == [("words", 10.0, 10.0), ("pairs", 0.5, None)]
    assert changes({}) == ()


def drawn(report, cells):
    """A page of these cells."""
    left_out = ("histograms", "contamination", "tokens", "onset_predictions", "transforms", "verdicts")
    value = report_of({**report, **{key: [] for key in left_out}, "funnel": {}}, "report.json")
    return render(
        replace(
            value,
            measures=final(Measures.of_cells(cells)),
            shots=tuple(row for cell in cells for row in shot_rows(cell)),
            positions=tuple(row for cell in cells for row in positions(cell)),
            heads=tuple(row for cell in cells for row in heads(cell)),
            curves=tuple(curve(cell, control=False) for cell in cells),
        )
    )


def test_what_was_gathered_can_be_drawn(report) -> None:
    """From cells to the page: written answers, heads and losses by place all reach it."""
    cells = [a_cell(arm, seed, gap=0.1 * seed) for arm in ("code", "korean") for seed in (0, 1)]
    page = drawn(report, cells)
    assert "At k = 4, permuting the labels of the demos costs 0.050 nats in code and 0.050 nats in korean." in page
    assert "Character F1 of the same prompts" in page
    assert "Loss by place in a document" in page
    assert "prefix matching: seed 0 layer 1 head 0, 0.100 · seed 1 layer 1 head 0, 0.100" in page
    assert "korquad, k = 4" in page[page.index('id="readings"') :]


class Kappa(LabelMetric):
    """Of a plugin."""

    kind, version, unit, words, examples = "kappa_of_mine", 1, "kappa, -1 to 1", "Cohen's kappa of mine", ()

    def score(self, gold, predicted):
        return 0.75

    def guessed(self, shares):
        return 0.0


class Terseness(TextMetric):
    """Of a plugin."""

    kind, version, unit, words, examples = "terseness", 1, "letters", "terseness of mine", ()

    def score(self, answers, references):
        return float(len(answers[0]))


def asked(answers, about):
    found = {reading.name: reading for reading in few_shot_readings(answers, about)}
    return CellResult("code_s0-00", "code", 0, found, {answers.task: answers})


def test_a_label_metric_unknown_to_the_report_has_its_panel_and_its_columns(report) -> None:
    """If this fails, a new label metric needs a line in the report."""
    answers = TaskAnswers("mine", tuple(a_group(k, items=4, demo_labels=(0, 1)) for k in (0, 4)))
    page = drawn(report, [asked(answers, AboutTask(labels=True, label_metrics=[Kappa()]))])
    shown, readings = page[page.index('id="shots"') : page.index('id="curves"')], page[page.index('id="readings"') :]
    assert "Cohen&#39;s kappa of mine of the same prompts" in shown
    assert "Cohen's kappa of mine, -1 to 1" in shown  # the axis
    assert '<th class="n">Cohen&#39;s kappa of mine</th>' in shown
    assert ">Cohen&#39;s kappa of mine</th>" in readings[: readings.index("</section>")]


def test_a_text_metric_unknown_to_the_report_has_its_panel_and_its_column(report) -> None:
    """If this fails, a new text metric needs a line in the report."""
    groups = tuple(a_group(k, items=2, texts=("ab", "abc")) for k in (0, 4))
    about = AboutTask(written=True, text_metrics=[Terseness()], references={"0": ["a"], "1": ["b"]})
    page = drawn(report, [asked(TaskAnswers("mine", groups), about)])
    shown = page[page.index('id="shots"') : page.index('id="curves"')]
    assert "<details open><summary>Terseness of mine of the same prompts" in shown
    assert "terseness of mine, letters" in shown
    assert '<th class="n">terseness of mine</th>' in shown
    assert 'id="readings"' not in page
