"""Transforms: each changes its statistic and keeps what it says it keeps, in any text."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.passes.transform_statistics import Statistics, common_statistics
from curation.runtime.errors import ConfigError
from curation.sources.control_texts import FIXED_MAP, document
from curation.text import movable
from curation.transforms.base import Document, Transform
from curation.transforms.break_repeats import repeated_places
from curation.transforms.invariants import characters
from curation.transforms.registry import TRANSFORMS, make_transform

KINDS = sorted(TRANSFORMS.classes())
ODD = st.text(alphabet="ab A.가나다。！\n  \"')」,;-:中文\x85　…?!1_", max_size=80)
TEXTS = st.one_of(ODD, st.text(max_size=60).filter(lambda text: "\0" not in text))


def transform_of(kind: str, **settings: object) -> Transform:
    return make_transform({"kind": kind, **settings}, (), "test")


def documents(texts: list[str]) -> list[Document]:
    return [Document(number.to_bytes(16, "big"), text) for number, text in enumerate(texts)]


def changed(transform: Transform, texts: list[str]) -> list[str]:
    given = documents(texts)
    known = transform.prepared(transform.gather(given, len(given)) if transform.gathers else None)
    return [transform.checked(each, known) for each in given]


def corpus(kind: str, count: int = 300) -> list[str]:
    return [document(kind, 1, index, 128) for index in range(count)]  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_each_promises_something_and_keeps_its_examples(kind: str) -> None:
    transform = transform_of(kind)
    assert transform.keeps
    assert transform.examples
    for text, wanted in transform.examples.items():
        assert transform.checked(Document(bytes(16), text), transform.prepared(None)) == wanted


@pytest.mark.parametrize("kind", KINDS)
@given(texts=st.lists(TEXTS, min_size=1, max_size=6))
def test_what_a_transform_promises_holds_for_any_text(kind: str, texts: list[str]) -> None:
    """`checked` raises where it does not: a run over real text would end there."""
    again = changed(transform_of(kind), texts * 2)
    assert again == changed(transform_of(kind), texts * 2)


@given(TEXTS)
def test_a_text_is_its_parts_and_gaps(text: str) -> None:
    for cut in (movable.words(text), movable.sentences(text)):
        assert cut.joined(cut.parts) == text
        assert len(cut.gaps) == len(cut.parts) + 1
    assert movable.words(text).parts == [run for run in _runs(text) if run]


def _runs(text: str) -> list[str]:
    """Slow oracle: one character at a time."""
    from curation.text.code_points import traits

    runs = [""]
    for char in text:
        inside = int(traits.table()[ord(char)]) & traits.GROUP in (traits.WORD, traits.ALONE)
        runs[-1:] = [runs[-1] + char] if inside else [runs[-1], ""]
    return runs


def test_sentences_end_at_their_mark_or_with_their_line() -> None:
    text = '# Title\nOne is 3.5 long. "Two?" he asked!\n한 문장이다. 一。二！'
    assert movable.sentences(text).parts == [
        "# Title", "One is 3.5 long.", '"Two?"', "he asked!", "한 문장이다.", "一。", "二！",
    ]  # fmt: skip


def test_an_unknown_transform_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown transform 'break_repeat'\. Did you mean 'break_repeats'\?"):
        transform_of("break_repeat")


def test_a_transform_that_breaks_its_promise_is_stopped() -> None:
    class Louder(Transform):
        kind: str = "louder"
        version: int = 1
        keeps = (characters,)

        def apply(self, document: Document, known: object) -> str:
            return document.text + "!"

    with pytest.raises(AssertionError, match=r"transform louder: document 0+ did not keep its characters"):
        Louder().checked(Document(bytes(16), "text"), None)


def follows_again(texts: list[str]) -> float:
    sums = [common_statistics(text, movable.words(text).parts)["same word follows again"] for text in texts]
    return sum(same for same, _ in sums) / sum(chances for _, chances in sums)


def test_broken_repeats_leave_a_glossary_at_the_chance_of_a_bag_of_values() -> None:
    """The value that followed a key before follows it again by chance: neither more often (the map) nor less (a cue too)."""
    texts = [text for text in corpus("glossary") if len(set(text.split())) == 16]  # eight keys, eight values
    broken = changed(transform_of("break_repeats"), texts)
    same = total = 0
    for text in broken:
        words = text.split()
        assert set(words[0::2]).isdisjoint(words[1::2]), "keys stay at the places of keys"
        last: dict[str, str] = {}
        for key, value in zip(words[0::2], words[1::2], strict=False):
            total += key in last
            same += last.get(key) == value
            last[key] = value
    assert same / total == pytest.approx(1 / 8, abs=0.02)


def test_the_first_time_of_a_pair_stays_and_what_is_not_repeated_too() -> None:
    text = "one two three one two four one two five six"
    places = list(repeated_places(text.split()))
    assert places == [4, 7]
    (new,) = changed(transform_of("break_repeats"), [text])
    stay = [i for i in range(10) if i not in places]
    assert [new.split()[i] for i in stay] == [text.split()[i] for i in stay]


def test_fresh_names_give_every_document_of_the_encyclopedia_a_map_of_its_own() -> None:
    texts = corpus("encyclopedia", 600)
    fresh = changed(transform_of("fresh_names"), texts)
    before, after = (Counter(pair for text in each for pair in _pairs(text)) for each in (texts, fresh))
    known = sum(n for (key, value), n in after.items() if FIXED_MAP.get(key) == value) / after.total()
    assert known < 0.05, "1 in 64 by chance"
    assert sum(before.values()) == sum(after.values())
    assert follows_again(fresh) == follows_again(texts), "within a document nothing changed"
    counts = [Counter(word for text in each for word in text.split()) for each in (texts, fresh)]
    assert set(counts[0]) == set(counts[1])
    moved = sum((counts[0] - counts[1]).values()) / counts[0].total()
    assert moved < 0.1, "the words of the source stay about as frequent as they were"
    for text in fresh:
        assert set(text.split()[0::2]) <= set(FIXED_MAP), "keys stay keys"


def _pairs(text: str) -> list[tuple[str, str]]:
    words = text.split()
    return list(zip(words[0::2], words[1::2], strict=False))


def test_a_korean_name_keeps_its_ending_and_common_words_stay() -> None:
    rng = random.Random(1)
    names = [a + b for a in "강금남도류민박" for b in "가나다라마바사"]
    texts = []
    for _ in range(200):
        name = rng.choice(names)
        texts.append(f"{name}은 그 마을 사람이다. 그 마을에서 {name}은 배를 탔고 {name}은 돌아왔다.")
    fresh = changed(transform_of("fresh_names"), texts)
    assert sum(new != old for new, old in zip(fresh, texts, strict=True)) > 150
    for new, old in zip(fresh, texts, strict=True):
        words = new.split()
        assert words[0].endswith("은")
        assert words[0] == words[6] == words[9]
        assert [w for i, w in enumerate(words) if i not in (0, 6, 9)] == [
            w for i, w in enumerate(old.split()) if i not in (0, 6, 9)
        ]


def test_a_sentence_said_before_loses_its_order_and_the_first_keeps_it() -> None:
    licence = "Permission is granted to any person who obtains a copy of it."
    texts = [f"Mine is new. {licence}", f"Another one here.\n{licence} {licence}", "Nothing of it."]
    new = changed(transform_of("unduplicate"), texts)
    assert new[0] == texts[0]
    assert new[2] == texts[2]
    assert licence not in new[1]
    assert new[1].startswith("Another one here.\n")
    assert Counter(movable.words(new[1]).parts) == Counter(movable.words(texts[1]).parts)


def test_statistics_tell_what_changed_and_what_did_not() -> None:
    texts = corpus("glossary", 50)
    transform = transform_of("break_repeats")
    statistics = Statistics(transform, None)
    for each in documents(texts):
        statistics.see(each, transform.checked(each, None))
    shown = Statistics.shown(statistics.sums)
    assert shown["words a document"] == [127.0, 127.0]
    before, after = shown["same word follows again"]
    assert before is not None
    assert after is not None
    assert after < before / 1.8
    assert before == pytest.approx(follows_again(texts))


def prose(seed: int, words: int = 600) -> str:
    """Words that hardly come again, some of them behind a line break."""
    rng = random.Random(seed)
    return "".join(f"{rng.randrange(10**6)}" + rng.choice("  \n") for _ in range(words)).rstrip()


def test_passages_come_again_at_many_distances_and_what_was_there_stays_in_its_order() -> None:
    texts = [prose(seed) for seed in range(60)]
    distances: list[int] = []
    passages = grown = 0
    for before, after in zip(texts, changed(transform_of("repeat_passages"), texts), strict=True):
        old, new = before.split(), after.split()
        left = iter(new)
        assert all(word in left for word in old), "the text is still there, in its order"
        grown += len(after) - len(before)
        first: dict[str, int] = {}
        for place, word in enumerate(new):
            if word in first and new[place - 1] != new[first[word] - 1]:
                distances.append(place - first[word])
                passages += 1
            first.setdefault(word, place)
    assert passages > 100
    assert 0.1 < grown / sum(map(len, texts)) < 0.25
    assert len(set(distances)) > 30, "no one distance at which looking back would do"
    all_shown = changed(transform_of("repeat_passages", share=1.0), texts[:1])[0]
    assert len(all_shown) > len(changed(transform_of("repeat_passages", share=0.2), texts[:1])[0])


def test_how_much_comes_again_soon_is_measured() -> None:
    transform = transform_of("repeat_passages")
    text = prose(1)
    (near, fives), (more, _) = (
        transform.measure(Document(bytes(16), each), None)[
            "share of five words that came within 1,000 characters before"
        ]
        for each in (text, transform.apply(Document(bytes(16), text), None))
    )
    assert near == 0
    assert fives == 596
    assert more > 30
