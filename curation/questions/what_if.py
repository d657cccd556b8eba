"""What another policy would keep, answered from the scores of a finished run; no text is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.dedup.exact import ROUTED, resolve
from curation.policy.eligibility import shard_reasons
from curation.policy.policy import DUPLICATE, KEPT, NEAR_DUPLICATE, Policy, Rules
from curation.questions.run_record import RunRecord
from curation.questions.what_if_near import NearAgain
from curation.runtime.config import build, with_settings
from curation.runtime.errors import ConfigError
from curation.runtime.progress import meter
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.shards import ID, read_columns


@dataclass(frozen=True)
class Outcome:
    """What a policy does to one source: documents that it keeps, and drops by reason."""

    documents: int
    kept: int
    dropped: Mapping[str, int]

    @classmethod
    def of(cls, documents: int, dropped: Mapping[str, int]) -> Outcome:
        return cls(documents, documents - sum(dropped.values()), dropped)


@dataclass(frozen=True)
class Comparison:
    """One source as the run decided, and as the other policy would."""

    before: Outcome
    after: Outcome


def what_if(run: RunRecord, pass_name: str | None, settings: Sequence[str]) -> dict[str, Comparison]:
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
    return {source: Comparison(_decided(run, source, pass_.name), after[source]) for source in sources}


def _decided(run: RunRecord, source: str, pass_name: str) -> Outcome:
    counts = Manifest.load(run.folder(source, pass_name, "decide")).counts
    return Outcome.of(int(counts["documents"]), dict(counts["dropped"]))


def _outcomes(run: RunRecord, pass_name: str, rules: Mapping[str, Rules]) -> dict[str, Outcome]:
    similar = NearAgain.of(run, pass_name, rules)
    dropped: dict[str, Counter[str]] = {}
    documents: dict[str, int] = {}
    eligible: list[pa.Table] = [ROUTED.empty_table()]
    with meter("what if", len(rules)) as shown:
        for priority, (source, of_source) in enumerate(rules.items()):
            dropped[source], documents[source] = Counter(), 0
            for file, ids, found in _shards(run, source, pass_name, of_source):
                dropped[source].update(reason for reason in found if reason != KEPT)
                documents[source] += len(found)
                kept = np.array([reason == KEPT for reason in found], bool)
                if of_source.duplicates:
                    hashes = run.scores(source, pass_name)[of_source.duplicates]
                    eligible.append(_routed(hashes, file, ids, kept, (source, priority)))
                if similar:
                    similar.see(source, file, kept)
            shown.advance()
    edges = resolve(pa.concat_tables(eligible).combine_chunks())
    for shard in edges["shard"].to_pylist():
        dropped[shard.split("/")[0]][DUPLICATE] += 1
    for source, n in similar.dropped(edges).items() if similar else ():
        dropped[source][NEAR_DUPLICATE] += n
    return {source: Outcome.of(documents[source], dict(sorted(dropped[source].items()))) for source in rules}


def _shards(run: RunRecord, source: str, pass_name: str, rules: Rules) -> Iterator[tuple[str, list[bytes], list[str]]]:
    folder, scores = run.folder(source, pass_name, "shards"), run.scores(source, pass_name)
    for part in Manifest.load(folder).parts:
        file = str(part["file"])
        yield file, *shard_reasons(rules, folder, scores, file)


def _routed(
    scores: Folder, file: str, ids: Sequence[bytes], kept: npt.NDArray[np.bool_], source: tuple[str, int]
) -> pa.Table:
    """A shard's eligible documents as exact deduplication sees them; `source` is its name and priority."""
    rows = np.flatnonzero(kept)
    columns = [
        read_columns(scores, file, ["hash"])["hash"].combine_chunks().take(pa.array(rows)),
        pa.array(ids, ID).take(pa.array(rows)),
        pa.array(np.full(len(rows), source[1], np.int32)),
        pa.array([f"{source[0]}/{file}"] * len(rows), pa.string()),
        pa.array(rows),
    ]
    return pa.table(columns, schema=ROUTED)
