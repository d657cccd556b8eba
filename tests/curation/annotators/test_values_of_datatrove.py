"""Given the same words our values are those that datatrove's filters compare with their thresholds, to the last bit.

A filter says only keep or drop. So each value is handed to it as the threshold, which it must just satisfy, and then the next
number, which it must miss.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from datatrove.data import Document
from datatrove.pipeline.filters import c4_filters
from datatrove.pipeline.filters.c4_filters import CITATION_REGEX, C4QualityFilter
from datatrove.pipeline.filters.fineweb_quality_filter import FineWebQualityFilter
from datatrove.pipeline.filters.gopher_quality_filter import GopherQualityFilter
from datatrove.pipeline.filters.gopher_repetition_filter import GopherRepetitionFilter
from datatrove.utils import text as datatrove_text
from datatrove.utils import word_tokenizers
from hypothesis import given
from hypothesis import strategies as st
from odd_texts import odd_texts
from words_of_others import batch_of_words

from curation.annotators.base import Annotator, rows_of
from curation.annotators.c4 import C4
from curation.annotators.fineweb import Fineweb
from curation.annotators.gopher_repetition import GopherRepetition
from curation.annotators.gopher_words import GopherWords
from curation.text.code_points import classes, traits

WORDS = st.sampled_from(
    "the of that # ... \u2026 - \u2022 a b ab ba aab 1 ! \u3002 . \ud55c\uad6d\uc5b4 \U0001f600 [1]".split()
)
GAPS = st.sampled_from(
    (" ", " ", "  ", "\n", "\n\n", "\n\n\n", ".\n", "!\n", "\r\n", "\x85", " \n \n", "\u3000", "..\n")
)
GENERATED = st.lists(st.tuples(WORDS, GAPS), max_size=60).map(lambda pairs: "".join(map("".join, pairs)))
REPEATED = st.tuples(GENERATED, st.integers(1, 4)).map(lambda pair: pair[0] * pair[1])
LINES = st.lists(
    st.sampled_from(
        (
            *("This is a good line. It stays! Does it?", "short.", "", "  ", "no end of a line", "dots at the end..."),
            *(
                "Enable JAVASCRIPT in here.",
                "java[12]script is gone.",
                "lorem Ipsum dolor sit.",
                'curly { bracket "here"',
            ),
            *(
                "coo\u212aie policy and more.",
                "our privacy policy is ours!",
                "cited here.[3]",
                "kept? [edit]",
                "a [citation needed].",
            ),
            *(
                "x" * 1001 + " too long a word.",
                "y" * 1000 + " is not too long.",
                "\u0130 use coo\u0130kies.",
                "[\u0663] [x] it's'",
            ),
        )
    ),
    max_size=12,
).map("\n".join)
TEXTS = st.one_of(odd_texts(), GENERATED, REPEATED, LINES)


class Tokenizer:
    """Words between white space."""

    def word_tokenize(self, text: str) -> list[str]:
        return text.split()


@pytest.fixture(scope="module", autouse=True)
def same_words() -> Iterator[None]:
    """Hands datatrove words and sentences that need no spaCy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_tokenizers, "load_word_tokenizer", lambda language: Tokenizer())
        patch.setattr(c4_filters, "split_into_sentences", lambda text, language: sentences_oracle(text))
        datatrove_text.split_into_parts.cache_clear()
        yield
        datatrove_text.split_into_parts.cache_clear()


def ours(annotator: Annotator, text: str) -> dict[str, Any]:
    (row,) = rows_of(annotator, annotator.score(batch_of_words([text], [text.split()])))
    return {column.name: value for column, value in zip(annotator.columns, row, strict=True)}


def reason(made: Any, text: str) -> str:
    """Why a filter drops a text, "" if it keeps it."""
    found = made.filter(Document(text=text, id=""))
    return "" if found is True else str(found[1])


Make = Callable[[float], Any]


def check_high(make: Make, value: float, text: str, wanted: str) -> None:
    """datatrove drops when its value is above the threshold; a threshold of 0 would switch its rule off."""
    assert reason(make(value or 5e-324), text) != wanted
    if value > 0:
        assert reason(make(math.nextafter(value, 0)), text) == wanted


