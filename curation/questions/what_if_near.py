"""What another policy would drop as near-duplicates, decided again from the edges of a finished run; no text is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import pyarrow as pa

from curation.dedup.near import edges, resolve, route
from curation.dedup.near.eligible import NODE, nodes, rows_with_candidates
from curation.dedup.near.near_duplicates import NearDropped, compared_by
from curation.policy.eligibility import eligible
from curation.policy.policy import Rules
from curation.questions.run_record import RunRecord
from curation.runtime.errors import ConfigError
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.shards import ShardSet


def compared_shards(run: RunRecord, pass_name: str) -> list[route.Shard]:
    """The shards whose documents a pass has compared, numbered as there."""
    pass_ = run.pass_(pass_name)
    folders = {
        source: run.folder(source, pass_name, "shards")
        for source in run.sources()
        if pass_.rules_for(source).near_duplicates
    }
    return route.shards_of([ShardSet(source, folder, Manifest.load(folder)) for source, folder in folders.items()])


class NearAgain:
    """Near-duplicates of one pass under other rules."""

    reason = NearDropped.reason

    @classmethod
    def of(cls, run: RunRecord, pass_name: str, rules: Mapping[str, Rules]) -> Self | None:
        """None when the rules look for no near-duplicates.

        Raises:
            ConfigError: they ask for edges that the run has not stored.
        """
        label = compared_by(rules)
        return cls(run, pass_name, rules, label) if label else None

    def __init__(self, run: RunRecord, pass_name: str, rules: Mapping[str, Rules], label: str) -> None:
        self.run, self.pass_name, self.rules = run, pass_name, rules
        self.before = {source: run.pass_(pass_name).rules_for(source) for source in rules}
        level = NearDropped.level
        self.folders = {
            step: folder for source in rules for step, folder in run.level(source, pass_name, level).items()
        }
        self._check(label)
        self.priority = {source: i for i, source in enumerate(rules)}
        self.shards = compared_shards(run, pass_name)
        self.shard = {shard.name: shard for shard in self.shards}
        self.buckets = route.buckets_for(self.shards)
        self.ranked: dict[str, pa.Table] = {}  # columns of `NODE` of each shard's documents that take part

    def _check(self, label: str) -> None:
        if (had := compared_by(self.before)) != label:
            found = f"has compared bands of {had!r}" if had else "has looked for no near-duplicates in this pass"
            raise ConfigError(f"near_duplicates: the run {found}. Run with the changed policy to know.")
        floor = float(Manifest.load(self.folders["edges"]).what["floor"])
        for source, rules in self.rules.items():
            if rules.near_duplicates is None:
                continue
            if self.before[source].near_duplicates is None:
                raise ConfigError(
                    f"near_duplicates: the run has not compared the documents of source {source}. "
                    "Run with the changed policy to know."
                )
            if rules.near_duplicates.jaccard < floor:
                raise ConfigError(
                    f"near_duplicates: jaccard {rules.near_duplicates.jaccard} of source {source} is below {floor}, the "
                    "least similarity that the run has stored. Run with the changed policy to know."
                )

    def see(self, source: str, file: str, documents: pa.Table) -> None:
        """The judged documents of a shard."""
        if self.rules[source].near_duplicates:
            shard, scores = self.shard[f"{source}/{file}"], self.run.scores(source, self.pass_name)
            rows = rows_with_candidates(self.folders["wanted"], self.buckets, shard.number)
            rows, place = rows[eligible(documents)[rows]], (shard.number, self.priority[source])
            self.ranked[shard.name] = nodes(self.rules[source], documents, scores, file, place, rows)

    def dropped(self, earlier: Sequence[pa.Table]) -> pa.Table:
        """`shard`, `row` and `keeper` of what goes, after what earlier levels have dropped."""
        gone: dict[str, list[int]] = {}
        for table in earlier:
            for name, row in zip(table["shard"].to_pylist(), table["row"].to_pylist(), strict=True):
                gone.setdefault(name, []).append(row)
        tables = [NODE.empty_table()]
        for name, of_shard in self.ranked.items():
            tables.append(of_shard.filter(pa.array(~np.isin(of_shard["row"].to_numpy(), gone.get(name, [])))))
        ranked = pa.concat_tables(tables)
        for table in earlier:
            ranked = resolve.raised(ranked, table, resolve.limits_of(self.rules))
        stored = resolve.read_all(self.folders["edges"], [shard.part for shard in self.shards], edges.EDGE)
        table = resolve.dropped_documents(ranked, stored)
        names = [self.shards[number].name for number in table["shard"].to_pylist()]
        return pa.table({"shard": pa.array(names, pa.string()), "row": table["row"], "keeper": table["keeper"]})
