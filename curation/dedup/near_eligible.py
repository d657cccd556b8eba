"""Near-duplicates, fifth step: those documents with candidates that the rules and exact deduplication keep, and their priority."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.dedup import exact
from curation.dedup.near_candidates import rows_of_shard
from curation.dedup.near_route import Shard
from curation.policy.eligibility import shard_reasons
from curation.policy.policy import KEPT, NearDuplicates, Rules
from curation.runtime.stages.stage import Job, Output, Result, Stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.shards import ID, read_columns, row_writer

VERSION = 1
NODE = pa.schema(
    [
        pa.field("shard", pa.int32()),
        pa.field("row", pa.int64()),
        pa.field("id", ID),
        pa.field("source", pa.int32()),  # its priority
        pa.field("quality", pa.float64()),  # more is better
        pa.field("chars", pa.int64()),
        pa.field("jaccard", pa.float64()),  # least similarity at which it is dropped
    ]
)


def eligible_stage(
    members: Sequence[exact.Member],
    shards: Sequence[Shard],
    wanted: Folder,
    duplicates: exact.Edges | None,
    what: Mapping[str, Any],
    name: str,
) -> Stage:
    """One file of documents a shard."""
    output = Output("near_duplicates", f"{name}_eligible", what)
    shared = {
        "members": [
            {"rules": m.rules.model_dump(mode="json"), "shards": m.shards.folder, "scores": dict(m.scores)}
            for m in members
        ],
        "wanted": wanted,
        "buckets": what["buckets"],
        "duplicates": duplicates,
    }
    jobs = [
        Job(
            f"{s.number:05d}",
            {"number": s.number, "member": s.member, "file": s.file, "part": s.part, "name": s.name},
            200 * s.rows,
        )
        for s in shards
    ]
    return Stage(f"eligible of {name}", {"eligible": output}, jobs, eligible_job, shared)


def eligible_job(shared: Mapping[str, Any], spec: Mapping[str, Any], folders: dict[str, Folder]) -> dict[str, Result]:
    """One task: one shard."""
    (folder,) = folders.values()
    member = shared["members"][spec["member"]]
    rules = Rules.model_validate(member["rules"])
    wanted = np.unique(rows_of_shard(shared["wanted"], shared["buckets"], spec["number"])["row"].to_numpy())
    _, found = shard_reasons(rules, member["shards"], member["scores"], spec["file"])
    kept = np.array([reason == KEPT for reason in found], bool)
    duplicates: exact.Edges | None = shared["duplicates"]
    if rules.duplicates and duplicates:
        kept[[row for row, _ in exact.edges_of(duplicates.folder, duplicates.buckets, spec["name"])]] = False
    place = (spec["number"], spec["member"])
    table = nodes(rules, member["shards"], member["scores"], spec["file"], place, wanted[kept[wanted]])
    with row_writer(folder, spec["part"], NODE) as writer:
        writer.add_table(table)
    counts = {"candidates": len(wanted), "eligible": table.num_rows}
    return {"eligible": {"parts": [{"file": spec["part"], "rows": table.num_rows}], "counts": counts}}


def nodes(
    rules: Rules,
    shards: Folder,
    scores: Mapping[str, Folder],
    file: str,
    place: tuple[int, int],
    rows: npt.NDArray[np.int64],
) -> pa.Table:
    """Columns of `NODE` for some rows of a shard; `place` is its number and the priority of its source."""
    near = rules.near_duplicates
    assert near is not None
    base = read_columns(shards, file, ["id", "chars"]).take(pa.array(rows))
    quality = _quality(near, scores, file)[rows] if near.quality else np.zeros(len(rows))
    columns = [
        pa.array(np.full(len(rows), place[0], np.int32)),
        pa.array(rows, pa.int64()),
        base["id"],
        pa.array(np.full(len(rows), place[1], np.int32)),
        pa.array(quality),
        base["chars"],
        pa.array(np.full(len(rows), near.jaccard)),
    ]
    return pa.table(columns, schema=NODE)


def _quality(near: NearDuplicates, scores: Mapping[str, Folder], file: str) -> npt.NDArray[np.float64]:
    """The score that decides among documents of one source, turned so that more is better; NaN is worst."""
    assert near.quality is not None
    label, _, column = near.quality.partition(".")
    values: npt.NDArray[np.float64] = read_columns(scores[label], file, [column])[column].cast(pa.float64()).to_numpy()
    return np.nan_to_num(values if near.better == "high" else -values, nan=-np.inf, posinf=np.inf, neginf=-np.inf)