def check_low(make: Make, value: float, text: str, wanted: str) -> None:
    assert reason(make(value), text) != wanted
    assert reason(make(math.nextafter(value, math.inf)), text) == wanted


def gopher(**bound: Any) -> GopherQualityFilter:
    every = ("min_doc_words", "max_doc_words", "min_avg_word_length", "max_avg_word_length", "max_symbol_word_ratio")
    more = ("max_bullet_lines_ratio", "max_ellipsis_lines_ratio", "max_non_alpha_words_ratio", "min_stop_words")
    return GopherQualityFilter(**{**dict.fromkeys((*every, *more)), **bound})


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
@given(text=TEXTS)
def test_gopher_words(text: str) -> None:
    value = ours(GopherWords(), text)
    if not text.split():
        assert set(value.values()) == {0}, "datatrove divides by zero here"
        return
    check_low(lambda t: gopher(min_doc_words=t), value["words"], text, "gopher_short_doc")
    check_high(lambda t: gopher(max_doc_words=t), value["words"], text, "gopher_long_doc")
    if value["words"]:
        mean = value["mean_word_chars"]
        check_low(lambda t: gopher(min_avg_word_length=t), mean, text, "gopher_below_avg_threshold")
        check_high(lambda t: gopher(max_avg_word_length=t), mean, text, "gopher_above_avg_threshold")
    check_high(lambda t: gopher(max_symbol_word_ratio=t), value["hash_per_word"], text, "gopher_too_many_hashes")
    if "#" not in text:  # the same threshold serves both, and the other is asked first
        ellipses = value["ellipsis_per_word"]
        check_high(lambda t: gopher(max_symbol_word_ratio=t), ellipses, text, "gopher_too_many_ellipsis")
    bullets, ends = value["bullet_line_share"], value["ellipsis_line_share"]
    check_high(lambda t: gopher(max_bullet_lines_ratio=t), bullets, text, "gopher_too_many_bullets")
    check_high(lambda t: gopher(max_ellipsis_lines_ratio=t), ends, text, "gopher_too_many_end_ellipsis")
    alpha = value["alpha_word_share"]
    check_low(lambda t: gopher(max_non_alpha_words_ratio=t), alpha, text, "gopher_below_alpha_threshold")
    check_low(lambda t: gopher(min_stop_words=t), value["stop_words"], text, "gopher_enough_stop_words")


def repetition(**bound: Any) -> GopherRepetitionFilter:
    off = dict.fromkeys(("dup_line_frac", "dup_para_frac", "dup_line_char_frac", "dup_para_char_frac"))
    return GopherRepetitionFilter(**{**off, "top_n_grams": (), "dup_n_grams": (), **bound})


def bounded(option: str) -> Make:
    return lambda threshold: repetition(**{option: threshold})


def of_n(option: str, n: int) -> Make:
    return lambda threshold: repetition(**{option: ((n, threshold),)})


@given(text=TEXTS)
def test_gopher_repetition(text: str) -> None:
    value = ours(GopherRepetition(), text)
    if not text:
        assert set(value.values()) == {0}
        return
    for share, chars, short in (
        ("dup_line_share", "dup_line_char_share", "line"),
        ("dup_paragraph_share", "dup_paragraph_char_share", "para"),
    ):
        for name, option in ((share, f"dup_{short}_frac"), (chars, f"dup_{short}_char_frac")):
            check_high(bounded(option), value[name], text, option)
    for n in (2, 3, 4):
        top = value[f"top_{n}gram_char_share"]
        check_high(of_n("top_n_grams", n), top, text, f"top_{n}_gram")
    for n in range(5, 11):
        dup = value[f"dup_{n}gram_char_share"]
        check_high(of_n("dup_n_grams", n), dup, text, f"duplicated_{n}_n_grams")


def fineweb(**bound: Any) -> FineWebQualityFilter:
    off = {"line_punct_thr": 0, "short_line_thr": 2, "char_duplicates_ratio": 2, "new_line_ratio": math.inf}
    return FineWebQualityFilter(**{**off, **bound})


