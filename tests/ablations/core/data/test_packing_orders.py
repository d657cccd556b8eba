"""Packing orders: sources mixed in one stream, and related documents side by side."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from cells import write_cell, write_tokens
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ablations.core.cell import train_cell
from ablations.core.data.documents import Documents
from ablations.core.data.mixture import BLOCK, ROUND, MixedDocuments, MixedWindows, mixed
from ablations.core.data.packing import PackedSource
from ablations.core.data.related import BUCKET, chain, codes_of
from ablations.core.spec.training_spec import Packing

Order = Literal["hashed", "related"]

LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=12).filter(lambda lengths: sum(lengths) >= 8)


def source_of(
    folder: Path, name: str, texts: Sequence[Sequence[int]], context: int = 8, seed: int = 3, order: Order = "hashed"
) -> PackedSource:
    write_tokens(folder, name, texts, [len(text) for text in texts])
    documents = Documents.read(folder, name, 60000, 0)
    return PackedSource(name, documents, np.arange(len(documents)), context, seed, order)


def numbered(lengths: Sequence[int], first: int) -> list[list[int]]:
    """Documents whose tokens tell which they are: BOS, then the same number again and again."""
    return [[0, *([first + i] * (length - 1))] for i, length in enumerate(lengths)]


def stream_of(mixture: MixedWindows, windows: int) -> NDArray[np.uint16]:
    return np.concatenate([mixture.window(number)[:-1] for number in range(windows)])


@given(
    LENGTHS, LENGTHS, st.integers(1, 5), st.integers(0, 2 * BLOCK).map(lambda first: range(first, first + 2 * ROUND))
)
@example([5, 1, 30, 9], [17, 2], 3, range(2 * BLOCK + 50))
def test_the_random_stream_is_whole_documents_one_after_another(
    tmp_path: Path, a: list[int], b: list[int], weight: int, numbers: range
) -> None:
    """If this fails, text is lost or said twice between rounds."""
    sources = [source_of(tmp_path, name, numbered(x, f)) for name, x, f in (("a", a, 100), ("b", b, 200))]
    mixture = MixedDocuments(sources, [1, weight], 9)
    windows = [mixture.window(number) for number in numbers]
    assert all(len(window) == 9 for window in windows)
    assert all(left[-1] == right[0] for left, right in itertools.pairwise(windows))
    stream = np.concatenate([window[:-1] for window in windows])
    starts = np.flatnonzero(stream == 0)
    lengths = dict(zip(range(100, 100 + len(a)), a, strict=True)) | dict(zip(range(200, 200 + len(b)), b, strict=True))
    assert numbers.start or starts[0] == 0
    for start, stop in itertools.pairwise(starts):
        document = stream[start:stop]
        if len(document) > 1:
            assert len(document) == lengths[document[1]]
            assert set(document[1:]) == {document[1]}


@settings(max_examples=25)
@given(LENGTHS, LENGTHS, st.integers(ROUND, 4 * ROUND))
@example([5, 1, 30, 9], [17, 2], BLOCK + 77)
def test_what_was_seen_of_the_random_stream_is_what_a_count_finds(
    tmp_path: Path, a: list[int], b: list[int], windows: int
) -> None:
    sources = [source_of(tmp_path, name, numbered(x, f)) for name, x, f in (("a", a, 100), ("b", b, 200))]
    mixture = MixedDocuments(sources, [2, 1], 9)
    stream, seen = stream_of(mixture, windows), mixture.seen(windows)
    owner = 0
    counts = [0, 0]
    for at, token in enumerate(stream):
        if token == 0:
            following = stream[at + 1] if at + 1 < len(stream) else 0
            owner = -1 if following == 0 else int(following >= 200)  # a document of BOS alone may be of either
        if owner >= 0:
            counts[owner] += 1
    unknown = len(stream) - sum(counts)
    assert sum(each.tokens for each in seen.values()) == len(stream)
    for each, count in zip(seen.values(), counts, strict=True):
        assert count <= each.tokens <= count + unknown
        assert each.repetitions == each.tokens / each.tokens_chosen
    longest = max(*a, *b)
    assert abs(seen["a"].tokens - 2 * len(stream) / 3) <= ROUND * 8 + 2 * longest
    assert seen["a"].documents_seen == len(a) if seen["a"].repetitions > 2 else True


def test_a_window_of_the_random_stream_may_hold_several_sources(tmp_path: Path) -> None:
    sources = [source_of(tmp_path, name, numbered([3] * 50, f)) for name, f in (("a", 100), ("b", 200))]
    tokens = [set(MixedDocuments(sources, [1, 1], 9).window(number).tolist()) for number in range(100)]
    both = [any(t >= 200 for t in window) and any(0 < t < 200 for t in window) for window in tokens]
    assert sum(both) > 50


@pytest.mark.parametrize(("packing", "order"), [("random", "hashed"), ("related", "related"), ("by_source", "hashed")])
def test_any_window_is_the_same_in_any_order_of_asking(tmp_path: Path, packing: Packing, order: Order) -> None:
    """If this fails, a resumed run trains on other data than an undisturbed one."""

    def make() -> MixedWindows:
        sources = [
            source_of(tmp_path, name, numbered([5, 9, 2, 30, 1, 11], f), order=order)
            for name, f in (("a", 9), ("b", 90))
        ]
        return mixed(packing, sources, [1, 3], 9)

    there, back = make(), make()
    numbers = [*range(40), *range(BLOCK - 5, BLOCK + 5), 5 * BLOCK]
    forward = {number: there.window(number).tolist() for number in numbers}
    assert forward == {number: back.window(number).tolist() for number in reversed(numbers)}


def topics(count: int, size: int = 60, seed: int = 1) -> list[list[int]]:
    """Documents of `count` topics with words of their own and words of all, in turn."""
    rng = np.random.default_rng(seed)
    own = [np.arange(100 + 40 * topic, 140 + 40 * topic) for topic in range(count)]
    return [
        [0, *np.where(rng.random(size) < 0.5, rng.choice(own[i % count], size), rng.integers(1, 100, size)).tolist()]
        for i in range(count * 30)
    ]


def test_related_documents_stand_side_by_side(tmp_path: Path) -> None:
    source = source_of(tmp_path, "a", topics(6))
    walk = chain(source.documents, source.subset)
    assert sorted(walk) == list(range(180))
    same = np.mean([a % 6 == b % 6 for a, b in itertools.pairwise(walk)])
    assert same > 0.8, "by chance it would be 1 in 6"


def test_a_code_depends_on_the_document_and_not_on_where_its_tokens_are_summed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_of(tmp_path, "a", topics(3))
    whole = codes_of(source.documents, source.subset)
    monkeypatch.setattr("ablations.core.data.related.CHUNK", 7)
    assert (codes_of(source.documents, source.subset) == whole).all()


def test_more_documents_than_a_bucket_are_all_walked(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    source = source_of(tmp_path, "a", [[0, *rng.integers(1, 500, 5).tolist()] for _ in range(2 * BUCKET + 9)])
    assert sorted(chain(source.documents, source.subset)) == list(range(2 * BUCKET + 9))


def test_an_epoch_of_related_documents_is_all_of_them_and_no_two_epochs_are_alike(tmp_path: Path) -> None:
    source = source_of(tmp_path, "a", numbered([8] * 40, 100), order="related")
    epochs = [[source.window(e * 40 + i)[:-1].tolist() for i in range(40)] for e in range(2)]
    assert sorted(map(tuple, epochs[0])) == sorted(map(tuple, epochs[1]))
    assert epochs[0] != epochs[1]
    assert source.seen(20).documents_seen == 20
    assert source.seen(60).documents_seen == 40
    assert source.seen(60).documents_cut == 0


def test_packing_by_source_is_what_it_was(tmp_path: Path) -> None:
    sources = [source_of(tmp_path, name, numbered([5, 9, 20], f)) for name, f in (("a", 9), ("b", 90))]
    assert type(mixed("by_source", sources, [1, 3], 9)) is MixedWindows


@pytest.mark.parametrize("packing", ["random", "related"])
def test_a_cell_of_each_packing_ends(tmp_path: Path, packing: Packing) -> None:
    write_cell(tmp_path, packing=packing)
    train_cell(tmp_path)
    seen = json.loads((tmp_path / "training.json").read_text())["sources"]["glossary"]
    assert seen["tokens"] == 12 * 4 * 40
