"""Exact duplicates across all sources of a pass. Only hashes travel: shards are routed to buckets of hashes, then resolved.

A document takes part only if the policy keeps it otherwise, so no document is dropped in favour of one that is dropped too.
Of equal documents the one of the earlier source is kept, within a source the one with the smallest id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation.annotators.base import Annotator
from curation.dedup.level import Drop, Dropped, Level
from curation.policy.eligibility import eligible
from curation.policy.judging import JudgedPass, JudgedSource, read_judged
from curation.policy.policy import Rules
from curation.runtime.cluster.cluster import Compute
from curation.runtime.stages.job_specs import BucketJob, bucket_jobs
from curation.runtime.stages.stage import Job, Output, Stage
from curation.runtime.stages.stages import run_stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.receipts import Result
from curation.runtime.store.shards import ID, open_parquet, read_columns, row_writer

VERSION = 1
DOCUMENTS_PER_BUCKET = 4_000_000
BYTES_PER_DOCUMENT = 60  # of routed hashes, about: for Ray's scheduler
ROUTED = pa.schema(
    [
        pa.field("hash", ID),
        pa.field("id", ID),
        pa.field("priority", pa.int32()),
        pa.field("shard", pa.string()),
        pa.field("row", pa.int64()),
    ]
)
EDGE = pa.schema([pa.field("shard", pa.string()), pa.field("row", pa.int64()), pa.field("keeper", ID)])


@dataclass(frozen=True)
class ExactDropped(Dropped):
    """One file a bucket, each row a document to drop and the document kept in its place."""

    level: ClassVar[str] = "duplicates"
    reason: ClassVar[str] = "exact_duplicate"
    buckets: int

    def of_shard(self, shard: str) -> Iterator[Drop]:
        for table in self._tables(EDGE.names):
            of_shard = table.filter(pc.field("shard") == shard)
            for row, keeper in zip(of_shard["row"].to_pylist(), of_shard["keeper"].to_pylist(), strict=True):
                yield Drop(row, keeper, 1.0)

    def keepers(self) -> Iterator[pa.Table]:
        yield from self._tables(["shard", "keeper"])

    def _tables(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        for bucket in range(self.buckets):
            yield read_columns(self.folders["edges"], BucketJob(bucket).file, columns)


class ExactLevel(Level):
    """Documents of one hash."""

    def described(self, rules: Mapping[str, Rules], annotators: Mapping[str, Annotator]) -> str | None:
        asked = any(of_source.duplicates for of_source in rules.values())
        return "exact duplicates: hashes of all sources, by bucket" if asked else None

    def find(self, judged: JudgedPass, earlier: Sequence[Dropped], out: Folder, compute: Compute) -> Dropped | None:
        sources = [source for source in judged.sources if source.rules.duplicates]
        if not sources:
            return None
        documents = sum(source.shards.documents for source in sources)
        buckets = 1 + documents // DOCUMENTS_PER_BUCKET
        what = {
            "stage": "exact_duplicates",
            "version": VERSION,
            "buckets": buckets,
            "members": [[source.name, source.shards.fingerprint, source.identity] for source in sources],
        }
        routing = route_stage(sources, buckets, judged.name, {**what, "part": "routed"})
        run_stage(routing, out, compute)
        routed = routing.outputs["routed"].folder(out)
        output = Output("duplicates", judged.name, what)
        jobs = bucket_jobs(buckets, documents * BYTES_PER_DOCUMENT // buckets)
        shared = BucketsShared(routed, [job.spec.part for job in routing.jobs])
        stage = Stage(f"{judged.name}: exact duplicates", {"edges": output}, jobs, resolve_job, shared)
        manifest = run_stage(stage, out, compute)["edges"]
        folders = {"edges": output.folder(out), "routed": routed}
        return ExactDropped([source.name for source in sources], folders, manifest.fingerprint, buckets)


@dataclass(frozen=True)
class RoutedSource:
    """Where a source's judged documents and their hashes lie."""

    judged: Folder
    hashes: Folder


@dataclass(frozen=True)
class HashesShared:
    """The sources that take part, in order of priority."""

    sources: Sequence[RoutedSource]
    buckets: int


