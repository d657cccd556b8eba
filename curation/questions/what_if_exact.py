"""What another policy would drop as exact duplicates, decided again from the hashes of a finished run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import pyarrow as pa

from curation.dedup.exact import ROUTED, ExactDropped, HashesJob, duplicate_edges, routed
from curation.policy.policy import Rules
from curation.questions.run_record import RunRecord


class ExactAgain:
    """Exact duplicates of one pass under other rules."""

    reason = ExactDropped.reason

    @classmethod
    def of(cls, run: RunRecord, pass_name: str, rules: Mapping[str, Rules]) -> Self | None:
        """None when the rules look for no exact duplicates."""
        return cls(run, pass_name, rules) if any(each.duplicates for each in rules.values()) else None

    def __init__(self, run: RunRecord, pass_name: str, rules: Mapping[str, Rules]) -> None:
        self.run, self.pass_name, self.rules = run, pass_name, rules
        self.priority = {source: i for i, source in enumerate(rules)}
        self.routed: list[pa.Table] = [ROUTED.empty_table()]

    def see(self, source: str, file: str, documents: pa.Table) -> None:
        """The judged documents of a shard."""
        if label := self.rules[source].duplicates:
            hashes = self.run.scores(source, self.pass_name)[label]
            job = HashesJob(self.priority[source], file, f"{source}/{file}")
            self.routed.append(routed(documents, hashes, job))

    def dropped(self, earlier: Sequence[pa.Table]) -> pa.Table:
        """`shard`, `row` and `keeper` of what goes."""
        return duplicate_edges(pa.concat_tables(self.routed).combine_chunks())
