"""Keep or drop: our words against spaCy's in stock datatrove, on 1,000 English documents: `python -m benchmarks.agreement`.

Given the same words all values are equal (`tests/curation/annotators/test_values_of_datatrove.py`); this shows what our own words
and sentences change.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

from benchmarks.corpora import are_there, corpus
from benchmarks.peers import datatrove_peer as datatrove
from benchmarks.record import keep
from curation.annotators.base import Annotator, Scores
from curation.annotators.c4 import C4
from curation.annotators.fineweb import Fineweb
from curation.annotators.gopher_repetition import GopherRepetition
from curation.annotators.gopher_words import GopherWords
from curation.policy.policy import Rules, reasons
from curation.runtime.config import build
from curation.runtime.shipped import preset
from curation.text.batch import Batch

DOCUMENTS = 1_000
SOURCES = ("blog_en", "encyclopedia_en")
FILTERS: dict[str, type[Annotator]] = {
    "GopherQualityFilter": GopherWords,
    "GopherRepetitionFilter": GopherRepetition,
    "C4QualityFilter": C4,
    "FineWebQualityFilter": Fineweb,
}


def ours(texts: Sequence[str]) -> dict[str, list[str]]:
    """Our reason to drop each text by the preset eng_Latn, "" if it is kept, for each of datatrove's filters."""
    batch, bounds = Batch.of(texts), preset("eng_Latn")
    found = {}
    for name, cls in FILTERS.items():
        annotator = cls.for_examples()
        rules = build(Rules, {"keep": {annotator.label: bounds[annotator.label]}}, "eng_Latn")
        found[name] = reasons(rules, {annotator.label: _numbers(annotator, annotator.score(batch))}, len(batch))
    return found


def _numbers(annotator: Annotator, scores: Scores) -> dict[str, Sequence[float]]:
    return {c.name: scores[c.name] for c in annotator.columns if c.type in {"int", "float"}}  # type: ignore[misc]


def texts_of(documents: int) -> list[str]:
    """The first documents of each source, as many of each."""
    share = documents // len(SOURCES)
    return [text for source in SOURCES for text in corpus(source)[1][:share]]


def agreement(documents: int = DOCUMENTS, kept: bool = True) -> None:
    """Print and keep the share of equal decisions, and a table of the others: our reason and datatrove's."""
    texts = texts_of(documents)
    theirs, mine = datatrove.ask("decisions", texts, "eng_Latn", "own"), ours(texts)
    origin = "+".join(SOURCES) if are_there() else "text of this machine"
    for name in FILTERS:
        _report(name, list(zip(mine[name], theirs[name], strict=True)), origin, kept)
    _report("all four filters", list(zip(_first(mine), _first(theirs), strict=True)), origin, kept)


def _first(reasons_of: dict[str, list[str]]) -> list[str]:
    """The first filter's reason to drop each text, "" if all keep it."""
    return [next(filter(None, row), "") for row in zip(*reasons_of.values(), strict=True)]


def _report(name: str, pairs: Sequence[tuple[str, ...]], origin: str, kept: bool) -> None:
    same = sum(bool(a) == bool(b) for a, b in pairs) / max(len(pairs), 1)
    table = Counter((a or "kept", b or "kept") for a, b in pairs if bool(a) != bool(b))
    differences = [{"ours": a, "datatrove": b, "documents": n} for (a, b), n in table.most_common()]
    what = f"equal decisions on {origin}, {name}"
    dropped = sum(bool(b) for _, b in pairs)
    if kept:
        keep(
            what,
            same,
            "share of documents",
            documents=len(pairs),
            dropped_by_datatrove=dropped,
            differences=differences,
        )
    else:
        print(f"{what}: {same:.4f}, {dropped} of {len(pairs)} dropped by datatrove")
    for row in differences:
        print(f"   {row['documents']:4d}  ours: {row['ours']:45s} datatrove: {row['datatrove']}")


if __name__ == "__main__":
    agreement(kept="--brief" not in sys.argv)
