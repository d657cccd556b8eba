"""From a number of a trained cell to what it is based on: `loam ablate explain`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NotRequired, cast

from typing_extensions import TypedDict

from ablations.evidence.explain_answers import Choice, answers
from ablations.evidence.explain_documents import documents_behind
from ablations.evidence.explain_origin import TracedCell, traced_cells, train_again, training_origins
from ablations.evidence.explain_reading import LocatedReading, find_reading, notes_of
from ablations.evidence.explain_text import explained_text
from curation.runtime.registry import Plugin
from curation.runtime.store.folder import Folder

__all__ = ["Choice", "ExplainedNumber", "explain", "explained_text"]


class ExplainedNumber(TypedDict):
    """A number, and what it is based on.

    Attributes:
        metric, words, unit, better, n, position: as the reading has them.
        measure: folder and fingerprint.
        answers, answers_without: of a few-shot task, see `explain_answers.answers`.
        documents: held-out documents by source, of what was measured on them.
        train: what the cell was trained on, by source; `code` and `machine`: with and where.
        train_again: a command, where the cell's tokens are still there.
    """

    cell: str
    metric: str
    words: str
    value: float | None
    unit: str
    better: str | None
    n: dict[str, int]
    position: str
    metric_version: int
    measure: dict[str, str]
    notes: list[str]
    answers: NotRequired[dict[str, Any]]
    answers_without: NotRequired[dict[str, Any]]
    documents: NotRequired[dict[str, list[dict[str, Any]]]]
    arm: str
    seed: int
    seeds: dict[str, int]
    model: dict[str, Any]
    train: list[dict[str, Any]]
    tokenizer: str
    study: str
    spec_digest: str
    fingerprint: str
    machine: dict[str, Any]
    code: str
    train_again: str | None


def explain(out: str, cell: str, measure: str, choice: Choice, plugins: Sequence[Plugin] = ()) -> ExplainedNumber:
    """Everything about one number.

    Args:
        cell: name of a folder in `<out>/cells`, or its beginning.
        measure: full name of a final reading, such as `few_shot.nsmc.k8.gold.nll`.
        plugins: files with metrics, which the user named; those of the output folder are never executed.

    Raises:
        ConfigError: unknown cell or metric; the message lists the known ones.
    """
    located = find_reading(traced_cells(Folder(out.rstrip("/") or "/"), cell), measure, plugins)
    explained: dict[str, Any] = {**_number(located), "notes": notes_of(located, plugins)}
    explained |= answers(located, choice)
    if "answers" not in explained:
        items = located.measure["final"].get("items", {}).get(located.reading.name, {})
        documents = documents_behind(located.cell, located.reading, located.readings, items.get("ids", ()))
        explained |= {"documents": documents} if documents else {}
    return cast(ExplainedNumber, {**explained, **_background(located.cell)})


def _number(located: LocatedReading) -> dict[str, Any]:
    """The reading, and the measure that holds it."""
    reading = located.reading
    return {
        "cell": located.cell.name,
        "metric": reading.name,
        "words": reading.words,
        "value": reading.value,
        "unit": reading.unit,
        "better": reading.better,
        "n": dict(reading.n),
        "position": reading.position,
        "metric_version": located.measure["version"],
        "measure": {"folder": located.cell.out.relative(located.folder), "fingerprint": located.manifest.fingerprint},
    }


def _background(cell: TracedCell) -> dict[str, Any]:
    """What every number of a cell is based on."""
    spec, origins = cell.spec, training_origins(cell)
    train = []
    for part in spec.training.train:
        origin, seen = origins[part.tokens], cell.training["sources"][part.source]
        train.append({**dataclasses.asdict(part), "folder": origin.tokens, "curated": origin.curated, "seen": seen})
    return {
        "arm": spec.arm,
        "seed": spec.seed,
        "seeds": {**dataclasses.asdict(spec.training.seeds), "evaluation": cell.measuring.seed},
        "model": dataclasses.asdict(spec.training.model),
        "train": train,
        "tokenizer": cell.tokenizer_folder,
        "study": cell.recorded.record["name"],
        "spec_digest": spec.training.digest(),
        "fingerprint": cell.manifest.fingerprint,
        "machine": cell.manifest.what["machine"],
        "code": cell.code,
        "train_again": train_again(cell),
    }
