"""Near-duplicates, fifth step: those documents with candidates that the rules and exact deduplication keep, and their priority."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.dedup.level import Dropped
from curation.dedup.near.candidates import rows_of_shard
from curation.dedup.near.route import Shard, shard_jobs
from curation.policy.eligibility import eligible
from curation.policy.judging import JudgedSource, read_judged
from curation.policy.policy import NearDuplicates, Rules
from curation.runtime.stages.stage import Output, Stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.receipts import Result
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


@dataclass(frozen=True)
class RankedSource:
    """What eligible documents of a source are ranked by."""

    rules: Rules
    judged: Folder
    scores: Mapping[str, Folder]


@dataclass(frozen=True)
class EligibleShared:
    """The documents with candidates, and what earlier levels have dropped.

    Attributes:
        sources: those that take part, in order of priority.
        buckets: files of `wanted`.
    """

    sources: Sequence[RankedSource]
    wanted: Folder
    buckets: int
    earlier: Sequence[Dropped]


def eligible_stage(
    sources: Sequence[JudgedSource],
    shards: Sequence[Shard],
    wanted: Folder,
    earlier: Sequence[Dropped],
    what: Mapping[str, Any],
    name: str,
) -> Stage[EligibleShared, Shard]:
    """One file of documents a shard."""
    outputs = {"eligible": Output("near_duplicates", f"{name}_eligible", what)}
    ranked = [RankedSource(source.rules, source.judged, source.scores) for source in sources]
    shared = EligibleShared(ranked, wanted, what["buckets"], earlier)
    jobs = shard_jobs(shards, lambda shard: 200 * shard.rows)
    return Stage(f"{name}: eligible", outputs, jobs, eligible_job, shared)


def eligible_job(shared: EligibleShared, spec: Shard, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: one shard."""
    source = shared.sources[spec.priority]
    wanted = rows_with_candidates(shared.wanted, shared.buckets, spec.number)
    judged = read_judged(source.judged, spec.file)
    kept = eligible(judged).copy()
    for dropped in shared.earlier:
        kept[[drop.row for drop in dropped.of(spec.source, spec.file)]] = False
    place = (spec.number, spec.priority)
    table = nodes(source.rules, judged, source.scores, spec.file, place, wanted[kept[wanted]])
    with row_writer(folders["eligible"], spec.part, NODE) as writer:
        writer.add_table(table)
    counts = {"candidates": len(wanted), "eligible": table.num_rows}
    return {"eligible": Result([{"file": spec.part, "rows": table.num_rows}], counts)}


def rows_with_candidates(wanted: Folder, buckets: int, number: int) -> npt.NDArray[np.int64]:
    """Of one shard, ascending."""
    rows: npt.NDArray[np.int64] = np.unique(rows_of_shard(wanted, buckets, number)["row"].to_numpy())
    return rows


def nodes(
    rules: Rules,
    judged: pa.Table,
    scores: Mapping[str, Folder],
    file: str,
    place: tuple[int, int],
    rows: npt.NDArray[np.int64],
) -> pa.Table:
    """Columns of `NODE` for some rows of a judged shard; `place` is its number and the priority of its source."""
    near = rules.near_duplicates
    assert near is not None
    base = judged.take(pa.array(rows))
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
