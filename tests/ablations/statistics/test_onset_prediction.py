"""Observed onsets beside predicted ones, and answers by heart beside answers by context."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from ablations.core.results.readings import Reading
from ablations.statistics.cell_result import CellResult
from ablations.statistics.onset import Onset
from ablations.statistics.onset_prediction import OnsetPrediction, onset_correlation, onset_predictions, predicted_onset
from ablations.statistics.recognition import in_words, recognition

BUDGET = 1000


def cell(arm: str, seed: int, at: int | None, product: float, budget: int = BUDGET) -> CellResult:
    """`at`: observed onset in tokens; None for a censored one."""
    onset = Onset(0.5, budget, None, None)
    if at is not None:
        onset = Onset(0.5, at - 10, at + 10, at)
    values = {"frequency": 0.5, "reliability": product / 0.5, "product": product}
    readings = [
        Reading("bigram_repetition", value, "share of bigrams", None, name, name) for name, value in values.items()
    ]
    return CellResult(
        f"{arm}_s{seed}", arm, seed, {reading.name: reading for reading in readings},
        onsets={"repeated_tokens.first_minus_second": onset}, training={"tokens": 1024 * 100, "steps": 100},
    )  # fmt: skip


def test_the_formula_gives_the_published_orders_of_magnitude() -> None:
    assert predicted_onset(8 * 128) == pytest.approx(16e6, rel=0.01)
    assert predicted_onset(16 * 512) == pytest.approx(45e6, rel=0.02)
    assert predicted_onset(1024, 0.5) == 2 * predicted_onset(1024)


@pytest.mark.parametrize("bad", [(0, 1.0), (1024, 0.0), (-1, 1.0)])
def test_a_prediction_from_nothing_is_refused(bad: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="need positive numbers"):
        predicted_onset(*bad)


def test_a_row_holds_what_was_seen_and_what_was_predicted_relative_to_the_median_cell() -> None:
    rows = onset_predictions([cell("a", 0, 100, 0.1), cell("b", 0, 200, 0.2), cell("c", 0, None, 0.4)])
    assert [(row.predicted or 0) / row.predicted_by_size for row in rows] == pytest.approx([2, 1, 0.5])
    assert rows[1] == OnsetPrediction(
        arm="b",
        seed=0,
        measure="repeated_tokens.first_minus_second",
        observed_after=190,
        observed_by=210,
        observed_at=200,
        frequency=0.5,
        reliability=0.4,
        product=0.2,
        tokens_a_step=1024,
        predicted_by_size=predicted_onset(1024),
        predicted=predicted_onset(1024),
    )


def test_cells_without_onset_or_repetition_have_no_row_and_no_repetition_no_prediction() -> None:
    whole = cell("x", 0, 100, 0.1)
    assert len(onset_predictions([whole])) == 1
    assert onset_predictions([replace(whole, onsets={}), replace(whole, readings={})]) == []
    assert onset_predictions([whole], "late_minus_early.pooled") == []
    assert [row.predicted for row in onset_predictions([cell("a", 0, 100, 0.0)])] == [None]


def test_more_repetition_with_earlier_onset_correlates_over_arms_and_censored_counts_as_late() -> None:
    cells = [
        cell(arm, seed, at, p) for seed in (0, 1) for arm, at, p in (("a", 100, 0.4), ("b", 200, 0.3), ("c", 300, 0.2))
    ]
    cells += [cell("d", seed, None, 0.1) for seed in (0, 1)]
    found = onset_correlation(onset_predictions(cells))
    assert found.rho == pytest.approx(1.0)
    assert found.n == 4


def test_a_censored_cell_that_ended_before_the_latest_onset_says_nothing() -> None:
    cells = [
        cell(arm, 0, at, p) for arm, at, p in (("a", 100, 0.4), ("b", 200, 0.3), ("c", 300, 0.2), ("d", 400, 0.15))
    ]
    found = onset_correlation(onset_predictions([*cells, cell("short", 0, None, 0.9, budget=50)]))
    assert found.rho == pytest.approx(1.0)
    assert found.n == 4


def readings(alone: float, permuted: float, flipped: float, nonce: float) -> dict[str, float]:
    start = "few_shot.known_map"
    return {
        f"{start}.k0.gold.nll": alone,
        f"{start}.k8.permuted.nll": permuted,
        f"{start}.k8.flipped.nll": flipped,
        f"{start}.k8.nonce.accuracy": nonce,
    }


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (readings(0.0, 0.0, 11.0, 0.1), "recognises the map and answers by heart, against its context"),
        (readings(math.log(64), 10.0, 0.1, 0.9), "learns the map from its context ("),
        (readings(0.1, 6.0, 0.1, 0.9), "learns the map from its context, also where it knows another"),
        (readings(math.log(64), 2.1, 2.1, 0.12), "neither knows the map nor learns it"),
    ],
)
def test_recognising_and_learning_are_told_apart_in_words(values: dict[str, float], told: str) -> None:
    found = recognition(values, 64)
    assert found is not None
    assert in_words(found).startswith(told)


def test_recognition_is_in_nats_against_one_who_knows_which_words_are_values() -> None:
    found = recognition(readings(math.log(64), 3.0, 1.0, 0.5), 64)
    assert found
    assert found.recognised == pytest.approx(0)
    assert (found.learnt, found.nonce_accuracy) == (2.0, 0.5)
    assert recognition({}, 64) is None
