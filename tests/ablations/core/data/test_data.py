"""Documents, subsets, packing and mixtures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from cells import write_control, write_tokens
from hypothesis import given
from hypothesis import strategies as st

from ablations.core.data.documents import Documents
from ablations.core.data.hashing import splitmix64
from ablations.core.data.mixture import BLOCK, MixedWindows, apportion
from ablations.core.data.packing import PackedSource, chosen_documents
from curation.runtime.errors import ConfigError, InputError


def documents_of(tmp_path: Path, lengths: Sequence[int], name: str = "a") -> Documents:
    texts = [[0, *range(1, length)] for length in lengths]
    write_tokens(tmp_path, name, texts, [length * 2 for length in lengths])
    return Documents.read(tmp_path, name, 2000, 0)


def packed(tmp_path: Path, lengths, context=8, name: str = "a", seed=3):
    documents = documents_of(tmp_path, lengths, name)
    return PackedSource(name, documents, np.arange(len(documents)), context, seed)


def test_splitmix64_gives_the_published_numbers() -> None:
    """First outputs of SplitMix64 seeded with 0, as in the reference implementation."""
    gamma = 0x9E3779B97F4A7C15
    states = np.array([0, gamma, 2 * gamma % 2**64], np.uint64)
    assert [hex(x) for x in splitmix64(states)] == ["0xe220a8397b1dcdaf", "0x6e789e6aa1b965f4", "0x6c45d188009454f"]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Documents:
    return documents_of(tmp_path_factory.mktemp("many"), LENGTHS)


LENGTHS = [int(10 ** (i % 7 / 2)) + i % 5 + 1 for i in range(400)]  # from a token to a thousand


@given(a=st.floats(0.01, 1), b=st.floats(0.01, 1), seed=st.integers(0, 99))
def test_a_fraction_takes_that_share_of_tokens_to_within_half_a_document_on_either_side(
    many: Documents, a: float, b: float, seed: int
) -> None:
    small, large = (chosen_documents(many, share, seed) for share in sorted((a, b)))
    assert set(small) <= set(large)
    assert abs(many.lengths[small].sum() - min(a, b) * len(many.tokens)) <= max(LENGTHS) / 2


@given(cut=st.floats(0.1, 0.9), seed=st.integers(0, 99))
def test_two_parts_share_no_document_and_lack_none(many: Documents, cut: float, seed: int) -> None:
    parts = chosen_documents(many, cut, seed), chosen_documents(many, 1 - cut, seed, offset=cut)
    assert sorted(np.concatenate(parts)) == list(range(len(many)))


def test_a_twenty_fifth_of_uneven_documents_is_a_twenty_fifth_of_the_tokens(many: Documents) -> None:
    """By the number of documents it was between a hundredth and a tenth."""
    shares = [many.lengths[chosen_documents(many, 0.04, seed)].sum() / len(many.tokens) for seed in range(50)]
    assert max(shares) - min(shares) < 0.02
    assert np.mean(shares) == pytest.approx(0.04, abs=0.002)


def test_another_seed_takes_other_documents(many: Documents) -> None:
    assert set(chosen_documents(many, 0.25, 1)) != set(chosen_documents(many, 0.25, 2))


def test_windows_of_one_epoch_are_the_documents_once_in_an_order_of_their_own(tmp_path: Path) -> None:
    """Else all that many steps see in a row would be one long document."""
    source = packed(tmp_path, [5, 9, 2, 300, 1, 11], context=8)
    assert source.windows == 328 // 8
    places = source._places(0).tolist()
    windows = dict(zip(places, (source.window(number) for number in range(source.windows)), strict=True))
    for place in range(source.windows - 1):
        assert windows[place][-1] == windows[place + 1][0], (
            "the last target is the first input of what follows in the text"
        )
    order, _ = source._shuffled(0)
    oracle = np.concatenate([source.documents.of(i) for i in order])
    found = np.concatenate([windows[place][:-1] for place in range(source.windows)])
    assert found.tolist() == oracle[: 8 * source.windows].tolist()
    assert places != sorted(places)
    assert places != source._places(1).tolist()


def test_any_window_is_the_same_in_any_order_of_asking(tmp_path: Path) -> None:
    """If this fails, a resumed run trains on other data than an undisturbed one."""
    there, back = packed(tmp_path, [5, 9, 2, 30, 1, 11]), packed(tmp_path, [5, 9, 2, 30, 1, 11])
    numbers = range(4 * there.windows)
    forward = {n: there.window(n).tolist() for n in numbers}
    assert forward == {n: back.window(n).tolist() for n in reversed(numbers)}


def test_each_epoch_has_its_own_order_and_sources_shuffle_apart(tmp_path: Path) -> None:
    source = packed(tmp_path, [8] * 50)
    first, second = source._shuffled(0)[0].tolist(), source._shuffled(1)[0].tolist()
    assert first != second
    assert sorted(first) == sorted(second)


def test_documents_of_one_context_are_never_cut(tmp_path: Path) -> None:
    write_control(tmp_path, "c", "glossary", 0, 20, 32)
    documents = Documents.read(tmp_path, "c", 200, 0)
    source = PackedSource("c", documents, np.arange(20), 32, 1)
    wanted = {tuple(documents.of(i).tolist()) for i in range(20)}
    assert {tuple(source.window(i)[:-1].tolist()) for i in range(20)} == wanted
    assert all(source.window(i)[-1] == 0 for i in range(20))
    seen = source.seen(20)
    assert (seen.documents_cut, seen.tokens_lost_an_epoch, seen.documents_seen, seen.repetitions) == (0, 0, 20, 1.0)


def test_what_packing_loses_and_repeats_is_counted(tmp_path: Path) -> None:
    seen = packed(tmp_path, [5, 9, 2, 30, 1, 11], context=8).seen(14)
    assert (seen.tokens, seen.repetitions, seen.tokens_chosen, seen.tokens_lost_an_epoch) == (
        112,
        pytest.approx(112 / 58),
        58,
        2,
    )


def test_a_source_of_less_than_one_window_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="source a: 2 chosen documents of 7 tokens give no window of 8"):
        packed(tmp_path, [3, 4])


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=8))
def test_shares_are_whole_sum_up_and_are_met_to_within_one(weights: list[float]) -> None:
    counts = apportion(weights, BLOCK)
    assert sum(counts) == BLOCK
    assert all(abs(c - w / sum(weights) * BLOCK) < 1 for c, w in zip(counts, weights, strict=True))


def test_every_block_holds_each_source_exactly_and_each_window_in_turn(tmp_path: Path) -> None:
    sources = [packed(tmp_path, [8] * 40, name=name) for name in ("a", "b", "c")]
    mixed = MixedWindows(sources, [1, 2, 5], 9)
    for blocks in (1, 2, 3):
        assert [seen.windows for seen in mixed.seen(blocks * BLOCK).values()] == [
            blocks * BLOCK * s // 8 for s in (1, 2, 5)
        ]
    which, rank = mixed._shuffled(1)
    assert sorted(rank[which == 2]) == list(range(BLOCK * 5 // 8))
    assert sum(seen.windows for seen in mixed.seen(1500).values()) == 1500


def test_a_batch_does_not_depend_on_the_batches_before(tmp_path: Path) -> None:
    def make():
        return MixedWindows([packed(tmp_path, [5, 9, 20], name=n) for n in ("a", "b")], [1, 3], 9)

    walked = make()
    batches = [walked.batch(step, 7) for step in range(200)]
    assert (make().batch(199, 7) == batches[199]).all()
    assert batches[0].shape == (7, 9)


def test_a_weight_too_small_for_a_block_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="source b: its weight is less than one window"):
        MixedWindows([packed(tmp_path, [9], name=n) for n in ("a", "b")], [1, 1e-6], 0)


def test_token_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    write_tokens(tmp_path, "a", [[0, 5], [1, 2]], [1, 1])
    with pytest.raises(InputError, match="1 documents that do not begin with BOS"):
        Documents.read(tmp_path, "a", 10, 0)
    with pytest.raises(InputError, match="token 5 in a vocabulary of 4"):
        Documents.read(tmp_path, "a", 4, 0)
    (tmp_path / "a.bin").write_bytes(b"\0\0" * 3)
    with pytest.raises(InputError, match="offsets that do not cover its 3 tokens"):
        Documents.read(tmp_path, "a", 10, 0)
    with pytest.raises(InputError, match="cannot be read"):
        Documents.read(tmp_path, "b", 10, 0)
