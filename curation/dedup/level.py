"""What a level of deduplication is. A pass walks through all levels in order; each sees what the earlier ones have dropped.

A level compares the documents that the rules of their sources keep, and drops one only in favour of another that stays. It stores
what it drops with its evidence: the document kept instead, and how similar the two are. Every level has one module, or one
folder, and is named in `curation/passes/levels.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import pyarrow as pa

from curation.annotators.base import Annotator
from curation.policy.judging import JudgedPass
from curation.policy.policy import Rules
from curation.runtime.cluster.cluster import Compute
from curation.runtime.store.folder import Folder


class Drop(NamedTuple):
    """One dropped document of a shard, with its evidence: the id of the document that stays in its place."""

    row: int
    keeper: bytes
    similarity: float


@dataclass(frozen=True)
class Dropped(ABC):
    """What a level drops in one pass. It travels to the tasks that decide.

    Attributes:
        level: name of the level: of the field of `Rules` that asks for it, and in records and fingerprints.
        reason: of the documents that it drops.
        sources: names of those that take part.
        folders: of its steps, by name: all that `loam gc` has to keep for it.
        fingerprint: of everything that is dropped.
    """

    level: ClassVar[str]
    reason: ClassVar[str]
    sources: Sequence[str]
    folders: Mapping[str, Folder]
    fingerprint: str

    @abstractmethod
    def of_shard(self, shard: str) -> Iterator[Drop]:
        """What is dropped of one shard ("source/file"), in any order."""

    @abstractmethod
    def keepers(self) -> Iterator[pa.Table]:
        """Everything that is dropped, in tables that fit in memory: `shard` ("source/file") and `keeper`."""

    def of(self, source: str, file: str) -> Iterator[Drop]:
        """What is dropped of one shard of a source; nothing where the source takes no part."""
        return self.of_shard(f"{source}/{file}") if source in self.sources else iter(())


class Level(ABC):
    """Finds duplicates of one sort."""

    @abstractmethod
    def described(self, rules: Mapping[str, Rules], annotators: Mapping[str, Annotator]) -> str | None:
        """A line for `--dry-run`; None when no source asks for this level.

        Args:
            rules: of each source.

        Raises:
            ConfigError: the rules ask for what cannot be compared.
        """

    @abstractmethod
    def find(self, judged: JudgedPass, earlier: Sequence[Dropped], out: Folder, compute: Compute) -> Dropped | None:
        """Run the stages of this level; None when no source asks for it.

        Args:
            earlier: what the levels before have dropped.
        """
