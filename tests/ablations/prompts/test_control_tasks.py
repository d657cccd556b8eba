"""Probes on control maps under real tokenizers: one of control words, one of ordinary words."""

from __future__ import annotations

import pytest

from ablations.prompts.control_words import check_control_words
from ablations.prompts.tasks.control_map import ControlMap
from ablations.prompts.tasks.known_map import KnownMap
from curation.runtime.errors import ConfigError
from curation.sources.control_texts import FIXED_MAP, KEYS, VALUES, document
from tokenizer.model import TokenizerModel
from tokenizer.train import train_bpe, train_words


@pytest.fixture(scope="module")
def control() -> TokenizerModel:
    return TokenizerModel(train_words(iter([" ".join((*KEYS, *VALUES))] * 4)), "control")


@pytest.fixture(scope="module")
def ordinary() -> TokenizerModel:
    letters = "abcdefghij"
    words = [f"{a}{b}{c}" for a in letters for b in letters for c in letters][:200]
    return TokenizerModel(train_words(iter([" ".join(words)] * 4)), "ordinary")


def test_the_known_map_is_the_encyclopedias_in_the_tokens_of_the_controls(control: TokenizerModel) -> None:
    made = KnownMap.drawn_for(control, 20, base_seed=0)
    gold = {(g.k, g.condition): g.items for g in made.groups}[8, "gold"]
    words = {control.single_piece(word): word for word in (*KEYS, *VALUES)}
    for item in gold:
        assert FIXED_MAP[words[item.prompt[-1]]] == words[item.choices[item.gold][0]]
    assert made.about == {"values": 64}
    assert all(group.prefix == (control.bos,) for group in made.groups)


def test_the_known_map_is_refused_where_no_model_can_know_it(ordinary: TokenizerModel) -> None:
    with pytest.raises(ConfigError, match="task known_map: its words are no whole pieces"):
        KnownMap.drawn_for(ordinary, 20, base_seed=0)


def test_fresh_maps_are_of_control_words_with_nonce_or_of_ordinary_words_without(
    control: TokenizerModel, ordinary: TokenizerModel
) -> None:
    of_control, of_words = (ControlMap.drawn_for(tokenizer, 6, base_seed=0) for tokenizer in (control, ordinary))
    assert {g.condition for g in of_control.groups} == {"gold", "permuted", "nonce"}
    assert {g.condition for g in of_words.groups} == {"gold", "permuted"}
    allowed = {control.single_piece(word) for word in KEYS}
    assert all(item.prompt[-1] in allowed for group in of_control.groups for item in group.items)


def test_where_whole_words_are_too_few_parts_of_words_stand_beside_them() -> None:
    """As under the small vocabularies of the CPU studies; whole words come first."""
    text = "".join(f"{a}{b} " for a in "강마을다리집" for b in "과에서로는이") + "하늘 " * 30
    small = TokenizerModel(train_bpe(iter([text * 3]), 300), "small")
    whole = small.whole_words()
    assert len(whole) < 64
    made = ControlMap.drawn_for(small, 6, base_seed=0)
    shown = {piece for group in made.groups for item in group.items for piece in item.prompt}
    assert all(small.piece(piece).removeprefix("▁").isalpha() for piece in shown)


def test_too_few_whole_words_are_refused() -> None:
    few = TokenizerModel(train_words(iter(["alpha beta gamma delta"] * 4)), "few")
    with pytest.raises(ConfigError, match="task control_map: need 8 keys and 8 other values"):
        ControlMap.drawn_for(few, 2, base_seed=0)


def test_a_tokenizer_of_controls_has_a_piece_for_every_word_and_another_is_refused(ordinary: TokenizerModel) -> None:
    texts = [document("glossary", 0, i, 128) for i in range(200)]
    model = TokenizerModel(train_words(iter(texts)), "words")
    check_control_words(model, "controls")
    assert len({model.single_piece(word) for word in (*KEYS, *VALUES)}) == len(KEYS) + len(VALUES)
    assert len(model.encode(texts[0])) == 127
    with pytest.raises(ConfigError, match="tokenizer main: 128 control words are not one piece"):
        check_control_words(ordinary, "main")
