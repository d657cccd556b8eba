"""Third stage of a pass: the rules are judged once. Every level of deduplication and the decision read its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from curation.annotators.base import Annotator
from curation.policy.eligibility import JUDGED, eligible, judged
from curation.policy.policy import Rules
from curation.runtime.stages.job_specs import ShardJob, shard_jobs
from curation.runtime.stages.stage import Output, Stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.receipts import Result
from curation.runtime.store.shards import ShardSet, read_columns, row_writer

VERSION = 1
BYTES_PER_DOCUMENT = 200  # of the scores that are read, about: for Ray's scheduler


@dataclass(frozen=True)
class JudgedSource:
    """One source in a pass, with its scores and the judgements on its documents.

    Attributes:
        shards: its documents as they come into the pass.
        scores: annotator -> folder.
        judged: folder of the parts that `judge_job` writes, one a shard in the same rows.
        identity: of the rules and scores that decide, for fingerprints of what is decided from them.
    """

    shards: ShardSet
    rules: Rules
    scores: Mapping[str, Folder]
    judged: Folder
    identity: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.shards.source

    def shard(self, file: str) -> str:
        """One of its shards, as evidence of duplicates names it."""
        return f"{self.name}/{file}"


@dataclass(frozen=True)
class JudgedPass:
    """All sources of a pass, judged; what levels of deduplication compare.

    Attributes:
        sources: in order of priority.
        annotators: of the pass, by label.
    """

    name: str
    sources: Sequence[JudgedSource]
    annotators: Mapping[str, Annotator]


@dataclass(frozen=True)
class JudgeShared:
    """The rules of one source, and where its shards and their scores lie."""

    rules: Rules
    shards: Folder
    scores: Mapping[str, Folder]


def judge_stage(
    pass_name: str, shards: ShardSet, rules: Rules, scores: Mapping[str, Folder], identity: Mapping[str, Any]
) -> Stage[JudgeShared, ShardJob]:
    """One file a shard."""
    what = {"stage": "judged", "version": VERSION, "shards": shards.fingerprint, "rules": identity}
    outputs = {"judged": Output("judged", shards.source, what)}
    jobs = shard_jobs(shards, lambda part: BYTES_PER_DOCUMENT * int(part["rows"]))
    shared = JudgeShared(rules, shards.folder, scores)
    return Stage(f"{pass_name}: judge {shards.source}", outputs, jobs, judge_job, shared)


def judge_job(shared: JudgeShared, spec: ShardJob, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: one shard."""
    table = judged(shared.rules, shared.shards, shared.scores, spec.file)
    with row_writer(folders["judged"], spec.file, JUDGED) as writer:
        writer.add_table(table)
    counts = {"documents": table.num_rows, "eligible": int(eligible(table).sum())}
    return {"judged": Result([{"file": spec.file, "rows": table.num_rows}], counts)}


def read_judged(folder: Folder, file: str) -> pa.Table:
    """Columns of `JUDGED` for one shard."""
    return read_columns(folder, file, JUDGED.names)