@given(text=TEXTS)
def test_fineweb(text: str) -> None:
    value = ours(Fineweb(), text)
    if not text.strip():
        assert set(value.values()) == {0}, "datatrove calls it empty"
        return
    check_low(lambda t: fineweb(line_punct_thr=t), value["line_punct_ratio"], text, "line_punct_ratio")
    check_high(lambda t: fineweb(short_line_thr=t), value["short_line_ratio"], text, "short_line_ratio")
    check_high(lambda t: fineweb(char_duplicates_ratio=t), value["char_dup_ratio"], text, "char_dup_ratio")
    check_high(lambda t: fineweb(new_line_ratio=t), value["new_line_ratio"], text, "list_ratio")


def sentences_oracle(line: str) -> list[str]:
    """A new sentence begins with the first letter or digit behind a mark that ends one; see `kernels.c4`."""
    starts: list[int] = []
    over = True
    for i, char in enumerate(line):
        bits = int(traits.table()[ord(char)])
        if bits & traits.TERMINAL:
            over = over or stops_here(line, i)
        elif over and not bits & (traits.SPACE | traits.PUNCTUATION):
            starts.append(i)
            over = False
    return [line[a:b] for a, b in zip(starts, [*starts[1:], len(line)], strict=True)]


def stops_here(line: str, i: int) -> bool:
    if not line[i].isascii():
        return True
    table = traits.table()
    both = traits.PUNCTUATION | traits.TERMINAL
    closing = {char for char in line if int(table[ord(char)]) & both == traits.PUNCTUATION}
    behind = line[i + 1 :].lstrip("".join(closing))
    if behind and not int(table[ord(behind[0])]) & (traits.SPACE | traits.TERMINAL):
        return False
    if line[i] != ".":
        return True
    if i == 0 or line[i - 1] == "." or line[i + 1 : i + 2] == ".":
        return False
    return not (re.match("[A-Z]", line[i - 1]) and (i == 1 or not line[i - 2].isalpha()))


@given(text=TEXTS)
def test_c4(text: str) -> None:
    value = ours(C4(), text)
    assert value["lines"] == len(text.splitlines())
    document = Document(text=text, id="")
    made = C4QualityFilter(min_num_sentences=0)
    found = made.filter(document)
    dropped_for = "" if found is True else found[1]
    if dropped_for:
        assert value[dropped_for] > 0
        return
    assert value["lorem_ipsum"] == value["curly_bracket"] == 0
    check_low(lambda t: C4QualityFilter(min_num_sentences=t), value["sentences"], text, "too_few_sentences")
    stats = {name: int(stat.total) for name, stat in made.stats.stats.items()}
    assert value["javascript"] == stats.get("line-filter-javascript", 0)
    assert value["policy"] == stats.get("line-filter-policy", 0)
    kept = text
    for start, end, _ in reversed(value["spans"]):
        kept = kept[:start] + kept[end:]
    lines = (CITATION_REGEX.sub("", line.strip()) for line in kept.splitlines() if line.strip())
    assert "\n".join(lines).strip() == document.text


def test_the_bits_of_code_points_are_those_of_datatrove_and_python() -> None:
    """One missing mark would move scores of a whole language."""
    table = traits.table()
    wanted: dict[int, Callable[[str], bool]] = {
        traits.ALPHABETIC: str.isalpha,
        traits.DECIMAL: str.isdecimal,
        traits.SPACE: str.isspace,
        traits.LINE_END: lambda char: len(f"a{char}b".splitlines()) == 2,
        traits.TERMINAL: datatrove_text.TERMINAL_PUNCTUATION.__contains__,
        traits.PUNCTUATION: datatrove_text.PUNCTUATION_SET.__contains__,
    }
    for bit, has in wanted.items():
        wrong = [hex(point) for point in range(len(table)) if bool(table[point] & bit) != has(chr(point))]
        assert wrong == [], bit
    assert len(classes.table()) == len(table)