@dataclass(frozen=True)
class HashesJob:
    """One shard: the priority of its source, its file, and its name in edges."""

    priority: int
    file: str
    shard: str

    @property
    def part(self) -> str:
        return f"{self.priority:03d}-{self.file}"


def route_stage(
    sources: Sequence[JudgedSource], buckets: int, pass_name: str, what: Mapping[str, Any]
) -> Stage[HashesShared, HashesJob]:
    """One file a shard, a row group for each bucket."""
    jobs = []
    for priority, source in enumerate(sources):
        for part in source.shards.manifest.parts:
            spec = HashesJob(priority, str(part["file"]), f"{source.name}/{part['file']}")
            jobs.append(Job(spec.part.removesuffix(".parquet"), spec, int(part["rows"])))
    shared = HashesShared(
        [RoutedSource(s.judged, s.scores[s.rules.duplicates]) for s in sources if s.rules.duplicates], buckets
    )
    outputs = {"routed": Output("duplicates", f"{pass_name}_routed", what)}
    return Stage(f"{pass_name}: hashes", outputs, jobs, route_job, shared)


def route_job(shared: HashesShared, spec: HashesJob, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: the hashes of one shard's eligible documents."""
    source = shared.sources[spec.priority]
    table = routed(read_judged(source.judged, spec.file), source.hashes, spec)
    bucket = np.array([bucket_of(hash_, shared.buckets) for hash_ in table["hash"].to_pylist()], np.int64)
    with row_writer(folders["routed"], spec.part, ROUTED) as writer:
        for b in range(shared.buckets):
            writer.add_table(table.take(pa.array(np.flatnonzero(bucket == b))))
    return {"routed": Result([{"file": spec.part, "rows": table.num_rows}], {"documents": table.num_rows})}


def routed(judged: pa.Table, hashes: Folder, spec: HashesJob) -> pa.Table:
    """Columns of `ROUTED` for a shard's eligible documents."""
    rows = pa.array(np.flatnonzero(eligible(judged)))
    columns = [
        read_columns(hashes, spec.file, ["hash"])["hash"].take(rows),
        judged["id"].take(rows),
        pa.array(np.full(len(rows), spec.priority, np.int32)),
        pa.array([spec.shard] * len(rows), pa.string()),
        rows,
    ]
    return pa.table(columns, schema=ROUTED)


def bucket_of(hash_: bytes, buckets: int) -> int:
    return int.from_bytes(hash_[:8], "big") * buckets >> 64


@dataclass(frozen=True)
class BucketsShared:
    """The routed hashes of all shards."""

    routed: Folder
    files: Sequence[str]


def resolve_job(shared: BucketsShared, spec: BucketJob, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: the edges of one bucket of hashes."""
    tables = [_row_group(shared.routed, name, spec.number) for name in shared.files]
    edges = duplicate_edges(pa.concat_tables(tables).combine_chunks())
    with row_writer(folders["edges"], spec.file, EDGE) as writer:
        writer.add_table(edges)
    return {"edges": Result([{"file": spec.file, "rows": edges.num_rows}], {"edges": edges.num_rows})}


def _row_group(folder: Folder, name: str, bucket: int) -> pa.Table:
    with open_parquet(folder, name) as file:
        return file.read_row_group(bucket)


def duplicate_edges(table: pa.Table) -> pa.Table:
    """Edges of a table of routed documents, sorted by shard and row.

    Args:
        table: columns of `ROUTED`, in any order.
    """
    order = pc.sort_indices(table, sort_keys=[("hash", "ascending"), ("priority", "ascending"), ("id", "ascending")])
    table = table.take(order)
    hashes = _as_pairs(table["hash"])
    first = np.ones(table.num_rows, bool)
    first[1:] = (hashes[1:] != hashes[:-1]).any(axis=1)
    keeper = np.flatnonzero(first)[np.cumsum(first) - 1] if table.num_rows else np.zeros(0, np.int64)
    dropped = np.flatnonzero(~first)
    edges = pa.table(
        [table["shard"].take(dropped), table["row"].take(dropped), table["id"].take(keeper[dropped])], schema=EDGE
    )
    return edges.sort_by([("shard", "ascending"), ("row", "ascending")])


def _as_pairs(column: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    return np.frombuffer(b"".join(column.to_pylist()), np.uint64).reshape(-1, 2)
