"""The control documents are what their docstring says."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from curation.sources.control_texts import KEYS, KINDS, VALUES, document

every_kind = pytest.mark.parametrize("kind", KINDS)


def pairs(text: str) -> list[tuple[str, str]]:
    words = text.split()
    return list(zip(words[::2], words[1::2], strict=False))


def test_keys_and_values_are_64_distinct_lower_case_words_each() -> None:
    assert len(set(KEYS)) == len(set(VALUES)) == 64
    assert not set(KEYS) & set(VALUES)
    assert all(word.isascii() and word.isalpha() and word.islower() for word in (*KEYS, *VALUES))


@every_kind
@pytest.mark.parametrize("tokens", [3, 4, 64, 128])
def test_a_document_is_exactly_one_context_of_alternating_keys_and_values(kind, tokens: int) -> None:
    words = document(kind, 0, 7, tokens).split(" ")
    assert len(words) == tokens - 1
    assert set(words[::2]) <= set(KEYS)
    assert set(words[1::2]) <= set(VALUES)


@every_kind
def test_a_document_depends_on_kind_seed_and_index_alone(kind) -> None:
    assert document(kind, 1, 2, 128) == document(kind, 1, 2, 128)
    assert len({document(k, seed, index, 128) for k in KINDS for seed in (1, 2) for index in (1, 2)}) == 12


def test_a_glossary_maps_each_key_to_one_value_that_differs_between_documents() -> None:
    maps = [dict(pairs(document("glossary", 0, index, 128))) for index in range(200)]
    assert all(set(pairs(document("glossary", 0, i, 128))) == set(maps[i].items()) for i in range(200))
    seen = Counter(value for known in maps for key, value in known.items() if key == KEYS[0])
    assert len(seen) > 10


def test_an_encyclopedia_has_one_map_for_all_documents_and_seeds() -> None:
    found = {
        pair for seed in (0, 1) for index in range(200) for pair in pairs(document("encyclopedia", seed, index, 128))
    }
    assert len(found) == len(dict(found)) == 64


def test_a_chatter_gives_a_key_several_values() -> None:
    document_pairs = pairs(document("chatter", 0, 0, 128))
    assert len(set(document_pairs)) > len(dict(document_pairs)) + 5


def test_all_kinds_use_all_words_equally_often_on_average() -> None:
    """Nothing but the map may explain a difference between controls."""
    counts = {kind: Counter(w for i in range(600) for w in document(kind, 3, i, 128).split()) for kind in KINDS}
    for words, places in ((KEYS, 64), (VALUES, 63)):
        for count in counts.values():
            expected = 600 * places / 64
            assert all(abs(count[word] / expected - 1) < 0.7 for word in words)
            assert sum(count[word] for word in words) == 600 * places


def test_shuffled_values_keep_every_word_count_and_lose_the_map() -> None:
    plain, shuffled = document("glossary", 0, 3, 128), document("glossary", 0, 3, 128, shuffle_values=True)
    assert Counter(plain.split()[:126]) == Counter(shuffled.split()[:126])
    assert plain.split()[::2] == shuffled.split()[::2]
    assert len(set(pairs(shuffled))) > len(set(pairs(plain)))


@pytest.mark.parametrize(("kind", "tokens"), [("novel", 128), ("glossary", 2)])
def test_what_cannot_be_made_is_refused(kind: Any, tokens: int) -> None:
    with pytest.raises(ValueError, match="control document"):
        document(kind, 0, 0, tokens)
