"""The contract of an entity of personal information: find it, and give its replacement."""

from __future__ import annotations

import importlib.metadata
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar

from curation.runtime.registry import plugin_digest


class Entity(ABC):
    """One sort of personal information. A subclass in its own file under `pii/` is all that is needed to add one.

    Attributes:
        by_default: looked for where a recipe names no entities; its recall and precision are then stated. Off, so that a new
            entity changes nobody's results.
        examples: a text and that text with every find replaced; they are the entity's tests and appear in the docs.
        labelled_lines: lines written by hand, none from a corpus, with every piece that should be found marked by ⟦ ⟧. Lines
            without a mark hold what is easily mistaken. Some are known to be judged wrongly and are marked as such.
        missed, mistaken: how many of the marked pieces are not found, and how many finds are no marked piece.
    """

    kind: ClassVar[str]
    version: ClassVar[int]  # raise it when a find or a replacement changes
    libraries: ClassVar[tuple[str, ...]] = ()  # distributions whose tables decide what is found
    by_default: ClassVar[bool] = False
    examples: ClassVar[Mapping[str, str]]
    labelled_lines: ClassVar[tuple[str, ...]] = ()
    missed: ClassVar[int] = 0
    mistaken: ClassVar[int] = 0

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
        """The text that replaces `value`; it depends on nothing else, so that equal texts stay equal."""
