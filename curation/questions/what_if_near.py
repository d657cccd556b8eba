"""What another policy would drop as near-duplicates, decided again from the edges of a finished run; no text is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.dedup import exact, near, near_candidates, near_edges, near_eligible, near_resolve, near_route
from curation.policy.policy import Rules
from curation.questions.run_record import RunRecord
from curation.runtime.errors import ConfigError
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.shards import ShardSet


def members_of(run: RunRecord, pass_name: str) -> list[exact.Member]:
    """The sources whose documents a pass has compared, in order of priority."""
    found: list[exact.Member] = []
    for source in run.sources():
        rules, folder = run.pass_(pass_name).rules_for(source), run.folder(source, pass_name, "shards")
        if rules.near_duplicates:
            shards = ShardSet(source, folder, Manifest.load(folder))
            found.append(exact.Member(shards, rules, run.scores(source, pass_name), {}))
    return found


class NearAgain:
    """Near-duplicates of one pass under other rules."""

    @classmethod
    def of(cls, run: RunRecord, pass_name: str, rules: Mapping[str, Rules]) -> Self | None:
        """None when the rules look for no near-duplicates.

        Raises:
            ConfigError: they ask for edges that the run has not stored.
        """
        label = near.compared_by(rules)
        return cls(run, pass_name, rules, label) if label else None

    def __init__(self, run: RunRecord, pass_name: str, rules: Mapping[str, Rules], label: str) -> None:
        self.run, self.pass_name, self.rules = run, pass_name, rules
        self.before = {source: run.pass_(pass_name).rules_for(source) for source in rules}
        self.folders = {step: folder for source in rules for step, folder in run.near(source, pass_name).items()}
        self._check(label)
        members = members_of(run, pass_name)
        self.priority = {source: i for i, source in enumerate(rules)}
        self.shards = near_route.shards_of(members)
        self.shard = {shard.name: shard for shard in self.shards}
        self.buckets = near_route.buckets_for(self.shards)
        self.eligible: dict[str, npt.NDArray[np.int64]] = {}

    def _check(self, label: str) -> None:
        if (had := near.compared_by(self.before)) != label:
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

    def see(self, source: str, file: str, kept: npt.NDArray[np.bool_]) -> None:
        """The documents of a shard that the rules keep."""
        if self.rules[source].near_duplicates:
            number = self.shard[f"{source}/{file}"].number
            rows = near_candidates.rows_of_shard(self.folders["wanted"], self.buckets, number)["row"].to_numpy()
            rows = np.unique(rows)
            self.eligible[f"{source}/{file}"] = rows[kept[rows]]

    def dropped(self, duplicates: pa.Table) -> Counter[str]:
        """Near-duplicates of each source, after exact ones."""
        gone: dict[str, list[int]] = {}
        for name, row in zip(duplicates["shard"].to_pylist(), duplicates["row"].to_pylist(), strict=True):
            gone.setdefault(name, []).append(row)
        tables = [near_eligible.NODE.empty_table()]
        for name, rows in self.eligible.items():
            shard, source = self.shard[name], self.shard[name].source
            folder, scores = self.run.folder(source, self.pass_name, "shards"), self.run.scores(source, self.pass_name)
            place = (shard.number, self.priority[source])
            rows = np.setdiff1d(rows, gone.get(name, []))
            tables.append(near_eligible.nodes(self.rules[source], folder, scores, shard.file, place, rows))
        nodes = near_resolve.raised(pa.concat_tables(tables), duplicates, near_resolve.limits_of(self.rules))
        edges = near_resolve.read_all(self.folders["edges"], [shard.part for shard in self.shards], near_edges.EDGE)
        return Counter(self.shards[number].source for number in near_resolve.resolve(nodes, edges)["shard"].to_pylist())
