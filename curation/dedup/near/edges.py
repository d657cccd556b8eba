"""Near-duplicates, fourth step: the true similarity of every candidate pair. Edges do not depend on a policy.

Similarity is the Jaccard index of the sets of shingles of the texts as they are. Sets hold 64-bit hashes: among ten million
pairs of documents with a thousand words each, the chance that unlike shingles share a hash in any one is below 1 in 100,000.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.dedup.near.candidates import row_group, rows_of_shard
from curation.dedup.near.route import Shard, part_name, shard_jobs
from curation.runtime.stages.stage import Output, Stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.receipts import Result
from curation.runtime.store.shards import row_writer
from curation.text.kernels.pairs import shared_values

VERSION = 1
FLOOR = 0.5  # pairs below are not stored: `what-if` may go down to here without reading a text
EDGE = pa.schema(
    [
        pa.field("shard", pa.int32()),
        pa.field("row", pa.int64()),
        pa.field("home_shard", pa.int32()),
        pa.field("home_row", pa.int64()),
        pa.field("similarity", pa.float64()),
    ]
)
Sets = tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64], npt.NDArray[np.int64]]  # rows, values, bounds


@dataclass(frozen=True)
class EdgesShared:
    """The pairs in files of buckets, the shingles in files of shards, and the least similarity that is stored."""

    pairs: Folder
    shingles: Folder
    buckets: int
    floor: float


def edges_stage(
    shards: Sequence[Shard], shared: EdgesShared, what: Mapping[str, Any], name: str
) -> Stage[EdgesShared, Shard]:
    """One file of edges a home shard."""
    outputs = {"edges": Output("near_duplicates", f"{name}_edges", what)}
    jobs = shard_jobs(shards, lambda shard: shard.text_bytes)
    return Stage(f"{name}: similarity", outputs, jobs, edges_job, shared, memory_per_byte=6.0)


def edges_job(shared: EdgesShared, spec: Shard, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: the pairs of one home shard; the sets of one other shard at a time."""
    home = spec.number
    pairs = rows_of_shard(shared.pairs, shared.buckets, home)
    others, rows, home_rows = (pairs[name].to_numpy() for name in pairs.column_names)
    similarity = np.zeros(len(rows))
    if len(rows):
        own = _sets(shared.shingles, home, home)
        for other in np.unique(others):
            here = others == other
            theirs = own if other == home else _sets(shared.shingles, int(other), home)
            similarity[here] = similarities(theirs, rows[here], own, home_rows[here])
    kept = np.flatnonzero(similarity >= shared.floor)
    columns = [others[kept], rows[kept], np.full(len(kept), home, np.int32), home_rows[kept], similarity[kept]]
    with row_writer(folders["edges"], spec.part, EDGE) as writer:
        writer.add_table(pa.table([pa.array(column) for column in columns], schema=EDGE))
    counts = {"pairs": len(rows), "edges": len(kept)}
    return {"edges": Result([{"file": spec.part, "rows": len(kept)}], counts)}


def _sets(folder: Folder, shard: int, home: int) -> Sets:
    table = row_group(folder, part_name(shard), home).combine_chunks()
    lists = table["set"].chunk(0) if table.num_rows else pa.array([], table["set"].type)
    offsets = lists.offsets.to_numpy()
    values = lists.values.to_numpy(zero_copy_only=False)
    return table["row"].to_numpy(), values.copy(), offsets.astype(np.int64)  # kernels take writable arrays


def similarities(
    left: Sets, left_rows: npt.NDArray[np.int64], right: Sets, right_rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Jaccard index of each pair: shared shingles over shingles of either. Sets come with their rows, ascending."""
    at_left, at_right = np.searchsorted(left[0], left_rows), np.searchsorted(right[0], right_rows)
    assert (left[0][at_left] == left_rows).all()
    assert (right[0][at_right] == right_rows).all()
    shared = shared_values(left[1], left[2], at_left, right[1], right[2], at_right)
    either = np.diff(left[2])[at_left] + np.diff(right[2])[at_right] - shared
    return np.divide(shared, np.maximum(either, 1), dtype=np.float64)
