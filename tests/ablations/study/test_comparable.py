"""What the report says of arms that do not share a tokenizer."""

from __future__ import annotations

from ablations.core.results.readings import Reading
from ablations.statistics.cell_result import CellResult
from ablations.study.comparable import comparable_sentence


def cell(*readings: Reading) -> CellResult:
    return CellResult("a_s0", "a", 0, {each.name: each for each in readings})


def test_only_measures_that_do_not_depend_on_pieces_are_named() -> None:
    bits = Reading("bits_per_byte", 2.0, "bits", "lower", "", source="news")
    gain = Reading("context_gain", 0.1, "nats", "higher", "", reading="order", source="news")
    gain_per_byte = Reading("context_gain", 0.1, "nats", "higher", "", reading="order_per_byte", source="news")
    cells = [cell(bits, gain, gain_per_byte)]
    assert comparable_sentence({"a": "1", "b": "1"}, cells, ()) == []
    (said,) = comparable_sentence({"a": "1", "b": "2"}, cells, ())
    assert said.startswith("2 tokenizers: ")
    assert said.endswith("compare only bits_per_byte and context_gain.order_per_byte between them")
    (said,) = comparable_sentence({"a": "1", "b": "2"}, [cell(gain)], ())
    assert said.endswith("nothing that was measured compares them")
