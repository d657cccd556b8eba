"""The data that a cell is measured on, and how much of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablations.core.data.documents import Documents
from ablations.core.data.hashing import hash_ids, key_of
from ablations.core.data.items import Group, Item, TaskItems
from ablations.core.data.mixture import MixedWindows
from ablations.core.data.training_windows import training_windows
from ablations.core.spec.measuring_spec import EffortSpec, MeasuringSpec
from ablations.core.spec.training_spec import TrainingSpec


@dataclass(frozen=True)
class TrainingWindows:
    """The windows that a cell trained on, opened when they are asked for."""

    folder: Path
    spec: TrainingSpec

    @property
    def total(self) -> int:
        """Windows of the whole run."""
        return self.spec.steps * self.spec.schedule.batch

    def opened(self) -> MixedWindows:
        """Windows by number."""
        return training_windows(self.folder, self.spec)


@dataclass(frozen=True)
class EvaluationData:
    """Held-out documents and few-shot items of a cell. Choices are prefixes of a hashed order, so less nests in more.

    `windows`, `items`, `sequences` and `repeats` say how many of each to use; `batch` how many sequences to score at once, which
    changes no result beyond rounding. `numbers` and `capitals`: pieces by their characters. `generate`: whether answers are
    written where a task has such. `training`: the windows that the cell trained on, for metrics of those.
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
    repeats: int = 0
    numbers: tuple[int, ...] = ()
    capitals: tuple[int, ...] = ()
    generate: bool = True
    training: TrainingWindows | None = None

    @classmethod
    def of(cls, folder: Path, spec: TrainingSpec, measuring: MeasuringSpec) -> EvaluationData:
        """Everything, at the effort of the end."""
        model, effort = spec.model, measuring.effort
        return cls(
            context=model.context,
            vocab_size=model.vocab_size,
            bos=spec.bos,
            specials=tuple(sorted({spec.bos, *measuring.specials})),
            heldout={
                name: Documents.read(folder, stem, model.vocab_size, spec.bos)
                for name, stem in sorted(measuring.heldout.items())
            },
            tasks=[
                in_hashed_order(TaskItems.read(folder / path, model.vocab_size, model.context), measuring.seed)
                for path in measuring.tasks
            ],
            seed=measuring.seed,
            windows=effort.windows,
            items=effort.items,
            sequences=effort.sequences,
            repeats=effort.repeats,
            numbers=measuring.numbers,
            capitals=measuring.capitals,
            batch=effort.batch,
            training=TrainingWindows(folder, spec),
        )

    def only(self, reads: Collection[str], task: str = "") -> EvaluationData:
        """The part that a metric with these fields sees: one task or none, and nothing else."""
        tasks = [each for each in self.tasks if each.task == task]
        return self.replace(
            heldout=self.heldout if "heldout" in reads else {},
            windows=self.windows if "windows" in reads else 0,
            sequences=self.sequences if "sequences" in reads else 0,
            repeats=self.repeats if "repeats" in reads else 0,
            numbers=self.numbers if "numbers" in reads else (),
            capitals=self.capitals if "capitals" in reads else (),
            items=self.items if "items" in reads else 0,
            training=self.training if "training" in reads else None,
            tasks=tasks,
        )

    def quick(self, effort: EffortSpec) -> EvaluationData:
        """The same at the effort of a point of the curve, which knows no texts and so needs no written answers."""
        return self.replace(
            windows=effort.curve_windows,
            items=effort.curve_items,
            sequences=effort.curve_sequences,
            repeats=effort.curve_repeats,
            generate=False,
        )

    def replace(self, **changes: Any) -> EvaluationData:
        """A copy with other values."""
        return dataclasses.replace(self, **changes)

    def hashed_order(self, documents: Documents) -> NDArray[np.int64]:
        """Numbers of the documents in the order in which they are chosen."""
        return np.argsort(hash_ids(documents.ids, "evaluation", self.seed), kind="stable")

    def items_of(self, group: Group) -> tuple[Item, ...]:
        """The first items of a group, which `of` has put into hashed order: the same ones in every group."""
        return group.items[: self.items]


def in_hashed_order(task: TaskItems, seed: int) -> TaskItems:
    """The task with the items of each group ordered by a hash of their ids, the two of a pair together."""

    def rank(item: Item) -> tuple[int, str]:
        return key_of("item", seed, item.id.split(".")[0]), item.id

    ordered: dict[int, tuple[Item, ...]] = {}  # of items that thousands of groups share, sorted once
    for group in task.groups:
        if id(group.items) not in ordered:
            ordered[id(group.items)] = tuple(sorted(group.items, key=rank))
    groups = tuple(dataclasses.replace(group, items=ordered[id(group.items)]) for group in task.groups)
    return dataclasses.replace(task, groups=groups)
