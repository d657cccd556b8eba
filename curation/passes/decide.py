"""Fifth stage of a pass: one decision a document, from its judgement and what the levels of deduplication drop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from curation.dedup.level import Dropped
from curation.policy.judging import JudgedSource, read_judged
from curation.policy.policy import KEPT
from curation.runtime.stages.job_specs import ShardJob, shard_jobs
from curation.runtime.stages.stage import Output, Stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.receipts import Result
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


@dataclass(frozen=True)
class DecideShared:
    """The judgements on one source, and what each level drops of it."""

    source: str
    judged: Folder
    dropped: Sequence[Dropped]


def decide_stage(
    pass_name: str, source: JudgedSource, dropped: Sequence[Dropped] = ()
) -> Stage[DecideShared, ShardJob]:
    """Decisions of one source, one file a shard."""
    of_source = [each for each in dropped if source.name in each.sources]
    what = {
        "stage": "decide",
        "version": VERSION,
        "shards": source.shards.fingerprint,
        "rules": source.identity,
        "duplicates": None,  # these two always, also when there are none; further levels only when they take part
        "near_duplicates": None,
        **{each.level: each.fingerprint for each in of_source},
    }
    outputs = {"decisions": Output("decide", source.name, what)}
    jobs = shard_jobs(source.shards, lambda part: 200 * int(part["rows"]))
    shared = DecideShared(source.name, source.judged, of_source)
    return Stage(f"{pass_name}: decide {source.name}", outputs, jobs, decide_job, shared)


def decide_job(shared: DecideShared, spec: ShardJob, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: one shard."""
    judged = read_judged(shared.judged, spec.file)
    ids, reasons = judged["id"].to_pylist(), judged["reason"].to_pylist()
    evidence: list[tuple[bytes | None, float | None]] = [(None, None)] * len(ids)
    for dropped in shared.dropped:
        for row, keeper, similarity in dropped.of(shared.source, spec.file):
            assert reasons[row] == KEPT, "only documents that are kept so far take part in deduplication"
            reasons[row], evidence[row] = dropped.reason, (keeper, similarity)
    with row_writer(folders["decisions"], spec.file, DECISION) as writer:
        for id_, reason, (keeper_id, similarity_to_it) in zip(ids, reasons, evidence, strict=True):
            decision = {"id": id_, "reason": reason, "duplicate_of": keeper_id, "similarity": similarity_to_it}
            writer.add(decision, 72)
    counted = Counter(reason for reason in reasons if reason != KEPT)
    counts = {"documents": len(ids), "kept": len(ids) - counted.total(), "dropped": dict(sorted(counted.items()))}
    return {"decisions": Result([{"file": spec.file, "rows": len(ids)}], counts)}
