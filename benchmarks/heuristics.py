"""Speed of the heuristic annotators beside stock datatrove, on one pinned core: `python -m benchmarks.heuristics`.

The whole measurement takes about ten minutes; `--brief` takes one and keeps nothing.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from benchmarks.corpora import LANGUAGES, corpus
from benchmarks.peers import datatrove_peer as datatrove
from benchmarks.record import RUNS, keep, pinned
from curation.annotators.base import Annotator
from curation.annotators.c4 import C4
from curation.annotators.char_classes import CharClasses
from curation.annotators.exact_hash import ExactHash
from curation.annotators.fineweb import Fineweb
from curation.annotators.gopher_repetition import GopherRepetition
from curation.annotators.gopher_words import GopherWords
from curation.annotators.language import Language
from curation.annotators.min_hash import MinHash
from curation.annotators.perplexity import Perplexity
from curation.annotators.pii import Pii
from curation.passes.annotate import table_of
from curation.text.batch import batches

HEURISTICS = (GopherWords, GopherRepetition, C4, Fineweb, CharClasses, ExactHash, MinHash)
WORK_SECONDS = 60.0  # of measured work in all runs together
PEER_RUNS = 3
PEER_CHARS = {"own": 400_000, "whitespace": 6_000_000}  # of the first documents; the peer is slow
MODEL_CHARS = 3_000_000
ID = bytes(16)


def one_pass(annotators: Sequence[Annotator], texts: Sequence[str], as_arrow: bool) -> dict[str, float]:
    """Seconds of each annotator for all texts; who first asks for a view of a batch pays for it."""
    spent: dict[str, float] = defaultdict(float)
    for batch in batches(texts):
        for annotator in annotators:
            started = time.perf_counter()
            scores = annotator.score(batch)
            if as_arrow:
                table_of(annotator, [ID] * len(batch), scores)
            spent[annotator.label] += time.perf_counter() - started
    return spent


def measured(
    what: str, annotators: Sequence[Annotator], texts: Sequence[str], brief: bool, as_arrow: bool = False
) -> float:
    """Median characters a second over five runs of at least 60 s together, kept with the share of each annotator."""
    chars = sum(map(len, texts))
    started = time.perf_counter()
    one_pass(annotators, texts, as_arrow)  # fills the caches, loads the models
    one = time.perf_counter() - started
    repeats = 1 if brief else max(1, round(1.2 * WORK_SECONDS / RUNS / one))
    rates, parts = [], defaultdict[str, float](float)
    for _ in range(RUNS):
        started = time.perf_counter()
        for _ in range(repeats):
            for label, seconds in one_pass(annotators, texts, as_arrow).items():
                parts[label] += seconds
        rates.append(chars * repeats / (time.perf_counter() - started))
    rate = statistics.median(rates)
    each = {label: round(1e9 * seconds / (chars * repeats * RUNS), 2) for label, seconds in parts.items()}
    say = {"ns_per_char": each, "runs": [round(r) for r in rates], "chars_a_run": chars * repeats}
    _keep(brief, what, rate, "characters/s", **say)
    return rate


def peer(name: str, language: str, texts: Sequence[str], splitter: str, ours: float, brief: bool) -> None:
    """The same rules by stock datatrove with every rule computed, on the first documents of the same corpus."""
    limit = PEER_CHARS[splitter] // (20 if brief else 1)
    chosen: list[str] = []
    chars = 0
    for text in texts:
        if chosen and chars + len(text) > limit:
            break
        chosen.append(text)
        chars += len(text)
    seconds = datatrove.ask("speed", chosen, language, splitter, str(1 if brief else PEER_RUNS))
    rate = chars / sum(seconds.values())
    four = chars / sum(s for filter_, s in seconds.items() if filter_ != "MinhashDedupSignature")
    _keep(
        *(
            brief,
            f"heuristics on {name}, datatrove {datatrove.VERSION} with its {splitter} words",
            rate,
            "characters/s",
        ),
        ratio=round(ours / rate, 1),
        ratio_without_minhash=round(ours / four, 1),
        documents=len(chosen),
        chars=chars,
        docs_per_s=round(len(chosen) / sum(seconds.values()), 1),
        seconds={filter_: round(s, 3) for filter_, s in seconds.items()},
    )
    print(f"   ours is {ours / rate:,.0f} times as fast; {ours / four:,.0f} times its four filters without MinHash")


def everything(name: str, language: str, texts: Sequence[str], brief: bool) -> None:
    """All heuristics with language, perplexity under a model of the corpus itself, and personal information."""
    some = texts[: max(1, len(texts) // 8)] if brief else texts
    with tempfile.TemporaryDirectory() as folder:
        models = [Language(), Perplexity(model=_language_model(language, some, folder)), Pii()]
        measured(f"everything on {name}", [*(cls() for cls in HEURISTICS), *models], some, brief, as_arrow=True)


def _language_model(language: str, texts: Sequence[str], folder: str) -> str:
    from curation.models.language_model_settings import LanguageModelSettings
    from curation.models.train_language_model import Sample, train_model
    from curation.runtime.store.folder import Folder

    settings = LanguageModelSettings(language=language, vocab_size=8000, estimator="own")
    documents, chars = [], 0
    for i, text in enumerate(texts):
        documents.append((i.to_bytes(16, "big"), text))
        chars += len(text)
        if chars > MODEL_CHARS:
            break
    with tempfile.TemporaryDirectory() as scratch:
        train_model("bench", settings, "own", Sample.of(documents, settings, scratch), Folder(folder), scratch)
    return folder


def _keep(brief: bool, what: str, value: float, unit: str, **details: Any) -> None:
    if brief:
        print(f"{what}: {value:,.4g} {unit} {details}")
    else:
        keep(what, value, unit, **details)


def heuristics(brief: bool = False) -> None:
    """Ours and the peer's on each corpus, and everything together."""
    for asked, language in LANGUAGES.items():
        name, texts = corpus(asked)
        if brief:
            texts = texts[: max(1, len(texts) // 10)]
        made = [cls() for cls in HEURISTICS]
        ours = measured(f"heuristics on {name}", made, texts, brief)
        for splitter in ("whitespace", "own"):
            peer(name, language, texts, splitter, ours, brief)
        everything(name, language, texts, brief)


if __name__ == "__main__":
    pinned()
    heuristics(brief="--brief" in sys.argv)
