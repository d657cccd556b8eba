"""Near-duplicates within and across the sources of a pass: the stages in their order, and what they store.

Edges between similar documents are found once, whatever the policy (`route`, `candidates`, `shingles`, `edges`); who is dropped is
decided from them (`eligible`, `resolve`). Text never travels, hashes do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from curation.annotators.base import Annotator
from curation.dedup.level import Drop, Dropped, Level
from curation.dedup.near import candidates, edges, eligible, resolve, route, shingles
from curation.dedup.near.candidates import row_group
from curation.dedup.near.route import Shard
from curation.policy.judging import JudgedPass, JudgedSource
from curation.policy.policy import Rules
from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import ConfigError
from curation.runtime.identity import fingerprint
from curation.runtime.stages.stage import AnyStage
from curation.runtime.stages.stages import run_stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest


@dataclass(frozen=True)
class NearDropped(Dropped):
    """One file, with a row group for each of the numbered shards that took part.

    Attributes:
        shards: their names, in the order of their numbers.
    """

    level: ClassVar[str] = "near_duplicates"
    reason: ClassVar[str] = "near_duplicate"
    shards: Sequence[str]

    def of_shard(self, shard: str) -> Iterator[Drop]:
        return resolve.dropped_of(self.folders["dropped"], self.shards.index(shard))

    def keepers(self) -> Iterator[pa.Table]:
        for number, shard in enumerate(self.shards):
            table = row_group(self.folders["dropped"], resolve.FILE, number).select(["keeper"])
            yield table.add_column(0, "shard", pa.array(np.full(table.num_rows, shard, object), pa.string()))


class NearLevel(Level):
    """Documents whose sets of shingles are similar."""

    def described(self, rules: Mapping[str, Rules], annotators: Mapping[str, Annotator]) -> str | None:
        label = compared_by(rules)
        if label is None:
            return None
        words = shingle_words(annotators[label])
        compared = f"candidates by the bands of {annotators[label].label}, similarity of their sets of {words} words"
        return f"near-duplicates: {compared}, by priority of the sources"

    def find(self, judged: JudgedPass, earlier: Sequence[Dropped], out: Folder, compute: Compute) -> Dropped | None:
        """All near-duplicates that the sources' policies drop.

        Raises:
            ConfigError: the sources' bands cannot be compared.
        """
        label = compared_by({source.name: source.rules for source in judged.sources})
        if label is None:
            return None
        stored = _edges(judged, label, out, compute)
        return _decide(judged, stored, earlier, out, compute)


def compared_by(rules: Mapping[str, Rules]) -> str | None:
    """The annotator whose bands find the pairs of a pass; None when no source asks for near-duplicates.

    Raises:
        ConfigError: the sources name different ones.
    """
    named = {r.near_duplicates.scores: source for source, r in rules.items() if r.near_duplicates}
    if len(named) > 1:
        (one, first), (other, second) = list(named.items())[:2]
        raise ConfigError(
            f"near_duplicates: source {first} names the scores {one!r}, source {second} {other!r}, whose bands cannot be "
            "compared. Name one annotator for all sources."
        )
    return next(iter(named), None)


def shingle_words(annotator: Annotator) -> int:
    """Words in a shingle of this annotator: similarity is measured on the same shingles that its bands come from."""
    words = getattr(annotator, "shingle_words", None)
    if not isinstance(words, int):
        raise ConfigError(
            f"near_duplicates: annotator {annotator.label!r} has no setting shingle_words. Write scores: min_hash."
        )
    return words


@dataclass(frozen=True)
class StoredEdges:
    """The edges of one pass.

    Attributes:
        folders: of each step, by name: `bands`, `pairs`, `wanted`, `shingles`, `edges`.
        shards: those that took part, numbered.
        buckets: of bands.
        fingerprint: of the edges.
    """

    folders: Mapping[str, Folder]
    shards: Sequence[Shard]
    buckets: int
    fingerprint: str


def _taking_part(judged: JudgedPass) -> list[JudgedSource]:
    return [source for source in judged.sources if source.rules.near_duplicates]


def _edges(judged: JudgedPass, label: str, out: Folder, compute: Compute) -> StoredEdges:
    sources, words, name = _taking_part(judged), shingle_words(judged.annotators[label]), judged.name
    shards = route.shards_of([source.shards for source in sources])
    buckets = route.buckets_for(shards)
    folders: dict[str, Folder] = {}

    def done(stage: AnyStage) -> str:
        manifests = run_stage(stage, out, compute)
        folders.update({part: output.folder(out) for part, output in stage.outputs.items()})
        return fingerprint([manifest.fingerprint for manifest in manifests.values()])

    what: dict[str, Any] = {"stage": "bands", "version": route.VERSION, "buckets": buckets}
    what["members"] = [
        [source.name, source.shards.fingerprint, Manifest.load(source.scores[label]).fingerprint] for source in sources
    ]
    print_ = done(route.route_stage(sources, label, shards, what, name))
    what = {"stage": "candidates", "version": candidates.VERSION, "bands": print_}
    what["most_leaders"] = candidates.MOST_LEADERS
    print_ = done(candidates.candidates_stage(folders["bands"], shards, buckets, what, name))
    what = {"stage": "shingles", "version": shingles.VERSION, "candidates": print_, "words": words}
    texts = [source.shards.folder for source in sources]
    of_shingles = shingles.ShinglesShared(texts, folders["wanted"], buckets, len(shards), words)
    print_ = done(shingles.shingles_stage(shards, of_shingles, what, name))
    floor = floor_of(sources)
    what = {"stage": "edges", "version": edges.VERSION, "shingles": print_, "floor": floor}
    of_edges = edges.EdgesShared(folders["pairs"], folders["shingles"], buckets, floor)
    return StoredEdges(folders, shards, buckets, done(edges.edges_stage(shards, of_edges, what, name)))


def floor_of(sources: Sequence[JudgedSource]) -> float:
    """The least similarity of which edges are stored."""
    return min([edges.FLOOR, *(s.rules.near_duplicates.jaccard for s in sources if s.rules.near_duplicates)])


def _decide(
    judged: JudgedPass, stored: StoredEdges, earlier: Sequence[Dropped], out: Folder, compute: Compute
) -> Dropped:
    sources, name = _taking_part(judged), judged.name
    what: dict[str, Any] = {
        "stage": "eligible",
        "version": eligible.VERSION,
        "edges": stored.fingerprint,
        "buckets": stored.buckets,
        "members": [[source.name, source.identity, _settings(source)] for source in sources],
        "duplicates": None,  # in every fingerprint, also when there are none
        **{dropped.level: dropped.fingerprint for dropped in earlier},
    }
    ranking = eligible.eligible_stage(sources, stored.shards, stored.folders["wanted"], earlier, what, name)
    print_ = run_stage(ranking, out, compute)["eligible"].fingerprint
    where = ranking.outputs["eligible"].folder(out)
    limits = resolve.limits_of({source.name: source.rules for source in judged.sources})
    finite = {source: limit if limit < resolve.NEVER else None for source, limit in limits.items()}
    what = {"stage": "near_duplicates", "version": resolve.VERSION, "eligible": print_, "limits": finite}
    of_pairs = resolve.ResolveShared(where, stored.folders["edges"], earlier, limits)
    stage = resolve.resolve_stage(stored.shards, of_pairs, what, name)
    print_ = run_stage(stage, out, compute)["dropped"].fingerprint
    folders = {**stored.folders, "eligible": where, "dropped": stage.outputs["dropped"].folder(out)}
    return NearDropped([s.name for s in sources], folders, print_, [shard.name for shard in stored.shards])


def _settings(source: JudgedSource) -> list[Any]:
    """The settings of a policy that decide near-duplicates, apart from those that keep a document at all."""
    near = source.rules.near_duplicates
    assert near is not None
    quality = Manifest.load(source.scores[near.quality.partition(".")[0]]).fingerprint if near.quality else None
    return [near.model_dump(mode="json"), quality]
