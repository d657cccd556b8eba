"""The levels of deduplication, in the order in which a pass runs them: the level with the strictest comparison comes first."""

from __future__ import annotations

from collections.abc import Mapping

from curation.annotators.base import Annotator
from curation.dedup.exact import ExactLevel
from curation.dedup.level import Dropped, Level
from curation.dedup.near.near_duplicates import NearLevel
from curation.policy.judging import JudgedPass
from curation.policy.policy import Rules
from curation.runtime.cluster.cluster import Compute
from curation.runtime.store.folder import Folder

LEVELS: tuple[Level, ...] = (ExactLevel(), NearLevel())


def described(rules: Mapping[str, Rules], annotators: Mapping[str, Annotator]) -> list[str]:
    """What each level that the rules of the sources ask for would do, for `--dry-run`."""
    return [line for level in LEVELS if (line := level.described(rules, annotators))]


def find_duplicates(judged: JudgedPass, out: Folder, compute: Compute) -> list[Dropped]:
    """What each level drops of a pass, for those that its rules ask for."""
    dropped: list[Dropped] = []
    for level in LEVELS:
        of_level = level.find(judged, tuple(dropped), out, compute)
        if of_level:
            dropped.append(of_level)
    return dropped
