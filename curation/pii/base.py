"""The contract of an entity of personal information: find it, and say what stands in its place."""

from __future__ import annotations

import importlib.metadata
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar

from curation.runtime.registry import plugin_digest


class Entity(ABC):
    """One sort of personal information. A subclass in its own file under `pii/` is all that is needed to add one.

    `examples` maps a text to that text with every find replaced; they are the entity's tests and appear in the docs.
    """

    kind: ClassVar[str]
    version: ClassVar[int]  # raise it when a find or a replacement changes
    libraries: ClassVar[tuple[str, ...]] = ()  # distributions whose tables decide what is found
    examples: ClassVar[Mapping[str, str]]

    @classmethod
    def identity(cls) -> str:
        """Everything that finds and replacements depend on; part of the fingerprint of what they write."""
        libraries = (f"{name} {importlib.metadata.version(name)}" for name in cls.libraries)
        return " ".join((f"version {cls.version}", plugin_digest(cls), *libraries)).strip()

    @abstractmethod
    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Starts and ends of all finds in code points, in order, not overlapping."""

    @abstractmethod
    def replacement(self, value: str) -> str:
        """What stands in place of `value`; it depends on nothing else, so that equal texts stay equal."""
