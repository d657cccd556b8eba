"""The exported tokenizer gives our pieces for every text: by a slow reading of its file, and in transformers."""

from __future__ import annotations

import io
import json
import random
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd_texts import ODD, odd_texts

from benchmarks.peers import lm_eval_peer
from curation.runtime.errors import InputError
from curation.sources.control_texts import document
from tokenizer.export_hf import tokenizer_files
from tokenizer.model import TokenizerModel
from tokenizer.train import BOS, train_bpe, train_words

PROSE = [f"강과 마을 {i * 7}에서   아이들이\n놀았다. The river {i} <s> aaaa\n\nbanana" for i in range(200)]
SPECIAL = ["<s>", " <s>a</s>", "<unk> <0x41>", "▁", "▁ ▁▁a", " a", "a ", "   ", "\n a\n\n", "리뷰: 좋다\n평가: 긍정"]


def overlapping(draw: random.Random) -> str:
    """Few letters and long runs, so that many merges compete for the same letters."""
    return "".join(draw.choice("aaaab  ") * draw.choice((1, 1, 2, 5)) for _ in range(60))


NAMES = ("prose", "overlapping", "words")


@cache
def trained(name: str) -> bytes:
    draw = random.Random(1)
    if name == "words":
        return train_words(document("glossary", 0, i, 128) for i in range(200))
    return train_bpe(iter(PROSE) if name == "prose" else (overlapping(draw) for _ in range(300)), 340)


@cache
def ours(name: str) -> TokenizerModel:
    return TokenizerModel(trained(name), name)


@cache
def files_of(name: str) -> dict[str, bytes]:
    return tokenizer_files(trained(name), 64, name)


def pieces_by_hand(name: str, text: str) -> list[int]:
    """What the `tokenizers` library documents for such a file, one merge at a time."""
    file: dict[str, Any] = json.loads(files_of(name)["tokenizer.json"])
    vocab, text = file["model"]["vocab"], text.replace(" ", "▁")
    whole = f"▁{text}" if text else ""
    if file["model"]["type"] == "WordLevel":
        parts = re.split(f"({file['pre_tokenizer']['pattern']['Regex']})", whole)
        return [vocab.get(part, vocab["<unk>"]) for part in parts if part]
    ranks = {tuple(pair): rank for rank, pair in enumerate(file["model"]["merges"])}
    symbols = list(whole)
    while known := [(ranks[pair], at) for at, pair in enumerate(pairwise(symbols)) if pair in ranks]:
        _, at = min(known)
        symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
    spelled = [[symbol] if symbol in vocab else [f"<0x{byte:02X}>" for byte in symbol.encode()] for symbol in symbols]
    return [vocab[piece] for pieces in spelled for piece in pieces]


@pytest.mark.parametrize("name", NAMES)
@given(text=odd_texts())
def test_the_exported_file_gives_our_pieces_of_odd_texts(name: str, text: str) -> None:
    text = text.encode("utf8", "replace").decode()
    assert pieces_by_hand(name, text) == ours(name).encode(text)


@pytest.mark.parametrize("name", ["prose", "overlapping"])
@given(text=st.text("ab \n", max_size=60))
def test_the_exported_file_gives_our_pieces_where_merges_compete(name: str, text: str) -> None:
    assert pieces_by_hand(name, text) == ours(name).encode(text)


def test_unknown_words_in_a_row_are_one_piece() -> None:
    """As SentencePiece has it; a word-level file would make one of each."""
    known = ours("words").piece(5).removeprefix("▁")
    text = f"{known} two strangers {known}"
    assert pieces_by_hand("words", text) == ours("words").encode(text) == [5, 0, 5]


@pytest.mark.slow
@pytest.mark.skipif(
    not lm_eval_peer.is_ready(), reason="no .bench/lm_eval; make it: python -m benchmarks.peers.lm_eval_peer"
)
def test_transformers_gives_our_pieces_behind_bos_and_our_text_back(tmp_path: Path) -> None:
    draw = random.Random(2)
    texts = [text.encode("utf8", "replace").decode() for text in (*ODD, *SPECIAL)] + [
        overlapping(draw) for _ in range(50)
    ]
    for name in NAMES:
        (tmp_path / name).mkdir()
        for file, content in files_of(name).items():
            (tmp_path / name / file).write_bytes(content)
    jobs = [{"do": "pieces", "folder": str(tmp_path / name), "texts": texts} for name in NAMES]
    for name, answers in zip(NAMES, lm_eval_peer.ask(jobs), strict=True):
        for text, (pieces, decoded) in zip(texts, answers, strict=True):
            assert pieces == [BOS, *ours(name).encode(text)], (name, text)
            if name != "words":  # <unk> is not text
                assert decoded == ours(name).decode(pieces[1:]), (name, text)


def test_a_model_of_other_settings_is_refused() -> None:
    """A folder that encodes differently from training would be worse than none."""
    import sentencepiece

    made = io.BytesIO()
    options: dict[str, Any] = {"vocab_size": 300, "model_type": "bpe", "byte_fallback": True, "minloglevel": 2}
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(PROSE), model_writer=made, **options)
    with pytest.raises(InputError, match="a normaliser"):
        tokenizer_files(made.getvalue(), 64, "tokenizer.model")
    with pytest.raises(InputError, match="not a SentencePiece model"):
        tokenizer_files(b"something else", 64, "tokenizer.model")
