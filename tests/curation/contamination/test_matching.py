"""Which queries stand in which documents, against plain search for every n-gram."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonl_writer import WriteJsonl, write_rows
from odd_texts import ODD, odd_texts

from curation.contamination.matching import DENSE, Overlap, QueryIndex, Sizes
from curation.contamination.queries import Query, queries_digest, read_queries
from curation.runtime.errors import ConfigError, InputError
from curation.text.batch import Batch
from curation.text.code_points import classes
from curation.text.folding import folded

SMALL = Sizes(ngram_words=4, ngram_chars=6, least_chars=5, least_line_chars=1)
DATA = Path(__file__).parents[4] / "shared" / "data"
WORDS = st.sampled_from(["a", "b", "ab", "The", "of", "강", "강을", "따라서", "걷다", "漢字", "é", "1"])
JOINTS = st.sampled_from([" ", " ", "\n", ". ", "", "-", "()"])
SPACED = st.lists(st.tuples(WORDS, JOINTS), max_size=14).map(lambda parts: "".join(map("".join, parts)))
TEXTS = st.one_of(SPACED, odd_texts())


def query_of(text: str, number: int = 0) -> Query:
    return Query("task", "test", str(number), "text", text)


def letters_of(text: str) -> list[tuple[int, str]]:
    """(place, folded letter) of every letter or digit."""
    shown = [(i, char) for i, char in enumerate(text) if classes.table()[ord(char)] in classes.ALPHANUMERIC]
    return [(i, char.lower() if len(char.lower()) == 1 else char) for i, char in shown]


def grams_of(text: str, sizes: Sizes) -> list[str]:
    """Folded n-grams of a query, by place; the whole query when it is shorter than one."""
    letters = letters_of(text)
    dense = {classes.CODE[script] for script in DENSE}
    if 2 * sum(int(classes.table()[ord(text[i])]) in dense for i, _ in letters) >= len(letters):
        units, n = [char for _, char in letters], sizes.ngram_chars
    else:
        words = Batch([text]).words
        spans = zip(words.start[words.is_word].tolist(), words.end[words.is_word].tolist(), strict=True)
        units, n = ["".join(char for i, char in letters if start <= i < end) for start, end in spans], sizes.ngram_words
    n = min(n, len(units))
    return ["".join(units[i : i + n]) for i in range(len(units) - n + 1)]


def oracle(query: str, document: str, sizes: Sizes) -> tuple[float, bool, set[int]] | None:
    """Share of n-grams found, whether whole, and the letters of the document that they cover."""
    wanted, letters = folded(query), letters_of(document)
    if len(letters_of(query)) < sizes.least_chars:
        at = 0
        covered: set[int] = set()
        for line in document.split("\n"):
            if wanted and folded(line) == wanted:
                covered |= {at + i for i in range(len(line)) if not line[i].isspace()}
            at += len(line) + 1
        return (1.0, True, covered) if covered else None
    text = "".join(char for _, char in letters)
    grams = grams_of(query, sizes)
    covered = set()
    for gram in grams:
        at = text.find(gram)
        while at >= 0:
            covered |= {letters[at + i][0] for i in range(len(gram))}
            at = text.find(gram, at + 1)
    share = sum(gram in text for gram in grams) / len(grams)
    return (share, wanted in text, covered) if share else None


def overlap_of(query: str, document: str, sizes: Sizes = SMALL) -> Overlap | None:
    return next(QueryIndex([query_of(query)], sizes).overlaps(Batch([document])), None)


def check(query: str, document: str) -> None:
    wanted, found = oracle(query, document, SMALL), overlap_of(query, document)
    if wanted is None or found is None:
        assert (wanted, found) == (None, None)
        return
    assert found.share == pytest.approx(wanted[0])
    assert found.whole == wanted[1]
    inside = {i for start, end in found.spans for i in range(start, end)}
    assert wanted[2] <= inside
    if len(letters_of(query)) >= SMALL.least_chars:
        assert {i for i, _ in letters_of(document) if i in inside} == wanted[2]


@given(query=TEXTS, document=TEXTS)
def test_what_is_found_is_what_a_plain_search_finds(query: str, document: str) -> None:
    check(query, document)


@given(query=SPACED, before=TEXTS, after=TEXTS, start=st.integers(0, 8), stop=st.integers(0, 30))
def test_parts_of_queries_in_documents_are_found_like_by_a_plain_search(
    query: str, before: str, after: str, start: int, stop: int
) -> None:
    check(query, before + query[start:stop] + after)


@given(texts=st.lists(TEXTS, max_size=5), documents=st.lists(TEXTS, max_size=4))
def test_many_queries_and_documents_together_give_what_each_pair_gives(texts: list[str], documents: list[str]) -> None:
    index = QueryIndex([query_of(text, i) for i, text in enumerate(texts)], SMALL)
    together = [
        (folded(index.queries[o.query].text), o.document, o.share, o.spans) for o in index.overlaps(Batch(documents))
    ]
    alone = [
        (folded(query.text), d, o.share, o.spans)
        for d, document in enumerate(documents)
        for query in index.queries
        for o in QueryIndex([query], SMALL).overlaps(Batch([document]))
    ]
    assert sorted(together) == sorted(alone)


def test_line_breaks_spaces_case_and_punctuation_do_not_hide_a_query() -> None:
    found = overlap_of(
        "서양 철학(西洋哲學)은 생각과 관련된 용어다.", "앞\n서양철학 (西洋 哲學) 은,\n생각과 관련된용어다 뒤"
    )
    assert found is not None
    assert (found.whole, found.spans) == (True, [(2, 28)])


def test_a_short_text_must_be_a_line_of_its_own() -> None:
    assert overlap_of("최고!", "영화\n최고\n") == Overlap(0, 0, 1.0, True, [(3, 6)])
    assert overlap_of("최고!", "최고의 영화") is None
    assert overlap_of("....", "영화\n. . . .") is not None, "a text without letters is compared by its signs"
    assert overlap_of("....", "...") is None


def test_no_match_runs_from_one_document_into_the_next() -> None:
    index = QueryIndex([query_of("가나다라마바사")], SMALL)
    assert list(index.overlaps(Batch(["가나다라", "마바사"]))) == []


def test_of_one_wording_in_one_place_the_first_row_stands() -> None:
    index = QueryIndex([query_of("최고!", 3), query_of("최고", 5), Query("task", "dev", "7", "text", "최고")], SMALL)
    assert [query.kind for query in index.queries] == ["task:test:text:3", "task:dev:text:7"]


def test_an_index_of_nothing_finds_nothing() -> None:
    assert list(QueryIndex([], SMALL).overlaps(Batch(list(ODD)))) == []


def test_queries_are_read_by_split_and_field_and_composed(write_jsonl: WriteJsonl) -> None:
    rows = [
        {"task": "t", "split": split, "item": "0", "field": field, "text": unicodedata.normalize("NFD", "각")}
        for split in ("train", "test")
        for field in ("context", "question")
    ]
    path = write_jsonl("queries.jsonl.zst", rows)
    assert [query.field for query in read_queries(path, {"test"}, ())] == ["context", "question"]
    (one,) = read_queries(path, {"test"}, {"context"})
    assert one.text == "각"


@pytest.mark.parametrize(
    "row",
    [
        b"{",
        {"task": "t"},
        {"task": "t", "split": "test", "item": 3, "field": "f", "text": ""},
        {"task": "t:u", "split": "test", "item": "3", "field": "f", "text": ""},
    ],
)
def test_a_line_that_is_no_query_is_refused_with_its_place(write_jsonl: WriteJsonl, row: object) -> None:
    with pytest.raises(InputError, match="byte 0"):
        list(read_queries(write_jsonl("queries.jsonl", [row]), {"test"}, ()))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="export-queries"):
        queries_digest(tmp_path / "none.jsonl")


def texts_of(path: Path, field: str) -> Iterator[str]:
    from curation.sources.base import Piece
    from curation.sources.jsonl import objects

    for _, row in objects(Piece("", str(path), 0, "", "jsonl")):
        assert isinstance(row, dict)
        yield str(row[field])


LISTED = (
    ("encyclopedia_ko_recrawl", "kobest_boolq", "paragraph", False, 3),
    ("encyclopedia_ko_recrawl", "korquad", "context", False, 0),
    ("comments_movie_ko", "nsmc", "text", True, 316),
    ("news_ko", "news_topic", "title", True, 7),
)
"""Corpus, task, field, whether whole lines count, and how many stand there verbatim by the list of the data."""


@pytest.mark.skipif(not (DATA / "tasks").is_dir(), reason="needs ../shared/data, which is no part of the repository")
@pytest.mark.parametrize(("corpus", "task", "field", "lines", "listed"), LISTED)
def test_every_text_that_stands_verbatim_in_a_real_corpus_is_found(
    corpus: str, task: str, field: str, lines: bool, listed: int
) -> None:
    """If this fails, test questions are trained on."""
    documents = list(texts_of(DATA / "corpora" / f"{corpus}.jsonl.zst", "text"))
    asked = list(dict.fromkeys(texts_of(DATA / "tasks" / task / "test.jsonl.zst", field)))
    if lines:
        standing = set(asked) & {line for document in documents for line in document.split("\n")}
    else:
        together = "\0".join(documents)
        standing = {text for text in asked if len(text) >= 20 and text in together}
    assert len(standing) == listed
    index = QueryIndex([query_of(text, i) for i, text in enumerate(asked)], Sizes(13, 40, 20, 1))
    found = {folded(index.queries[o.query].text) for o in index.overlaps(Batch(documents)) if o.whole}
    assert {folded(text) for text in standing} <= found


def test_queries_survive_their_file(tmp_path: Path) -> None:
    query = query_of("a\tb \u2028 c")
    path = write_rows(tmp_path / "q.jsonl", [json.loads(json.dumps(vars(query)))])
    assert list(read_queries(path, {"test"}, ())) == [query]
