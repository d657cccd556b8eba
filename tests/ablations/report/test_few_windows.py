"""What the report says of sources with little held-out text."""

from __future__ import annotations

from ablations.core.results.readings import Reading
from ablations.report.few_windows import few_windows
from ablations.statistics.cell_result import CellResult


def cell(**windows: int) -> CellResult:
    """Windows of each source, of a metric that counts them and of one that counts documents."""
    readings = [
        Reading(metric, 1.0, "nats", "lower", "", source=source, n={count: number})
        for source, number in windows.items()
        for metric, count in (("gain", "documents"), ("late", "windows"))
    ]
    return CellResult("a_s0", "a", 0, {each.name: each for each in readings})


def test_fewer_than_two_hundred_windows_are_told_once_a_source() -> None:
    assert few_windows([cell(news=200, blog=1000)]) == []
    (told,) = few_windows([cell(news=199, pooled=10), cell(news=94), cell(news=300)])
    assert told.startswith("source news: gain and late rest on 94 windows of held-out text, fewer than 200")


def test_the_number_of_a_part_of_the_text_is_not_the_text() -> None:
    whole = Reading("gain", 1.0, "nats", "lower", "", source="news", n={"documents": 500})
    part = Reading("gain", 1.0, "nats", "lower", "", reading="names", source="news", n={"documents": 3})
    assert few_windows([CellResult("a_s0", "a", 0, {each.name: each for each in (whole, part)})]) == []
