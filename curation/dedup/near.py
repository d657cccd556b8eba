"""Near-duplicates within and across the sources of a pass: the stages in their order, and what of them is stored.

Edges between similar documents are found once, whatever the policy (`near_route`, `near_candidates`, `near_shingles`,
`near_edges`); who is dropped is decided from them (`near_eligible`, `near_resolve`). Text never travels, hashes do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curation.annotators.base import Annotator
from curation.dedup import exact, near_candidates, near_edges, near_eligible, near_resolve, near_route, near_shingles
from curation.dedup.near_route import Shard
from curation.policy.policy import Rules
from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import ConfigError
from curation.runtime.identity import fingerprint
from curation.runtime.stages.stage import Stage
from curation.runtime.stages.stages import run_stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest


@dataclass(frozen=True)
class Found:
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


@dataclass(frozen=True)
class Dropped:
    """The decided near-duplicates of one pass.

    Attributes:
        folder: of the decisions.
        numbers: of the shards that took part, by "source/file".
        fingerprint: of the decisions.
        folders: of every step, by name.
    """

    folder: Folder
    numbers: Mapping[str, int]
    fingerprint: str
    folders: Mapping[str, Folder]


def find(
    members: Sequence[exact.Member],
    annotators: Mapping[str, Annotator],
    duplicates: exact.Edges | None,
    pass_name: str,
    out: Folder,
    compute: Compute,
) -> Dropped | None:
    """All near-duplicates that the members' policies drop; None when none of them asks.

    Raises:
        ConfigError: the members' bands cannot be compared.
    """
    label = compared_by({m.shards.source: m.rules for m in members})
    if label is None:
        return None
    taking_part = [m for m in members if m.rules.near_duplicates]
    found = _edges(taking_part, label, shingle_words(annotators[label]), pass_name, out, compute)
    return _decide(members, taking_part, found, duplicates, pass_name, out, compute)


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


def described(annotator: Annotator) -> str:
    """What is compared; refuses an annotator whose bands cannot be used."""
    return f"candidates by the bands of {annotator.label}, similarity of their sets of {shingle_words(annotator)} words"


def _edges(members: Sequence[exact.Member], label: str, words: int, name: str, out: Folder, compute: Compute) -> Found:
    shards = near_route.shards_of(members)
    buckets = near_route.buckets_for(shards)
    folders: dict[str, Folder] = {}

    def done(stage: Stage) -> str:
        manifests = run_stage(stage, out, compute)
        folders.update({part: output.folder(out) for part, output in stage.outputs.items()})
        return fingerprint([manifest.fingerprint for manifest in manifests.values()])

    what: dict[str, Any] = {"stage": "bands", "version": near_route.VERSION, "buckets": buckets}
    what["members"] = [
        [m.shards.source, m.shards.fingerprint, Manifest.load(m.scores[label]).fingerprint] for m in members
    ]
    print_ = done(near_route.route_stage(members, label, shards, what, name))
    what = {"stage": "candidates", "version": near_candidates.VERSION, "bands": print_}
    what["most_leaders"] = near_candidates.MOST_LEADERS
    print_ = done(near_candidates.candidates_stage(folders["bands"], shards, buckets, what, name))
    what = {"stage": "shingles", "version": near_shingles.VERSION, "candidates": print_, "words": words}
    places = [(shard, members[shard.member].shards.folder) for shard in shards]
    print_ = done(near_shingles.shingles_stage(places, folders["wanted"], buckets, what, name))
    what = {"stage": "edges", "version": near_edges.VERSION, "shingles": print_, "floor": floor_of(members)}
    stage = near_edges.edges_stage(shards, folders["pairs"], folders["shingles"], buckets, what, name)
    return Found(folders, shards, buckets, done(stage))


def floor_of(members: Sequence[exact.Member]) -> float:
    """The least similarity of which edges are stored."""
    return min([near_edges.FLOOR, *(m.rules.near_duplicates.jaccard for m in members if m.rules.near_duplicates)])


def _decide(
    members: Sequence[exact.Member],
    taking_part: Sequence[exact.Member],
    found: Found,
    duplicates: exact.Edges | None,
    name: str,
    out: Folder,
    compute: Compute,
) -> Dropped:
    limits = near_resolve.limits_of({m.shards.source: m.rules for m in members})
    what = {
        "stage": "eligible",
        "version": near_eligible.VERSION,
        "edges": found.fingerprint,
        "buckets": found.buckets,
        "members": [[m.shards.source, m.identity, _settings(m)] for m in taking_part],
        "duplicates": duplicates.fingerprint if duplicates else None,
    }
    eligible = near_eligible.eligible_stage(taking_part, found.shards, found.folders["wanted"], duplicates, what, name)
    print_ = run_stage(eligible, out, compute)["eligible"].fingerprint
    where = eligible.outputs["eligible"].folder(out)
    finite = {source: limit if limit < near_resolve.NEVER else None for source, limit in limits.items()}
    what = {"stage": "near_duplicates", "version": near_resolve.VERSION, "eligible": print_, "limits": finite}
    stage = near_resolve.resolve_stage(found.shards, where, found.folders["edges"], duplicates, limits, what, name)
    print_ = run_stage(stage, out, compute)["dropped"].fingerprint
    folder = stage.outputs["dropped"].folder(out)
    folders = {**found.folders, "eligible": where, "dropped": folder}
    return Dropped(folder, {shard.name: shard.number for shard in found.shards}, print_, folders)


def _settings(member: exact.Member) -> list[Any]:
    """What of a policy decides about near-duplicates, apart from what keeps a document at all."""
    near = member.rules.near_duplicates
    assert near is not None
    quality = Manifest.load(member.scores[near.quality.partition(".")[0]]).fingerprint if near.quality else None
    return [near.model_dump(mode="json"), quality]
