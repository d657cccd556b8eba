"""Runs inside the environment of `datatrove_peer.py`, never in ours: stock datatrove's filters on a file of texts.

    python datatrove_runner.py speed TEXTS LANGUAGE SPLITTER RUNS
    python datatrove_runner.py decisions TEXTS LANGUAGE SPLITTER

TEXTS is a JSON list of strings, LANGUAGE such as eng_Latn, SPLITTER `own` or `whitespace`. Prints one JSON object.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any


class Whitespace:
    """Words between white space; sentences as well, so that no other program is measured."""

    def word_tokenize(self, text: str) -> list[str]:
        return text.split()

    def sent_tokenize(self, text: str) -> list[str]:
        return text.split(". ")

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        spans, at = [], 0
        for part in text.split(". "):
            spans.append((at, at + len(part)))
            at += len(part) + 2
        return spans


def filters(language: str, open_: bool) -> dict[str, Any]:
    """The four filters with their stock thresholds, or so wide open that every rule of every document is computed."""
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )

    if not open_:
        made = (GopherQualityFilter, GopherRepetitionFilter, FineWebQualityFilter, C4QualityFilter)
        return {cls.__name__: cls(language=language) for cls in made}
    most = math.inf
    top, dup = [(n, most) for n in (2, 3, 4)], [(n, most) for n in range(5, 11)]
    gopher = GopherQualityFilter(
        1e-9, most, 1e-9, most, most, most, most, 1e-9, 1e-9, stop_words=None, language=language
    )
    return {
        "GopherQualityFilter": gopher,
        "GopherRepetitionFilter": GopherRepetitionFilter(most, most, most, most, top, dup, language=language),
        "FineWebQualityFilter": FineWebQualityFilter(
            line_punct_thr=0, short_line_thr=most, char_duplicates_ratio=most, new_line_ratio=most, language=language
        ),
        "C4QualityFilter": C4QualityFilter(
            min_num_sentences=0, filter_lorem_ipsum=False, filter_curly_bracket=False, language=language
        ),
    }


def speed(texts: list[str], language: str, runs: int) -> dict[str, Any]:
    """Median seconds of each filter over all texts, and of the MinHash signature; every rule is computed."""
    from datatrove.data import Document
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature

    made = filters(language, open_=True)
    signature = MinhashDedupSignature("/tmp", config=MinhashConfig(), language=language)
    for filter_ in made.values():
        filter_.filter(Document(text=texts[0], id=""))  # loads the word splitter
    seconds: dict[str, list[float]] = {name: [] for name in (*made, "MinhashDedupSignature")}
    for _ in range(runs):
        spent = dict.fromkeys(seconds, 0.0)
        for text in texts:
            for name, filter_ in made.items():  # one document after the other: the last words are held in a cache
                document = Document(text=text, id="")
                started = time.perf_counter()
                with contextlib.suppress(ZeroDivisionError):  # a text without words
                    filter_.filter(document)
                spent[name] += time.perf_counter() - started
            started = time.perf_counter()
            shingles = signature.get_shingles(text)
            if shingles.size:  # as its own run() does: a text of fewer than five words has none
                signature.get_signature(shingles)
            spent["MinhashDedupSignature"] += time.perf_counter() - started
        for name, value in spent.items():
            seconds[name].append(value)
    return {name: statistics.median(values) for name, values in seconds.items()}


def decisions(texts: list[str], language: str) -> dict[str, list[str]]:
    """The stock filters' reason to drop each text, "" if it is kept."""
    from datatrove.data import Document

    found: dict[str, list[str]] = {}
    for name, filter_ in filters(language, open_=False).items():
        reasons = []
        for text in texts:
            try:
                said = filter_.filter(Document(text=text, id=""))
            except ZeroDivisionError:
                said = (False, "divides by zero")
            reasons.append("" if said is True else said[1] if isinstance(said, tuple) else "dropped")
        found[name] = reasons
    return found


def main() -> None:
    what, path, language, splitter = sys.argv[1:5]
    texts = json.loads(Path(path).read_text(encoding="utf8"))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if splitter == "whitespace":
        from datatrove.utils import word_tokenizers

        word_tokenizers.load_word_tokenizer = lambda language: Whitespace()
    found = speed(texts, language, int(sys.argv[5])) if what == "speed" else decisions(texts, language)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
