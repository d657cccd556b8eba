"""Bigram repetition of training windows: a slow oracle, and texts whose numbers are known."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from cells import BOS, encode, write_control
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ablations.core.data.bigram_repetition import bigram_repetition, of_mixture
from ablations.core.data.documents import Documents
from ablations.core.data.mixture import MixedWindows
from ablations.core.data.packing import PackedSource, chosen_documents
from curation.sources.control_texts import Kind, document


def slow(windows):
    """Window by window, bigram by bigram."""
    seen = kept = bigrams = 0
    for window in windows:
        latest: dict[int, int] = {}
        for first, second in itertools.pairwise(window):
            bigrams += 1
            if first in latest:
                seen += 1
                kept += latest[first] == second
            latest[first] = second
    return seen / bigrams, kept / seen if seen else 0.0, bigrams


shapes = st.tuples(st.integers(1, 5), st.integers(2, 30))


@settings(max_examples=80, deadline=None)
@given(hnp.arrays(np.uint16, shapes, elements=st.integers(0, 6)))
def test_it_is_what_a_walk_through_the_windows_counts(windows) -> None:
    frequency, reliability, bigrams = slow(windows.tolist())
    found = bigram_repetition(windows)
    assert found["frequency"] == pytest.approx(frequency)
    assert found["reliability"] == pytest.approx(reliability)
    assert found["product"] == pytest.approx(frequency * reliability)
    assert (found["windows"], found["bigrams"]) == (len(windows), bigrams)


def test_repeats_in_another_window_do_not_count() -> None:
    assert bigram_repetition(np.array([[1, 2, 3], [1, 2, 3]]))["frequency"] == 0
    assert bigram_repetition(np.array([[1, 2, 3, 1, 2, 3]]))["frequency"] == pytest.approx(2 / 5)


@pytest.mark.parametrize("shape", [(0, 5), (3, 1), (4,)])
def test_windows_without_a_bigram_are_refused(shape) -> None:
    with pytest.raises(ValueError, match="at least one window of two tokens"):
        bigram_repetition(np.zeros(shape, np.int64))


def test_a_fresh_map_and_a_known_one_repeat_alike_and_chatter_is_less_reliable() -> None:
    """So repetition alone cannot say that induction emerges from the first and not from the second."""
    kinds: tuple[Kind, ...] = ("glossary", "encyclopedia", "chatter")
    windows = {k: np.array([[BOS, *encode(document(k, 1, i, 64))] for i in range(60)]) for k in kinds}
    found = {kind: bigram_repetition(of_kind) for kind, of_kind in windows.items()}
    assert found["glossary"]["frequency"] > 0.7
    for name in ("frequency", "reliability"):
        assert found["glossary"][name] == pytest.approx(found["encyclopedia"][name], abs=0.04)
    assert found["chatter"]["reliability"] < found["glossary"]["reliability"] - 0.15


@pytest.fixture
def mixture(tmp_path: Path):
    sources = []
    for kind in ("glossary", "chatter"):
        write_control(tmp_path, kind, kind, seed=1, count=40, context=40)
        documents = Documents.read(tmp_path, kind, 129, BOS)
        sources.append(PackedSource(kind, documents, chosen_documents(documents, 1.0, 5), 40, 6))
    return MixedWindows(sources, [3, 1], 7)


def test_a_short_run_is_looked_at_whole_and_a_long_one_by_a_sample_that_is_near_it(mixture) -> None:
    whole = of_mixture(mixture, 3000, seed=1, count=3000)
    assert whole == bigram_repetition(np.stack([mixture.window(n) for n in range(3000)]))
    sample = of_mixture(mixture, 3000, seed=1, count=600)
    assert 500 < sample["windows"] <= 600
    assert sample["reliability"] == pytest.approx(whole["reliability"], abs=0.02)
    assert sample == of_mixture(mixture, 3000, seed=1, count=600)
    assert sample != of_mixture(mixture, 3000, seed=2, count=600)
