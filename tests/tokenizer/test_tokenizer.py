"""Text survives the tokenizer, token files say what the shards say, and control words are whole."""

from __future__ import annotations

from collections import Counter
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
from tokenizer.coverage import COVERAGE, LEAST_COVERAGE, fitting_coverage, with_a_share, with_the_commonest
from tokenizer.model import TokenizerModel, load_tokenizer
from tokenizer.pipeline import tokenize, train_tokenizer
from tokenizer.settings import TokenizerSettings
from tokenizer.train import train_bpe

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


def test_a_coverage_that_does_not_fit_is_refused_with_what_to_do_and_that_works() -> None:
    texts = ["".join(map(chr, range(0xAC00, 0xAC00 + 900)))] * 3
    with pytest.raises(
        ConfigError,
        match=r"cannot make 300 pieces: .* 300 vs \d+\. Raise vocab_size, or leave character_coverage out: it then fits ",
    ):
        train_bpe(iter(texts), 300, 0.98)
    assert train_bpe(iter(texts), 300)


def many_characters(first: int, number: int, documents: int = 300) -> list[str]:
    """Made-up words of two or three of these characters, the first ones much commoner, as in Korean and Chinese."""
    random = np.random.default_rng(number)
    chance = 1 / np.arange(3, number + 3) ** 0.7
    words = [
        "".join(chr(first + int(place)) for place in random.choice(number, 2 + at % 2, p=chance / chance.sum()))
        for at in range(3000)
    ]
    return [" ".join(words[at] for at in random.integers(0, 3000, 60)) + "." for _ in range(documents)]


KOREAN, CHINESE = (0xAC00, 1300), (0x4E00, 2500)


@pytest.mark.parametrize(("of", "size"), [(KOREAN, 300), (KOREAN, 512), (CHINESE, 512), (CHINESE, 1024)])
def test_text_of_many_characters_gets_a_small_vocabulary_with_merges_and_comes_back(
    of: tuple[int, int], size: int
) -> None:
    texts = many_characters(*of)
    trained = TokenizerModel(train_bpe(iter(texts), size), "small")
    pieces = [trained.piece(number) for number in range(259, trained.vocab_size)]
    characters = [piece for piece in pieces if len(piece) == 1]
    assert len(pieces) == size - 259
    assert 0.4 * len(pieces) < len(characters) <= 0.5 * len(pieces) + 2, "the space and the line break beside them"
    assert [trained.decode(each) for each in trained.encode_all(texts)] == texts
    assert trained.has_break


def test_a_vocabulary_that_holds_the_characters_of_what_sentencepiece_takes_is_made_as_ever() -> None:
    """Else tokenizers that were trained before would have other bytes under the same name."""
    texts = many_characters(*KOREAN)
    lines = [line for text in texts for line in text.split("\n")]
    assert fitting_coverage(lines, 1400) == LEAST_COVERAGE
    assert train_bpe(iter(texts), 1400) == train_bpe(iter(texts), 1400, LEAST_COVERAGE)


def test_a_lower_coverage_may_be_set() -> None:
    texts = many_characters(*KOREAN)
    counts = sorted((Counter("".join(texts)).values()), reverse=True)
    settings = TokenizerSettings(vocab_size=1024, character_coverage=0.7)
    trained = TokenizerModel(train_bpe(iter(texts), 1024, settings.character_coverage), "low")
    characters = [
        piece for number in range(259, 1024) if len(piece := trained.piece(number)) == 1 and piece not in "▁\n"
    ]
    covered = np.searchsorted(np.cumsum(counts), 0.7 * sum(counts)) + 1
    assert len(characters) in (covered - 1, covered), "the space may be one of them"
    assert trained.decode(trained.encode(texts[0])) == texts[0]


@given(st.lists(st.text(alphabet="abc de", min_size=1), min_size=1), st.integers(0, 6), st.floats(0.5, 1))
def test_rare_characters_become_borders(lines: list[str], most: int, share: float) -> None:
    """By a slow count; equally common characters are taken in their order."""
    text = "".join(lines)
    common = sorted(set(text), key=lambda each: (-text.count(each), each))
    assert list(with_the_commonest(lines, most)) == [
        "".join(each if each in common[:most] else "\n" for each in line) for line in lines
    ]
    kept = set("".join(with_a_share(lines, share))) - {"\n"}
    assert kept == set(common[: len(kept)])
    assert sum(map(text.count, kept)) >= share * len(text)
    assert sum(map(text.count, common[: len(kept) - 1])) < share * len(text)


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
