"""Near-duplicates, first step: the band hashes of every document, in row groups by bucket. No text and no policy is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.policy.judging import JudgedSource
from curation.runtime.stages.job_specs import BucketJob
from curation.runtime.stages.stage import Job, Output, Stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.receipts import Result
from curation.runtime.store.shards import ShardSet, check_aligned, read_columns, row_writer
from curation.text.kernels.pairs import band_keys

VERSION = 1
DOCUMENTS_PER_BUCKET = 100_000
BYTES_PER_DOCUMENT = 600  # of routed bands, about: for Ray's scheduler
BAND = pa.schema(
    [
        pa.field("key", pa.uint64()),  # of the band's number and hash: documents with equal keys are candidates
        pa.field("copies", pa.uint64()),  # hash of all bands of the document: equal for copies
        pa.field("chars", pa.int64()),
        pa.field("id", pa.uint64()),  # its first half, only for an order that does not depend on shards
        pa.field("row", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Shard:
    """A shard that takes part. Shards are numbered through all sources in their order of priority.

    Attributes:
        number: names the shard in rows of near-duplicates.
        priority: number of its source among those that take part.
        file, source, rows, text_bytes: of the shard.
    """

    number: int
    priority: int
    source: str
    file: str
    rows: int
    text_bytes: int

    @property
    def name(self) -> str:
        """As decisions of exact duplicates name it."""
        return f"{self.source}/{self.file}"

    @property
    def part(self) -> str:
        """Name of the files that belong to it."""
        return part_name(self.number)


def part_name(number: int) -> str:
    """Of a shard, or of a bucket."""
    return BucketJob(number).file


def shards_of(sources: Sequence[ShardSet]) -> list[Shard]:
    """All shards of the sources that take part, numbered."""
    parts = [(i, source, part) for i, source in enumerate(sources) for part in source.manifest.parts]
    return [
        Shard(number, i, source.source, str(part["file"]), int(part["rows"]), int(part["text_bytes"]))
        for number, (i, source, part) in enumerate(parts)
    ]


def shard_jobs(shards: Sequence[Shard], cost: Callable[[Shard], int]) -> list[Job[Shard]]:
    """A job a shard, by its number."""
    return [Job(f"{shard.number:05d}", shard, cost(shard)) for shard in shards]


def buckets_for(shards: Sequence[Shard]) -> int:
    return 1 + sum(shard.rows for shard in shards) // DOCUMENTS_PER_BUCKET


@dataclass(frozen=True)
class BandedSource:
    """Where a source's shards and their bands lie."""

    shards: Folder
    scores: Folder


@dataclass(frozen=True)
class BandsShared:
    """The sources that take part, in order of priority."""

    sources: Sequence[BandedSource]
    buckets: int


def route_stage(
    sources: Sequence[JudgedSource], label: str, shards: Sequence[Shard], what: Mapping[str, Any], name: str
) -> Stage[BandsShared, Shard]:
    """One file a shard, a row group for each bucket."""
    output = Output("near_duplicates", f"{name}_bands", what)
    shared = BandsShared([BandedSource(s.shards.folder, s.scores[label]) for s in sources], what["buckets"])
    jobs = shard_jobs(shards, lambda shard: BYTES_PER_DOCUMENT * shard.rows)
    return Stage(f"{name}: bands", {"bands": output}, jobs, route_job, shared, memory_per_byte=3.0)


def route_job(shared: BandsShared, spec: Shard, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: one shard."""
    source = shared.sources[spec.priority]
    documents = read_columns(source.shards, spec.file, ["id", "chars"])
    scores = read_columns(source.scores, spec.file, ["id", "bands"])
    check_aligned(scores["id"].to_pylist(), documents["id"].to_pylist(), f"{source.scores.url}/{spec.file}")
    table = bands(scores["bands"].combine_chunks(), documents)
    bucket = buckets_of(table["key"].to_numpy(), shared.buckets)
    order = np.argsort(bucket, kind="stable")
    table, starts = table.take(pa.array(order)), np.searchsorted(bucket[order], np.arange(shared.buckets + 1))
    with row_writer(folders["bands"], spec.part, BAND) as writer:
        for start, stop in pairwise(starts):
            writer.add_table(table.slice(start, stop - start))
    return {"bands": Result([{"file": spec.part, "rows": len(order)}], {"bands": len(order)})}


def bands(lists: pa.ListArray, documents: pa.Table) -> pa.Table:
    """One row for each band of each document.

    Args:
        lists: band hashes of each document.
        documents: `id` and `chars`, in the same order.
    """
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    keys = band_keys(lists.flatten().to_numpy(zero_copy_only=False).copy(), bounds)
    document = np.repeat(np.arange(len(lengths)), lengths)
    chars, heads = documents["chars"].to_numpy(), id_halves(documents["id"])[:, 0]
    columns = [keys[:, 0], keys[:, 1], chars[document], heads[document], document]
    return pa.table([pa.array(column) for column in columns], schema=BAND)


def buckets_of(keys: npt.NDArray[np.uint64], buckets: int) -> npt.NDArray[np.int64]:
    return ((keys >> np.uint64(32)) * np.uint64(buckets) >> np.uint64(32)).astype(np.int64)


def id_halves(ids: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    """Ids as two whole numbers each, shape (documents, 2), in the order of the bytes."""
    return np.frombuffer(b"".join(ids.to_pylist()), ">u8").astype(np.uint64).reshape(-1, 2)
