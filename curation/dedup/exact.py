"""Exact duplicates across all sources of a pass. Only hashes travel: shards are routed to buckets of hashes, then resolved.

A document takes part only if the policy keeps it otherwise, so no document is dropped in favour of one that is dropped too.
Of equal documents the one of the earlier source is kept, within a source the one with the smallest id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation.policy.eligibility import shard_reasons
from curation.policy.policy import KEPT, Rules
from curation.runtime.cluster.cluster import Compute
from curation.runtime.stages.stage import Job, Output, Result, Stage
from curation.runtime.stages.stages import run_stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.shards import ID, ShardSet, open_parquet, read_columns, row_writer

VERSION = 1
DOCUMENTS_PER_BUCKET = 4_000_000
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
class Edges:
    """Where the edges lie: one file a bucket, each row a document to drop and the document kept in its place."""

    folder: Folder
    routed: Folder
    buckets: int
    fingerprint: str


@dataclass(frozen=True)
class Member:
    """One source that takes part, in order of priority."""

    shards: ShardSet
    rules: Rules
    scores: Mapping[str, Folder]
    identity: Mapping[str, Any]


def find(members: Sequence[Member], pass_name: str, out: Folder, compute: Compute) -> Edges | None:
    """All exact duplicates among the members; None when no member's policy asks for them."""
    taking_part = [member for member in members if member.rules.duplicates]
    if not taking_part:
        return None
    buckets = 1 + sum(m.shards.documents for m in taking_part) // DOCUMENTS_PER_BUCKET
    what = {
        "stage": "exact_duplicates",
        "version": VERSION,
        "buckets": buckets,
        "members": [[m.shards.source, m.shards.fingerprint, m.identity] for m in taking_part],
    }
    routed = _route(taking_part, buckets, pass_name, {**what, "part": "routed"}, out, compute)
    output = Output("duplicates", pass_name, what)
    files = [name for name in routed.names() if name.endswith(".parquet")]
    jobs = [
        Job(f"{b:05d}", {"bucket": b}, sum(m.shards.documents for m in taking_part) * 60 // buckets)
        for b in range(buckets)
    ]
    shared = {"folder": routed, "files": files}
    stage = Stage(f"duplicates of {pass_name}", {"edges": output}, jobs, resolve_job, shared)
    manifest = run_stage(stage, out, compute)["edges"]
    return Edges(output.folder(out), routed, buckets, manifest.fingerprint)


def _route(
    members: Sequence[Member], buckets: int, pass_name: str, what: Mapping[str, Any], out: Folder, compute: Compute
) -> Folder:
    output = Output("duplicates", f"{pass_name}_routed", what)
    jobs = [
        Job(
            f"{priority:03d}-{part['file'].removesuffix('.parquet')}",
            {"member": priority, "file": part["file"], "shard": f"{member.shards.source}/{part['file']}"},
            part["rows"],
        )
        for priority, member in enumerate(members)
        for part in member.shards.manifest.parts
    ]
    shared = {
        "buckets": buckets,
        "members": [
            {"rules": m.rules.model_dump(mode="json"), "shards": m.shards.folder, "scores": dict(m.scores)}
            for m in members
        ],
    }
    run_stage(Stage(f"hashes of {pass_name}", {"routed": output}, jobs, route_job, shared), out, compute)
    return output.folder(out)


def route_job(shared: Mapping[str, Any], spec: Mapping[str, Any], folders: dict[str, Folder]) -> dict[str, Result]:
    """One task: the hashes of one shard's eligible documents, a row group for each bucket."""
    (folder,) = folders.values()
    member = shared["members"][spec["member"]]
    rules = Rules.model_validate(member["rules"])
    assert rules.duplicates
    ids, found = shard_reasons(rules, member["shards"], member["scores"], spec["file"])
    hashes = read_columns(member["scores"][rules.duplicates], spec["file"], ["hash"])["hash"].to_pylist()
    rows = np.flatnonzero([reason == KEPT for reason in found])
    bucket = np.array([bucket_of(hashes[row], shared["buckets"]) for row in rows], np.int64)
    name = f"{spec['member']:03d}-{spec['file']}"
    with row_writer(folder, name, ROUTED) as writer:
        for b in range(shared["buckets"]):
            mine = rows[bucket == b]
            columns = [
                pa.array([hashes[row] for row in mine], ID),
                pa.array([ids[row] for row in mine], ID),
                pa.array(np.full(len(mine), spec["member"], np.int32)),
                pa.array([spec["shard"]] * len(mine), pa.string()),
                pa.array(mine),
            ]
            writer.add_table(pa.table(columns, schema=ROUTED))
    return {"routed": {"parts": [{"file": name, "rows": len(rows)}], "counts": {"documents": len(rows)}}}


def bucket_of(hash_: bytes, buckets: int) -> int:
    return int.from_bytes(hash_[:8], "big") * buckets >> 64


def resolve_job(shared: Mapping[str, Any], spec: Mapping[str, Any], folders: dict[str, Folder]) -> dict[str, Result]:
    """One task: the edges of one bucket of hashes."""
    (folder,) = folders.values()
    tables = [_row_group(shared["folder"], name, spec["bucket"]) for name in shared["files"]]
    table = pa.concat_tables(tables).combine_chunks()
    edges = resolve(table)
    name = f"{spec['bucket']:05d}.parquet"
    with row_writer(folder, name, EDGE) as writer:
        writer.add_table(edges)
    return {"edges": {"parts": [{"file": name, "rows": edges.num_rows}], "counts": {"edges": edges.num_rows}}}


def _row_group(folder: Folder, name: str, bucket: int) -> pa.Table:
    with open_parquet(folder, name) as file:
        return file.read_row_group(bucket)


def resolve(table: pa.Table) -> pa.Table:
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


def edges_of(folder: Folder, buckets: int, shard: str) -> Iterator[tuple[int, bytes]]:
    """(row, keeper's id) of every document of a shard that is dropped as a duplicate."""
    for bucket in range(buckets):
        table = read_columns(folder, f"{bucket:05d}.parquet", EDGE.names).filter(pc.field("shard") == shard)
        yield from zip(table["row"].to_pylist(), table["keeper"].to_pylist(), strict=True)
