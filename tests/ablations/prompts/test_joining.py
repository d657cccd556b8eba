"""Texts encoded in parts have the tokens of the whole: with tokenizers that were really trained."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd_texts import odd_texts

from ablations.prompts.joining import Joining, split
from tokenizer.model import TokenizerModel
from tokenizer.train import train_bpe, train_words

LABELS = ("부정", "긍정")
TEXTS = [
    f"리뷰: 영화 {i}은 {word}\n평가: {LABELS[i % 2]}  and  more {word}"
    for i, word in enumerate("좋다 싫다 good bad".split() * 40)
]
BPE = TokenizerModel(train_bpe(iter(TEXTS), 330), "bpe")
WORDS = TokenizerModel(train_words(iter(TEXTS)), "words")
every_tokenizer = pytest.mark.parametrize("tokenizer", [BPE, WORDS], ids=["bpe", "words"])


def printable(text: str) -> str:
    """What rows hold once their fields are read: no lone surrogates."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


texts = odd_texts().map(printable)


def test_a_line_break_is_a_piece_of_its_own_in_our_byte_pair_models_alone() -> None:
    assert BPE.has_break
    assert not WORDS.has_break
    with pytest.raises(ValueError, match="encode the whole text"):
        WORDS.encode_after_break("a")


def test_a_written_answer_ends_at_a_line_break_its_byte_or_the_end_of_a_document() -> None:
    assert {BPE.piece(number) for number in BPE.line_ends} == {"<s>", "</s>", "\n", "<0x0A>"}
    assert {WORDS.piece(number) for number in WORDS.line_ends} == {"<s>", "</s>"}


@every_tokenizer
@given(text=texts)
def test_a_text_encoded_line_by_line_has_the_tokens_of_the_whole(tokenizer: TokenizerModel, text: str) -> None:
    assert Joining(tokenizer).whole(text) == tokenizer.encode(text)


@given(before=texts, behind=texts)
def test_a_text_cut_behind_a_line_break_has_the_tokens_of_the_whole(before: str, behind: str) -> None:
    joining = Joining(BPE)
    assert joining.may_cut(before + "\n")
    assert joining.whole(before + "\n") + joining.behind(behind) == BPE.encode(before + "\n" + behind)


@given(before=texts, prompt=texts, choices=st.lists(texts.filter(str.strip), min_size=2, max_size=3))
def test_a_question_split_alone_is_the_question_split_behind_its_demonstrations(
    before: str, prompt: str, choices: list[str]
) -> None:
    """The slow form encodes demonstrations and question together, for every question."""
    if not prompt:
        return  # the cue of an empty question: only BOS stands before it
    joining = Joining(BPE)
    start = BPE.encode(before + "\n")
    slow_prompt, slow_choices, slow_crossed = split(before + "\n" + prompt, choices, BPE.encode)
    quick_prompt, quick_choices, quick_crossed = split(prompt, choices, joining.behind)
    assert (start + quick_prompt, quick_choices, quick_crossed) == (slow_prompt, slow_choices, slow_crossed)


def test_nothing_may_be_cut_elsewhere() -> None:
    assert not Joining(BPE).may_cut("a ")
    assert not Joining(BPE).may_cut("")
    assert not Joining(WORDS).may_cut("a\n")


def test_an_answer_alone_has_the_tokenizers_own_space_and_no_other() -> None:
    prompt, (answer, _), crossed = split("", (" 긍정", " 부정"), BPE.encode)
    assert (prompt, crossed) == ([], False)
    assert answer == BPE.encode("긍정")
