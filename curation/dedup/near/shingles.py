"""Near-duplicates, third step: the hashed shingles of candidates, grouped by the shard that verifies their pairs.

Each text is read once, by its own shard's task, and only if it is in a pair; what travels are 64-bit hashes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.dedup.near.candidates import rows_of_shard
from curation.dedup.near.route import Shard, shard_jobs
from curation.runtime.stages.stage import Output, Stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.receipts import Result
from curation.runtime.store.shards import open_parquet, row_writer
from curation.text.batch import batches
from curation.text.kernels.pairs import sorted_sets
from curation.text.shingles import Shingles

VERSION = 1
SHINGLES = pa.schema([pa.field("row", pa.int64()), pa.field("set", pa.large_list(pa.uint64()))])


@dataclass(frozen=True)
class ShinglesShared:
    """Which shards need which documents.

    Attributes:
        sources: folders of the shards of each source.
        buckets: files of `wanted`.
        shards: how many there are in all.
        words: of a shingle.
    """

    sources: Sequence[Folder]
    wanted: Folder
    buckets: int
    shards: int
    words: int


def shingles_stage(
    shards: Sequence[Shard], shared: ShinglesShared, what: Mapping[str, Any], name: str
) -> Stage[ShinglesShared, Shard]:
    """One file a shard, with a row group for each home shard."""
    outputs = {"shingles": Output("near_duplicates", f"{name}_shingles", what)}
    jobs = shard_jobs(shards, lambda shard: shard.text_bytes)
    return Stage(f"{name}: shingles", outputs, jobs, shingles_job, shared, memory_per_byte=6.0)


def shingles_job(shared: ShinglesShared, spec: Shard, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: one shard."""
    wanted = rows_of_shard(shared.wanted, shared.buckets, spec.number)
    rows, homes = wanted["row"].to_numpy(), wanted["home"].to_numpy()
    own = np.unique(rows)
    sets = list(_sets(shared.sources[spec.priority], spec.file, own, shared.words))
    with row_writer(folders["shingles"], spec.part, SHINGLES) as writer:
        for home in range(shared.shards):
            here = rows[homes == home]
            writer.add_table(_table(here, [sets[at] for at in np.searchsorted(own, here)]))
    counts = {"documents": len(own), "shingles": sum(len(values) for values in sets)}
    return {"shingles": Result([{"file": spec.part, "rows": len(rows)}], counts)}


def _sets(folder: Folder, file: str, rows: npt.NDArray[np.int64], words: int) -> Iterator[npt.NDArray[np.uint64]]:
    """The sorted distinct shingle hashes of some documents, in order."""
    for batch in batches(_texts(folder, file, rows)):
        shingles = Shingles.of(batch, words)
        values, bounds = sorted_sets(shingles.hashes, shingles.offsets)
        yield from (values[start:stop] for start, stop in pairwise(bounds))


def _texts(folder: Folder, file: str, rows: npt.NDArray[np.int64]) -> Iterator[str]:
    """Texts of some rows, ascending; row groups without any are not read."""
    first = 0
    with open_parquet(folder, file) as parquet:
        for group in range(parquet.num_row_groups):
            stop = first + parquet.metadata.row_group(group).num_rows
            here = rows[(rows >= first) & (rows < stop)] - first
            if len(here):
                yield from parquet.read_row_group(group, columns=["text"])["text"].take(pa.array(here)).to_pylist()
            first = stop


def _table(rows: npt.NDArray[np.int64], sets: Sequence[npt.NDArray[np.uint64]]) -> pa.Table:
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum([len(values) for values in sets], dtype=np.int64)])
    flat = np.concatenate([np.zeros(0, np.uint64), *sets])
    lists = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(flat))
    return pa.table([pa.array(rows, pa.int64()), lists], schema=SHINGLES)
