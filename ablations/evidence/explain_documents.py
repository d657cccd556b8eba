"""The held-out documents that a number was measured on."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ablations.cells.cell_folder import HELDOUT
from ablations.core.data.evaluation_data import EvaluationData
from ablations.evidence.explain_origin import TracedCell
from curation.runtime.store.parts import checked
from tokenizer.encode import DOCUMENTS, TOKENS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ablations.core.data.documents import Documents
    from ablations.core.results.readings import Reading

BITS, LATE, HEADS = "bits_per_byte", "late_minus_early", "head_ablation"
TOGETHER = ("pooled", "common")


def documents_behind(
    cell: TracedCell, reading: Reading, readings: Mapping[str, Reading], items: Sequence[str] = ()
) -> dict[str, list[dict[str, Any]]] | None:
    """Per source, in the order in which they are chosen; None where a number uses none, or keeps no value a document.

    Args:
        readings: all of the cell, among them the one that this is a cost of.
        items: ids of what the measure kept one value each of, for this number.
    """
    about = readings.get(reading.of, reading)
    heldout = sorted(cell.measuring.heldout)
    sources = heldout if about.source in TOGETHER else [source for source in heldout if source == about.source]
    if about.metric not in (BITS, LATE):
        return _of_items(cell, sources, items) if items else None
    if not sources:
        return None
    with heldout_of(cell, sources) as data:
        numbers = _numbers(about, _effort(reading, data), cell.spec.training.model.context)
        return {source: _rows(cell, source, data.heldout[source], numbers[source]) for source in sources}


def _of_items(cell: TracedCell, sources: Sequence[str], items: Sequence[str]) -> dict[str, list[dict[str, Any]]] | None:
    """The documents among the ids of a number's items."""
    with heldout_of(cell, sources) as data:
        found = {}
        for source, documents in data.heldout.items():
            place = {id_.tobytes().hex(): number for number, id_ in enumerate(documents.ids)}
            numbers = np.array([place[item] for item in items if item in place], np.int64)
            found[source] = _rows(cell, source, documents, numbers)
    return {source: rows for source, rows in found.items() if rows} or None


@contextmanager
def heldout_of(cell: TracedCell, sources: Sequence[str]) -> Iterator[EvaluationData]:
    """The evaluation data of a cell with these sources and without tasks, its files checked and laid out."""
    measuring = cell.measuring
    stems = {source: measuring.heldout[source] for source in sources}
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="loam-explain-")))
        for source, stem in stems.items():
            folder = cell.out / cell.recorded.entry["heldout"][source]
            for pattern in (TOKENS, DOCUMENTS):
                path = scratch / pattern.format(stem)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.symlink_to(Path(stack.enter_context(checked(folder, pattern.format(HELDOUT)))).absolute())
        wanted = dataclasses.replace(measuring, heldout=stems, tasks=(), plugins=())
        yield EvaluationData.of(scratch, cell.spec.training, wanted)


def _effort(reading: Reading, data: EvaluationData) -> EvaluationData:
    from ablations.core.metrics.head_ablation import at_less_effort

    return at_less_effort(data) if reading.metric == HEADS else data


def _numbers(about: Reading, data: EvaluationData, context: int) -> dict[str, NDArray[np.int64]]:
    """Source -> numbers of the documents that a metric reads: whole ones, or those that fill a window."""
    from ablations.core.metrics.bits_per_byte import windows_in_turn
    from ablations.core.metrics.late_minus_early import ICL_SCORE, OLSSON_CONTEXT, filling

    if about.metric == BITS:
        chosen = {source: windows_in_turn(documents, data).document_N for source, documents in data.heldout.items()}
        return {
            source: numbers[np.sort(np.unique(numbers, return_index=True)[1])] for source, numbers in chosen.items()
        }
    length = OLSSON_CONTEXT if about.reading.startswith(ICL_SCORE) else context
    numbers = {source: filling(documents, data, length) for source, documents in data.heldout.items()}
    if about.source == "common":
        fewest = min((len(chosen) for chosen in numbers.values() if len(chosen)), default=0)
        return {source: chosen[:fewest] for source, chosen in numbers.items()}
    return numbers


def _rows(cell: TracedCell, source: str, documents: Documents, numbers: NDArray[np.int64]) -> list[dict[str, Any]]:
    shards = cell.heldout_origin(source).shards_of(cell.out)
    rows = []
    for number in numbers.tolist():
        id_ = documents.ids[number].tobytes().hex()
        tokens, size = int(documents.lengths[number]), int(documents.utf8_bytes[number])
        rows.append({"id": id_, "tokens": tokens, "utf8_bytes": size, "shard": shards.get(id_)})
    return rows
