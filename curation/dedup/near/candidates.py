"""Near-duplicates, second step: pairs of documents that share a band, bucket by bucket. Only hashes are read.

A pair is verified at home, in the shard of its later document; so a page that thousands resemble travels to them once a shard,
and not they to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.dedup.near.route import BAND, BYTES_PER_DOCUMENT, Shard, part_name
from curation.runtime.stages.job_specs import BucketJob, bucket_jobs
from curation.runtime.stages.stage import Output, Stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.receipts import Result
from curation.runtime.store.shards import open_parquet, row_writer
from curation.text.kernels.pairs import pairs_in_groups

VERSION = 1
MOST_LEADERS = 32  # documents of a crowded band that all others are compared with
ROW_BITS = 32  # places (shard, row) are sorted as one whole number
PAIR = pa.schema([pa.field("shard", pa.int32()), pa.field("row", pa.int64()), pa.field("home_row", pa.int64())])
WANTED = pa.schema([pa.field("row", pa.int64()), pa.field("home", pa.int32())])
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CandidatesShared:
    """The bands of all shards.

    Attributes:
        sources: number of the source that each shard belongs to.
    """

    bands: Folder
    sources: Sequence[int]
    most_leaders: int


def candidates_stage(
    bands: Folder, shards: Sequence[Shard], buckets: int, what: Mapping[str, Any], name: str
) -> Stage[CandidatesShared, BucketJob]:
    """One task a bucket. Pairs are grouped by home shard, requests for a shard's documents by that shard."""
    outputs = {
        part: Output("near_duplicates", f"{name}_{part}", {**what, "part": part}) for part in ("pairs", "wanted")
    }
    shared = CandidatesShared(bands, [shard.priority for shard in shards], what["most_leaders"])
    jobs = bucket_jobs(buckets, BYTES_PER_DOCUMENT * sum(shard.rows for shard in shards) // buckets)
    return Stage(f"{name}: candidates", outputs, jobs, candidates_job, shared, memory_per_byte=8.0)


def candidates_job(shared: CandidatesShared, spec: BucketJob, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: one bucket of bands."""
    sources = np.array(shared.sources, np.int64)
    table = _bucket(shared.bands, len(sources), spec.number)
    pairs, left_out = candidates(table, sources, shared.most_leaders)
    counts = {"pairs": {"bands": table.num_rows, "pairs": len(pairs), "pairs_left_out": left_out}, "wanted": {}}
    if "pairs" in folders:
        write_by_shard(folders["pairs"], spec.file, _table(pairs[:, [0, 1, 3]], PAIR), pairs[:, 2], len(sources))
    if "wanted" in folders:
        shard, rows_and_homes = wanted(pairs, len(sources))
        write_by_shard(folders["wanted"], spec.file, _table(rows_and_homes, WANTED), shard, len(sources))
    return {name: Result([{"file": spec.file, "rows": len(pairs)}], counts[name]) for name in folders}


def _table(columns: Ints, schema: pa.Schema) -> pa.Table:
    arrays = [pa.array(np.ascontiguousarray(columns[:, i])).cast(field.type) for i, field in enumerate(schema)]
    return pa.table(arrays, schema=schema)


def _bucket(folder: Folder, shards: int, bucket: int) -> pa.Table:
    """All rows of one bucket, with the number of their shard."""
    tables = [BAND.append(pa.field("shard", pa.int64())).empty_table()]
    for number in range(shards):
        group = row_group(folder, part_name(number), bucket)
        tables.append(group.append_column("shard", pa.array(np.full(group.num_rows, number, np.int64))))
    return pa.concat_tables(tables)


def row_group(folder: Folder, name: str, group: int) -> pa.Table:
    """One row group of one of our files."""
    with open_parquet(folder, name) as file:
        return file.read_row_group(group)


def candidates(table: pa.Table, sources: Ints, most_leaders: int) -> tuple[Ints, int]:
    """Distinct pairs (shard, row, home shard, home row) that share a band, and the number of those left out in crowds.

    Args:
        table: columns of `BAND` and `shard`, in any order.
        sources: the source that each shard belongs to.
    """
    keys = table["key"].to_numpy()
    _, group, size = np.unique(keys, return_inverse=True, return_counts=True)
    crowd = np.flatnonzero(size[group] > 1)
    column = {name: table[name].to_numpy()[crowd] for name in table.column_names}
    if not len(crowd):
        return np.zeros((0, 4), np.int64), 0
    source = sources[column["shard"]]
    order = np.lexsort((column["row"], column["shard"], column["id"], -column["chars"], source, column["key"]))
    column, source = {name: values[order] for name, values in column.items()}, source[order]
    first = np.ones(len(order), bool)
    first[1:] = column["key"][1:] != column["key"][:-1]
    starts = np.append(np.flatnonzero(first), len(order))
    pairs, left_out = pairs_in_groups(starts, _stands_for(column, source), most_leaders)
    places, document = np.unique((column["shard"] << ROW_BITS) | column["row"], return_inverse=True)
    distinct = np.unique(document[pairs[:, 0]] * len(places) + document[pairs[:, 1]])
    left, right = places[distinct // len(places)], places[distinct % len(places)]
    last = (1 << ROW_BITS) - 1
    return np.stack([left >> ROW_BITS, left & last, right >> ROW_BITS, right & last], axis=1), int(left_out)


def wanted(pairs: Ints, shards: int) -> tuple[Ints, Ints]:
    """The documents that home shards need: the shard of each, and (row, home) for it; each once."""
    left = ((pairs[:, 0] * shards + pairs[:, 2]) << ROW_BITS) | pairs[:, 1]
    right = ((pairs[:, 2] * shards + pairs[:, 2]) << ROW_BITS) | pairs[:, 3]
    distinct = np.unique(np.concatenate([left, right]))
    shard_and_home, row = distinct >> ROW_BITS, distinct & ((1 << ROW_BITS) - 1)
    return shard_and_home // shards, np.stack([row, shard_and_home % shards], axis=1)


def _stands_for(column: Mapping[str, npt.NDArray[Any]], source: Ints) -> Ints:
    """Of a document's copies in its source the one with the smallest id: exact deduplication keeps the same one."""
    order = np.lexsort((column["row"], column["shard"], column["id"], source, column["copies"], column["key"]))
    keys = np.stack([column["key"][order], column["copies"][order], source[order].astype(np.uint64)], axis=1)
    first = np.ones(len(order), bool)
    first[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    own = np.empty(len(order), np.int64)
    own[order] = order[np.flatnonzero(first)[np.cumsum(first) - 1]]
    return own


def write_by_shard(folder: Folder, file: str, table: pa.Table, shard: Ints, shards: int) -> None:
    """A file with one row group for each shard, so that a shard's task reads its own rows alone."""
    order = np.argsort(shard, kind="stable")
    starts = np.searchsorted(shard[order], np.arange(shards + 1))
    table = table.take(pa.array(order))
    with row_writer(folder, file, table.schema) as writer:
        for start, stop in pairwise(starts):
            writer.add_table(table.slice(start, stop - start))


def rows_of_shard(folder: Folder, buckets: int, number: int) -> pa.Table:
    """A shard's distinct rows from the files of all buckets, sorted by their columns in order."""
    table = pa.concat_tables([row_group(folder, part_name(b), number) for b in range(buckets)])
    table = table.group_by(table.column_names, use_threads=False).aggregate([])
    return table.sort_by([(name, "ascending") for name in table.column_names])
