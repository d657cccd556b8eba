"""What the report says of sources with little held-out text."""

from __future__ import annotations

from ablations.core.metrics import context_gain
from ablations.core.metrics.context_gain import ContextGain
from ablations.core.results.readings import Reading
from ablations.report.few_repeats import METRIC, ORDER, few_repeats
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


def of(metric: str, reading: str = "", **n: int) -> CellResult:
    made = Reading(metric, 1.0, "nats", "lower", "", reading=reading, source="news", n=n)
    return CellResult("a_s0", "a", 0, {made.name: made})


def test_many_windows_of_few_documents_are_told_too() -> None:
    assert few_windows([of("bits", windows=220, documents=20)]) == []
    (told,) = few_windows([of("bits", windows=220, documents=1)])
    assert told.startswith("source news: bits is taken on 1 document of held-out text, fewer than 20")


def test_context_gain_of_few_repeats_or_of_few_documents_is_told_whatever_its_text_holds() -> None:
    whole = of("context_gain", "order_per_byte", repeats=12, documents=300)
    assert few_windows([whole]) == few_repeats([whole]) == []
    assert few_repeats([of("context_gain", "order", repeats=2000, documents=200)]) == []
    for n in (
        {"repeats": 12, "documents": 12},
        {"repeats": 1999, "documents": 300},
        {"repeats": 2500, "documents": 199},
    ):
        (told,) = few_repeats(
            [of("context_gain", "order", repeats=5000, documents=500), of("context_gain", "order", **n)]
        )
        assert (ContextGain.kind, context_gain.ORDER) == (METRIC, ORDER)
        assert f"rests on {n['repeats']:,} repeats in {n['documents']} documents" in told


def test_the_number_of_a_part_of_the_text_is_not_the_text() -> None:
    whole = Reading("gain", 1.0, "nats", "lower", "", source="news", n={"documents": 500})
    part = Reading("gain", 1.0, "nats", "lower", "", reading="names", source="news", n={"documents": 3})
    assert few_windows([CellResult("a_s0", "a", 0, {each.name: each for each in (whole, part)})]) == []
