"""Near-duplicates, fourth step: the true similarity of every candidate pair. Edges do not depend on a policy.

Similarity is the Jaccard index of the sets of shingles of the texts as they are. Sets hold 64-bit hashes: among ten million
pairs of documents with a thousand words each, the chance that unlike shingles share a hash in any one is below 1 in 100,000.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.dedup.near_candidates import row_group, rows_of_shard
from curation.dedup.near_route import Shard, part_name
from curation.runtime.stages.stage import Job, Output, Result, Stage
from curation.runtime.store.folder import Folder
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


def edges_stage(
    shards: Sequence[Shard], pairs: Folder, shingles: Folder, buckets: int, what: Mapping[str, Any], name: str
) -> Stage:
    """One file of edges a home shard."""
    output = Output("near_duplicates", f"{name}_edges", what)
    shared = {"pairs": pairs, "shingles": shingles, "buckets": buckets, "floor": what["floor"]}
    jobs = [
        Job(f"{shard.number:05d}", {"number": shard.number, "part": shard.part}, shard.text_bytes) for shard in shards
    ]
    return Stage(f"similarity of {name}", {"edges": output}, jobs, edges_job, shared, memory_per_byte=6.0)


def edges_job(shared: Mapping[str, Any], spec: Mapping[str, Any], folders: dict[str, Folder]) -> dict[str, Result]:
    """One task: the pairs of one home shard; the sets of one other shard at a time."""
    (folder,) = folders.values()
    home = spec["number"]
    pairs = rows_of_shard(shared["pairs"], shared["buckets"], home)
    others, rows, home_rows = (pairs[name].to_numpy() for name in pairs.column_names)
    similarity = np.zeros(len(rows))
    if len(rows):
        own = _sets(shared["shingles"], home, home)
        for other in np.unique(others):
            here = others == other
            theirs = own if other == home else _sets(shared["shingles"], int(other), home)
            similarity[here] = similarities(theirs, rows[here], own, home_rows[here])
    kept = np.flatnonzero(similarity >= shared["floor"])
    columns = [others[kept], rows[kept], np.full(len(kept), home, np.int32), home_rows[kept], similarity[kept]]
    with row_writer(folder, spec["part"], EDGE) as writer:
        writer.add_table(pa.table([pa.array(column) for column in columns], schema=EDGE))
    counts = {"pairs": len(rows), "edges": len(kept)}
    return {"edges": {"parts": [{"file": spec["part"], "rows": len(kept)}], "counts": counts}}


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
