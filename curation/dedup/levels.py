"""The levels of deduplication, in the order in which a pass walks through them: what drops for the surest reason comes first."""

from __future__ import annotations

from curation.dedup.exact import ExactLevel
from curation.dedup.level import Dropped, Level
from curation.dedup.near.near_duplicates import NearLevel
from curation.policy.judging import JudgedPass
from curation.runtime.cluster.cluster import Compute
from curation.runtime.store.folder import Folder

LEVELS: tuple[Level, ...] = (ExactLevel(), NearLevel())


def find(judged: JudgedPass, out: Folder, compute: Compute) -> list[Dropped]:
    """What each level drops of a pass, for those that its rules ask for."""
    dropped: list[Dropped] = []
    for level in LEVELS:
        of_level = level.find(judged, tuple(dropped), out, compute)
        if of_level:
            dropped.append(of_level)
    return dropped
