"""What the report says of arms that do not share a tokenizer."""

from __future__ import annotations

import dataclasses

import pytest

from ablations.core.metrics.few_shot import FewShot
from ablations.core.results.readings import AT_LIMIT, Reading
from ablations.readings.label_metrics.registry import LABEL_METRICS
from ablations.readings.text_metrics.registry import TEXT_METRICS
from ablations.settings.study import Study
from ablations.statistics.cell_result import CellResult
from ablations.study.comparable import comparable_sentences

DIFFERENT = {"a": "1", "b": "2"}
STUDY = Study(
    name="s",
    arms={arm: {"mixture": {"web": 1}} for arm in "ab"},
    claims=[{"share_differs": {"arm_a": "a", "arm_b": "b"}}],
)


def cell(*readings: Reading) -> CellResult:
    return CellResult("a_s0", "a", 0, {each.name: each for each in readings})


def test_only_measures_that_do_not_depend_on_pieces_are_named() -> None:
    bits = Reading("bits_per_byte", 2.0, "bits", "lower", "", source="news")
    gain = Reading("context_gain", 0.1, "nats", "higher", "", reading="order", source="news")
    gain_per_byte = Reading("context_gain", 0.1, "nats", "higher", "", reading="order_per_byte", source="news")
    cells = [cell(bits, gain, gain_per_byte)]
    assert comparable_sentences({"a": "1", "b": "1"}, {}, cells, STUDY) == []
    (said,) = comparable_sentences(DIFFERENT, {}, cells, STUDY)
    assert said.startswith("2 tokenizers: ")
    assert said.endswith("compare only bits_per_byte and context_gain.order_per_byte between them")
    (said,) = comparable_sentences(DIFFERENT, {}, [cell(gain)], STUDY)
    assert said.endswith("nothing that was measured compares them")


def test_claims_on_emergence_say_what_vocabularies_of_different_sizes_do_to_them() -> None:
    """They are looked for on random pieces, most of which are rare in the text where there are many."""
    _, said = comparable_sentences(DIFFERENT, {"a": 512, "b": 16_384}, [], STUDY)
    assert said.startswith("vocabularies of 512 and 16,384 pieces: induction heads are looked for on random pieces")
    assert len(comparable_sentences(DIFFERENT, {"a": 512, "b": 512}, [], STUDY)) == 1
    assert (
        len(comparable_sentences(DIFFERENT, {"a": 512, "b": 16_384}, [], STUDY.model_copy(update={"claims": ()}))) == 1
    )


def test_written_answers_that_were_cut_are_named() -> None:
    cut = Reading("few_shot", 0.2, "share", None, "", reading=AT_LIMIT, task="korquad", k=2)
    _, said = comparable_sentences(DIFFERENT, {}, [cell(cut)], STUDY)
    assert said.startswith("written answers of korquad: some stopped at the limit of tokens, which is less text")
    assert len(comparable_sentences(DIFFERENT, {}, [cell(dataclasses.replace(cut, value=0.0))], STUDY)) == 1


EVERY = [each().kind for each in LABEL_METRICS.classes().values()] + [
    each().reading for each in TEXT_METRICS.classes().values()
]


@pytest.mark.parametrize("reading", ["accuracy", "accuracy_per_byte", "accuracy_pmi", "in_text.accuracy", *EVERY])
def test_which_answers_are_right_does_not_depend_on_pieces(reading: str) -> None:
    """Else a claim on exact match is refused between arms with tokenizers of their own."""
    assert FewShot.is_tokenizer_free(reading)


@pytest.mark.parametrize(
    "reading", ["nll", "nll_per_byte", "margin", "permuted_minus_gold", "accuracy_per_token", "in_text.nll"]
)
def test_what_answers_cost_depends_on_pieces(reading: str) -> None:
    assert not FewShot.is_tokenizer_free(reading)
