"""Third stage of a pass: one decision a document, from scores alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from curation.dedup import exact, near, near_resolve
from curation.policy.eligibility import shard_reasons
from curation.policy.policy import DUPLICATE, KEPT, NEAR_DUPLICATE, Rules
from curation.runtime.stages.stage import Job, Output, Result, Stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.shards import ID, row_writer

VERSION = 2
DECISION = pa.schema(
    [
        pa.field("id", ID),
        pa.field("reason", pa.string()),
        pa.field("duplicate_of", ID),  # the document kept in its place
        pa.field("similarity", pa.float64()),  # to that one: 1 for exact duplicates
    ]
)


def decide_stage(
    member: exact.Member, duplicates: exact.Edges | None = None, near_duplicates: near.Dropped | None = None
) -> Stage:
    """Decisions of one source, one file a shard."""
    shards = member.shards
    duplicates = duplicates if member.rules.duplicates else None
    near_duplicates = near_duplicates if member.rules.near_duplicates else None
    what = {
        "stage": "decide",
        "version": VERSION,
        "shards": shards.fingerprint,
        "rules": member.identity,
        "duplicates": duplicates.fingerprint if duplicates else None,
        "near_duplicates": near_duplicates.fingerprint if near_duplicates else None,
    }
    output = Output("decide", shards.source, what)
    shared = {
        "rules": member.rules.model_dump(mode="json"),
        "shards": shards.folder,
        "scores": dict(member.scores),
        "edges": duplicates.folder if duplicates else None,
        "buckets": duplicates.buckets if duplicates else 0,
        "near": near_duplicates.folder if near_duplicates else None,
        "numbers": near_duplicates.numbers if near_duplicates else {},
    }
    jobs = [
        Job(file.removesuffix(".parquet"), {"file": file, "shard": f"{shards.source}/{file}"}, 200 * part["rows"])
        for file, part in zip(shards.files, shards.manifest.parts, strict=True)
    ]
    return Stage(f"decide {shards.source}", {"decisions": output}, jobs, decide_job, shared)


def decide_job(shared: Mapping[str, Any], spec: Mapping[str, Any], folders: dict[str, Folder]) -> dict[str, Result]:
    """One task: one shard."""
    (folder,) = folders.values()
    rules = Rules.model_validate(shared["rules"])
    ids, found = shard_reasons(rules, shared["shards"], shared["scores"], spec["file"])
    keepers: list[tuple[bytes | None, float | None]] = [(None, None)] * len(ids)
    if shared["edges"] is not None:
        for row, keeper in exact.edges_of(shared["edges"], shared["buckets"], spec["shard"]):
            assert found[row] == KEPT, "only documents that are kept so far take part in deduplication"
            found[row], keepers[row] = DUPLICATE, (keeper, 1.0)
    if shared["near"] is not None:
        for row, keeper, similarity in near_resolve.dropped_of(shared["near"], shared["numbers"][spec["shard"]]):
            assert found[row] == KEPT, "only documents that are kept so far take part in deduplication"
            found[row], keepers[row] = NEAR_DUPLICATE, (keeper, similarity)
    with row_writer(folder, spec["file"], DECISION) as writer:
        for id_, reason, (keeper_id, similarity_to_it) in zip(ids, found, keepers, strict=True):
            decision = {"id": id_, "reason": reason, "duplicate_of": keeper_id, "similarity": similarity_to_it}
            writer.add(decision, 72)
    dropped = Counter(reason for reason in found if reason != KEPT)
    counts = {"documents": len(ids), "kept": len(ids) - dropped.total(), "dropped": dict(sorted(dropped.items()))}
    return {"decisions": {"parts": [{"file": spec["file"], "rows": len(ids)}], "counts": counts}}
