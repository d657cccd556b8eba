"""Second stage of a pass: all annotators whose scores are missing, in one walk over each shard."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from curation.annotators.base import Annotator, Bands, Column, ColumnType, Scores, Spans, Values
from curation.annotators.registry import make_all
from curation.recipes.recipe import Pass
from curation.runtime.registry import Plugin
from curation.runtime.stages.job_specs import ShardJob, shard_jobs
from curation.runtime.stages.stage import Output, Stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.receipts import Result
from curation.runtime.store.shards import ID, SPAN, ShardSet, row_groups, row_writer
from curation.text.batch import Batch, batches

TYPES: Mapping[ColumnType, pa.DataType] = {
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "string": pa.string(),
    "hash": ID,
    "spans": pa.list_(SPAN),
    "bands": pa.list_(pa.uint64()),
}
MEMORY_PER_TEXT_BYTE = 8.0  # of a shard; batches bound the views, row groups the texts


@dataclass(frozen=True)
class AnnotateShared:
    """The annotators by their settings in the recipe, since the class of one may be a plugin's; and the folder of the shards."""

    entries: Sequence[Mapping[str, Any]]
    plugins: Sequence[Plugin]
    shards: Folder


def annotate_stage(
    pass_: Pass, shards: ShardSet, annotators: Mapping[str, Annotator], plugins: Sequence[Plugin]
) -> Stage[AnnotateShared, ShardJob]:
    """The stage that scores one source's shards."""
    outputs = {
        label: Output("scores", f"{label}-{shards.source}", {"shards": shards.fingerprint, **annotator.what()})
        for label, annotator in annotators.items()
    }
    title, shared = f"{pass_.name}: annotate {shards.source}", AnnotateShared(pass_.annotators, plugins, shards.folder)
    return Stage(title, outputs, shard_jobs(shards), annotate_job, shared, memory_per_byte=MEMORY_PER_TEXT_BYTE)


def annotate_job(shared: AnnotateShared, spec: ShardJob, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: one shard, every annotator that `folders` names."""
    annotators = make_all(shared.entries, shared.plugins, "pass")
    seconds = dict.fromkeys(folders, 0.0)
    documents = 0
    with ExitStack() as stack:
        writers = {
            label: stack.enter_context(row_writer(folder, spec.file, schema_of(annotators[label])))
            for label, folder in folders.items()
        }
        for group in row_groups(shared.shards, spec.file, ["id", "text"]):
            tables: dict[str, list[pa.Table]] = {label: [] for label in folders}
            for ids, batch in _batches(group):
                documents += len(batch)
                for label, scored in tables.items():
                    started = time.perf_counter()
                    scored.append(table_of(annotators[label], ids, annotators[label].score(batch)))
                    seconds[label] += time.perf_counter() - started
            for label, scored in tables.items():
                if scored:
                    writers[label].add_table(pa.concat_tables(scored))  # one row group for one of the shard
    parts, counts = [{"file": spec.file, "rows": documents}], {"documents": documents}
    return {label: Result(parts, counts, seconds[label]) for label in folders}


def _batches(group: pa.Table) -> Iterator[tuple[list[bytes], Batch]]:
    ids = group["id"].to_pylist()
    at = 0
    for batch in batches(group["text"].to_pylist()):
        yield ids[at : at + len(batch)], batch
        at += len(batch)


def schema_of(annotator: Annotator) -> pa.Schema:
    return pa.schema([pa.field("id", ID), *(pa.field(c.name, TYPES[c.type]) for c in annotator.columns)])


def table_of(annotator: Annotator, ids: Sequence[bytes], scores: Scores) -> pa.Table:
    """Scores as Arrow; an annotator that breaks its contract is refused with its name."""
    expected = {column.name for column in annotator.columns}
    if set(scores) != expected:
        raise TypeError(f"annotator {annotator.label}: gave {sorted(scores)}, its columns are {sorted(expected)}")
    arrays = [pa.array(ids, ID)]
    for column in annotator.columns:
        array = _array(column, scores[column.name])
        if len(array) != len(ids):
            raise TypeError(f"annotator {annotator.label}.{column.name}: {len(array)} values for {len(ids)} documents")
        arrays.append(array)
    return pa.table(arrays, schema=schema_of(annotator))


def _array(column: Column, values: Values) -> pa.Array:
    if isinstance(values, Bands):
        ends = np.cumsum(values.present * values.values.shape[1])
        until = pa.array([0, *ends.tolist()], pa.int32())
        return pa.ListArray.from_arrays(until, pa.array(values.values[values.present].ravel()))
    if not isinstance(values, Spans):
        return pa.array(values, TYPES[column.type])
    columns = [pa.array(values.start), pa.array(values.end), pa.array(list(values.kind), pa.string())]
    structs = pa.StructArray.from_arrays(columns, fields=list(SPAN))
    offsets = [0, *values.count.cumsum().tolist()]
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), structs, type=pa.list_(SPAN))
