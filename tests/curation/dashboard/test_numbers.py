"""Numbers as people read them."""

from __future__ import annotations

import pytest

from curation.dashboard import numbers
from curation.dashboard.charts import axis, log_ticks
from curation.dashboard.contents import Fact
from curation.dashboard.showable import showable

EVERY = (numbers.count, numbers.number, numbers.setting, numbers.amount, numbers.size, numbers.duration)


@pytest.mark.parametrize("function", EVERY, ids=lambda f: f.__name__)
def test_a_missing_number_is_a_dash(function) -> None:
    assert function(None) == "–"


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (numbers.count, 12345, "12,345"),
        (numbers.number, 0.0123, "0.012"),
        (numbers.number, 0, "0.000"),
        (numbers.number, -1.5, "−1.500"),
        (numbers.number, 0.00004, "4.0e−5"),
        (numbers.number, 54321.0, "54,321"),
        (numbers.setting, 0.05, "0.05"),
        (numbers.setting, 100000.0, "100,000"),
        (numbers.amount, 1_250_000, "1.25M"),
        (numbers.amount, 0, "0"),
        (numbers.size, 2_000_000_000, "2.0 GB"),
        (numbers.duration, 0.42, "0.4 s"),
        (numbers.duration, 59.7, "1 min 0 s"),
        (numbers.duration, 280, "4 min 40 s"),
        (numbers.duration, 3600 * 3 + 12 * 60, "3 h 12 min"),
    ],
)
def test_numbers_read_well(function, value, text: str) -> None:
    assert function(value) == text


def test_what_is_shown_holds_no_nan_and_nothing_that_breaks_xml() -> None:
    found = showable({"a\x00": [float("nan"), float("inf"), 1.5, "x\ud800\u202ey\n"], "b": (Fact("\x1b", "c"),)})
    assert found == {"a\ufffd": [None, None, 1.5, "x\ufffd\ufffdy\n"], "b": (Fact("\ufffd", "c"),)}


def test_logarithmic_axes_have_ticks() -> None:
    assert log_ticks(1, 10_000) == [1, 10, 100, 1000, 10_000]
    assert log_ticks(20, 80) == [20, 50]
    assert log_ticks(-10, 10)[0] == -10
    assert 0 in log_ticks(0, 1)


@pytest.mark.parametrize(
    ("text", "unit", "whole"),
    [
        ("accuracy", "share of items", "accuracy, share of items"),
        ("macro F1", "F1, 0 to 1", "macro F1, 0 to 1"),
        ("BLEU", "BLEU, 0 to 100", "BLEU, 0 to 100"),
        ("loss, nats per token", "nats per token", "loss, nats per token"),
        ("count", "", "count"),
    ],
)
def test_an_axis_says_its_unit_once(text: str, unit: str, whole: str) -> None:
    assert axis(text, unit) == whole
