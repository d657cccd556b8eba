"""The contract of a transform: a document in, the document with one statistic changed out, and what must stay the same."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from curation.runtime.config import Config
from curation.runtime.identity import seed
from curation.runtime.registry import plugin_digest


@dataclass(frozen=True)
class Document:
    """A curated document: its 128-bit id and its text."""

    id: bytes
    text: str


Shares = Mapping[
    str, tuple[float, float]
]  # name -> (numerator, denominator); sums of both over documents are meaningful


def name_of(invariant: Callable[[str], Any]) -> str:
    """`word counts` of the function `word_counts`."""
    return invariant.__name__.replace("_", " ")


class Transform(Config, ABC):
    """One statistic to change. A subclass in its own file under `transforms/` is all that is needed to add one.

    The new text of a document depends on its text, its id, the seed and what `gather` returned for the whole source; never on the
    number of workers. `examples` maps a text to its new text under an id of sixteen zero bytes, with nothing gathered: they are
    the transform's tests.

    Attributes:
        keeps: functions of a text that must give the same before and after, such as those of `invariants.py`; checked in every
            document and named in errors and records.
        seed: another number gives other places and other names.
    """

    kind: str
    version: int
    seed: int = 0

    keeps: ClassVar[tuple[Callable[[str], Any], ...]]
    examples: ClassVar[Mapping[str, str]] = {}
    gathers: ClassVar[bool] = False

    def gather(self, documents: Iterable[Document], total: int) -> pa.Table:
        """What `prepared` needs from the whole source of `total` documents, in order; called only when `gathers` is true."""
        raise NotImplementedError(f"{self.kind} says that it gathers")

    def prepared(self, gathered: pa.Table | None) -> Any:
        """What was gathered, in the form that `apply` takes; computed once a task."""
        return None

    @abstractmethod
    def apply(self, document: Document, known: Any) -> str:
        """The document's new text."""

    def measure(self, document: Document, known: Any) -> Shares:
        """Statistics of its own, beside those that are taken of every transform."""
        return {}

    def seed_of(self, document: Document, *purpose: str | int) -> int:
        """A number for this document and purpose, for `movable.permutation` and for choices."""
        return seed(self.kind, self.seed, document.id.hex(), *purpose)

    def checked(self, document: Document, known: Any) -> str:
        """`apply`, with a check of everything that it promises to keep.

        Raises:
            AssertionError: it changed one of `keeps`; a bug of the transform.
        """
        text = self.apply(document, known)
        for invariant in self.keeps if text != document.text else ():
            if invariant(text) != invariant(document.text):
                name = name_of(invariant)
                raise AssertionError(f"transform {self.kind}: document {document.id.hex()} did not keep its {name}")
        return text

    def what(self) -> dict[str, Any]:
        """Everything that its results depend on."""
        return {**self.model_dump(mode="json"), "plugin": plugin_digest(type(self))}
