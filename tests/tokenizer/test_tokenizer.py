"""Text survives the tokenizer, token files say what the shards say, and control words are whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonl_writer import WriteJsonl
from safetensors.numpy import load_file

from curation import pipeline
from curation.recipes import loading
from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import ConfigError, InputError
from curation.runtime.store.folder import Folder
from tokenizer.model import TokenizerModel, load_tokenizer
from tokenizer.pipeline import tokenize, train_tokenizer
from tokenizer.settings import TokenizerSettings
from tokenizer.train import COVERAGE, LEAST_COVERAGE, fitting_coverage, train_bpe

TEXTS = [
    f"The {word} number {i}: 강과 마을 {i * 7}\n\tline two"
    for i, word in enumerate("river town house boat".split() * 60)
]


@pytest.fixture(scope="module")
def bpe() -> TokenizerModel:
    return TokenizerModel(train_bpe(iter(TEXTS), 340), "bpe")


@given(text=st.text(max_size=60))
def test_any_text_comes_back_from_its_pieces(bpe: TokenizerModel, text: str) -> None:
    """Byte fallback: no text is unknown. A leading space is the tokenizer's own mark of a word."""
    text = text.replace("\x00", "")
    assert bpe.decode(bpe.encode(text)).removeprefix(" ") == text.removeprefix(" ")


def test_training_gives_the_same_bytes_twice() -> None:
    assert train_bpe(iter(TEXTS), 340) == train_bpe(iter(TEXTS), 340)


def test_too_little_text_is_refused_with_what_to_do() -> None:
    with pytest.raises(ConfigError, match="Lower vocab_size"):
        train_bpe(iter(["only a few words"]), 4000)


def test_a_vocabulary_below_the_texts_characters_is_refused_with_what_to_do() -> None:
    with pytest.raises(
        ConfigError, match=r"cannot make 300 pieces: .* Raise vocab_size, or lower character_coverage\.$"
    ):
        train_bpe(iter(["".join(map(chr, range(0xAC00, 0xAC00 + 900)))] * 3), 300)


def test_a_tokenizer_whose_file_is_gone_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"tokenizer\.model: the tokenizer is gone\. Bring it back; or remove "):
        load_tokenizer(Folder(str(tmp_path)))


@pytest.fixture
def words() -> list[str]:
    return [f"{text} and more words so that no rule drops it " * 3 for text in TEXTS[:80]]


def test_token_files_hold_every_document_once(
    write_jsonl: WriteJsonl, words: list[str], out: Folder, compute: Compute, tmp_path: Path
) -> None:
    write_jsonl("a.jsonl", [{"text": text} for text in words])
    loaded = loading.from_mapping(
        {
            "name": "t",
            "data_root": str(tmp_path),
            "sources": {"a": {"kind": "files", "path": "a.jsonl"}},
            "passes": [{"name": "all", "annotators": ["char_classes"]}],
            "shard_bytes": 5000,
        },
        str(tmp_path / "r.yaml"),
    )
    shards = pipeline.curate(loaded, out, compute).shards
    trained = train_tokenizer("main", TokenizerSettings(vocab_size=340, sample_bytes=100_000), shards, out, compute)
    made = tokenize(trained, shards, dict.fromkeys(shards, 0.25), out, compute)
    tokens = made.tokens["a"]
    texts = []
    for split in ("train", "heldout"):
        numbers = np.fromfile(f"{tokens.folder.url}/{split}.bin", "<u2")
        index = load_file(f"{tokens.folder.url}/{split}.documents.safetensors")
        assert len(index["ids"]) == tokens.documents(split) == len(index["utf8_bytes"])
        assert index["offsets"][-1] == len(numbers) == tokens.tokens(split)
        for start, end in zip(index["offsets"][:-1], index["offsets"][1:], strict=True):
            assert numbers[start] == made.model.bos
            texts.append(made.model.decode(numbers[start + 1 : end].tolist()))
    assert sorted(texts) == sorted(words)
    assert tokens.documents("heldout") > 5


def test_a_small_vocabulary_leaves_pieces_to_merges_and_a_large_one_covers_every_character() -> None:
    """2,000 syllables, the first of them common: a thousand pieces cannot hold all of them."""
    syllables = list(map(chr, range(0xAC00, 0xAC00 + 2000)))
    texts = ["".join(syllables[:300]) * 400, *("".join(syllables[start::7]) for start in range(7))]
    small = TokenizerModel(train_bpe(iter(texts), 1024), "small")
    pieces = [small.piece(number) for number in range(small.vocab_size)]
    characters = [piece for piece in pieces if len(piece.removeprefix("▁")) == 1]
    assert 300 < len(characters) < 400
    assert any(len(piece) > 2 and not piece.startswith("<") for piece in pieces)
    assert small.decode(small.encode("".join(syllables))) == "".join(syllables), "rare ones are bytes"
    assert fitting_coverage(texts, 8192) == COVERAGE
    assert LEAST_COVERAGE < fitting_coverage(texts, 1024) < COVERAGE


@given(st.lists(st.text(alphabet="abcdefgh가나다라마", min_size=1), min_size=1), st.integers(262, 280))
def test_the_coverage_that_fits_takes_the_commonest_characters_until_half_is_full(lines: list[str], size: int) -> None:
    """By a slow count; 259 pieces are special or bytes."""
    text = "".join(lines)
    counts = sorted((text.count(character) for character in set(text)), reverse=True)
    most = (size - 259) // 2
    found = fitting_coverage(lines, size)
    if len(counts) <= most:
        assert found == COVERAGE
    else:
        assert found == max(LEAST_COVERAGE, min(COVERAGE, (sum(counts[:most]) - 0.5) / len(text)))
