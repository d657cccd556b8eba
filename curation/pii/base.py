"""The contract of an entity of personal information: find it, and say what stands in its place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar

from curation.runtime.registry import Registry


class Entity(ABC):
    """One sort of personal information. A subclass in its own file under `pii/` is all that is needed to add one.

    `examples` maps a text to that text with every find replaced; they are the entity's tests and appear in the docs.
    """

    kind: ClassVar[str]
    version: ClassVar[int]  # raise it when a find or a replacement changes
    examples: ClassVar[Mapping[str, str]]

    @abstractmethod
    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Starts and ends of all finds in code points, in order, not overlapping."""

    @abstractmethod
    def replacement(self, value: str) -> str:
        """What stands in place of `value`; it depends on nothing else, so that equal texts stay equal."""


REGISTRY: Registry[Entity] = Registry("curation.pii", "Entity", "loam.entities", "entity")
