"""What another policy would keep, answered from the scores of a finished run; no text is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from curation.policy.eligibility import judged
from curation.policy.policy import KEPT, Policy, Rules
from curation.questions.run_record import RunRecord
from curation.questions.what_if_exact import ExactAgain
from curation.questions.what_if_near import NearAgain
from curation.runtime.config import build, with_settings
from curation.runtime.errors import ConfigError
from curation.runtime.progress import meter
from curation.runtime.store.manifest import Manifest


@dataclass(frozen=True)
class PolicyOutcome:
    """What a policy does to one source: documents that it keeps, and drops by reason."""

    documents: int
    kept: int
    dropped: Mapping[str, int]

    @classmethod
    def of(cls, documents: int, dropped: Mapping[str, int]) -> PolicyOutcome:
        return cls(documents, documents - sum(dropped.values()), dropped)


@dataclass(frozen=True)
class PolicyComparison:
    """One source as the run decided, and as the other policy would."""

    before: PolicyOutcome
    after: PolicyOutcome


class Again(Protocol):
    """A level of deduplication of a finished run, decided again under other rules."""

    @property
    def reason(self) -> str: ...

    def see(self, source: str, file: str, documents: pa.Table) -> None:
        """The judged documents of a shard; shards come in order of priority."""

    def dropped(self, earlier: Sequence[pa.Table]) -> pa.Table:
        """`shard` ("source/file"), `row` and `keeper` of what goes, after what earlier levels have dropped."""


def _levels(run: RunRecord, pass_name: str, rules: Mapping[str, Rules]) -> list[Again]:
    """Those that the rules ask for, in the order of a pass."""
    levels = (ExactAgain.of(run, pass_name, rules), NearAgain.of(run, pass_name, rules))
    return [level for level in levels if level]


def compare_policies(run: RunRecord, pass_name: str | None, settings: Sequence[str]) -> dict[str, PolicyComparison]:
    """The run's decisions in one pass beside those of a changed policy.

    Args:
        settings: `policy.KEY=VALUE` settings laid on the pass.

    Raises:
        ConfigError: a setting does not begin with `policy.`, or the changed policy names what the run has not scored.
    """
    for setting in settings:
        if not setting.startswith("policy."):
            raise ConfigError(f"--set {setting}: only a policy can be changed without reading text. Begin with policy.")
    pass_ = run.pass_(pass_name)
    value = with_settings({"policy": pass_.policy.model_dump(mode="json", exclude_unset=True)}, settings)
    policy = build(Policy, value["policy"], f"pass {pass_.name}.policy")
    sources, scored = run.sources(), run.scored(pass_)
    policy.check(scored, sources, f"pass {pass_.name}")
    rules = {source: policy.rules_for(source, scored) for source in sources}
    after = _outcomes(run, pass_.name, rules)
    return {source: PolicyComparison(_decided(run, source, pass_.name), after[source]) for source in sources}


def _decided(run: RunRecord, source: str, pass_name: str) -> PolicyOutcome:
    counts = Manifest.load(run.folder(source, pass_name, "decide")).counts
    return PolicyOutcome.of(int(counts["documents"]), dict(counts["dropped"]))


def _outcomes(run: RunRecord, pass_name: str, rules: Mapping[str, Rules]) -> dict[str, PolicyOutcome]:
    levels = _levels(run, pass_name, rules)
    counts: dict[str, Counter[str]] = {source: Counter() for source in rules}
    documents: Counter[str] = Counter()
    with meter("what if", len(rules)) as shown:
        for source, of_source in rules.items():
            for file, table in _shards(run, source, pass_name, of_source):
                documents[source] += table.num_rows
                counts[source].update(reason for reason in table["reason"].to_pylist() if reason != KEPT)
                for level in levels:
                    level.see(source, file, table)
            shown.advance()
    dropped: list[pa.Table] = []
    for level in levels:
        dropped.append(level.dropped(dropped))
        for shard in dropped[-1]["shard"].to_pylist():
            counts[shard.split("/")[0]][level.reason] += 1
    return {source: PolicyOutcome.of(documents[source], dict(sorted(counts[source].items()))) for source in rules}


def _shards(run: RunRecord, source: str, pass_name: str, rules: Rules) -> Iterator[tuple[str, pa.Table]]:
    """Every shard of a source, judged by these rules."""
    folder, scores = run.folder(source, pass_name, "shards"), run.scores(source, pass_name)
    for part in Manifest.load(folder).parts:
        file = str(part["file"])
        yield file, judged(rules, folder, scores, file)
