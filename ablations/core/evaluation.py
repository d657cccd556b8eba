"""What a cell is measured on, and how much of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablations.core.documents import Documents
from ablations.core.hashing import hash_ids, key_of
from ablations.core.items import Group, Item, TaskItems
from ablations.core.spec import CellSpec, EffortSpec


@dataclass(frozen=True)
class EvaluationData:
    """Held-out documents and few-shot items of a cell. Choices are prefixes of a hashed order, so less nests in more.

    `windows`, `items` and `sequences` say how many of each to use; `batch` how many sequences to score at once, which
    changes no result beyond rounding.
    """

    context: int
    vocab_size: int
    bos: int
    specials: tuple[int, ...]
    heldout: Mapping[str, Documents]
    tasks: Sequence[TaskItems]
    seed: int
    windows: int
    items: int
    sequences: int
    batch: int

    @classmethod
    def of(cls, folder: Path, spec: CellSpec) -> EvaluationData:
        """Everything, at the effort of the end."""
        model, tokenizer, effort = spec.model, spec.tokenizer, spec.effort
        return cls(
            context=model.context,
            vocab_size=model.vocab_size,
            bos=tokenizer.bos,
            specials=tuple(sorted({tokenizer.bos, *tokenizer.specials})),
            heldout={
                name: Documents.read(folder, stem, model.vocab_size, tokenizer.bos)
                for name, stem in sorted(spec.heldout.items())
            },
            tasks=[TaskItems.read(folder / path, model.vocab_size, model.context) for path in spec.tasks],
            seed=spec.seeds.evaluation,
            windows=effort.windows,
            items=effort.items,
            sequences=effort.sequences,
            batch=effort.batch,
        )

    def quick(self, effort: EffortSpec) -> EvaluationData:
        """The same at the effort of a point of the curve."""
        return self.replace(windows=effort.curve_windows, items=effort.curve_items, sequences=effort.curve_sequences)

    def replace(self, **changes: Any) -> EvaluationData:
        """A copy with other values."""
        return dataclasses.replace(self, **changes)

    def hashed_order(self, documents: Documents) -> NDArray[np.int64]:
        """Numbers of the documents in the order in which they are chosen."""
        return np.argsort(hash_ids(documents.ids, "evaluation", self.seed), kind="stable")

    def items_of(self, group: Group) -> list[Item]:
        """The first items by hash of their ids: the same ones in every group that has them, pairs together."""
        ranked = sorted(group.items, key=lambda item: (key_of("item", self.seed, item.id.split(".")[0]), item.id))
        return ranked[: self.items]
