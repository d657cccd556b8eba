"""What a user may write about a few-shot task in a study."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from pydantic import Field, field_validator, model_validator

from ablations.prompts.orders.registry import ORDERS
from ablations.prompts.selections.registry import SELECTIONS
from curation.recipes.recipe import check_name
from curation.runtime.config import Config
from curation.runtime.errors import ConfigError
from curation.runtime.registry import Plugin, Registry

if TYPE_CHECKING:
    from ablations.prompts.demos import Design
    from ablations.prompts.tasks.base import FewShotTask

T = TypeVar("T")
YAML = ".yaml"
MOST_SHOTS = 1024


class TaskSettings(Config):
    """A few-shot task of the study, and how its prompts are put together; `docs/tasks.md` has the details.

    Args:
        kind: a known task, or the path of a YAML file, relative to the study's file.
        name: by which readings are called; the task's kind when left out. So one task can be listed twice, with two settings.
        template: which of the task's wordings, counted from 1.
        pool, queries: JSONL files (.gz and .zst too) with the rows to draw demonstrations from and to ask about, relative to
            the recipe's data_root; the task's own when left out.
        draws: choices of demonstrations.
        items: rows asked, the first by hash.
        shots: numbers of demonstrations; the task's own when left out.
        balance: `balanced` takes demonstrations from the labels in turn.
        selection: which rows are demonstrations, such as `hashed`, the same for all queries, or the `nearest` to each.
        order: their order in the prompt, such as `hashed` or `similar_last`.
        group: field whose value rows share that ask about one thing, so that they count as one item; the task's own when left out,
            none where it is "".
        conditions: labels of the demonstrations: `gold`, and of `permuted`, `flipped`, `nonce` those that are wanted.
    """

    kind: str
    name: str = ""
    template: int = Field(default=1, ge=1)
    pool: str | None = None
    queries: str | None = None
    draws: int = Field(default=10, ge=1)
    items: int = Field(default=200, ge=1)
    shots: tuple[int, ...] | None = None
    balance: Literal["none", "balanced"] = "none"
    selection: str = "hashed"
    order: str = "hashed"
    group: str | None = None
    conditions: tuple[Literal["gold", "permuted", "flipped", "nonce"], ...] = ("gold", "permuted")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if isinstance(value, dict) and not value.get("name") and isinstance(value.get("kind"), str):
            kind = value["kind"]
            return {**value, "name": PurePosixPath(kind).stem if kind.endswith(YAML) else kind}
        return value

    @field_validator("name")
    @classmethod
    def _usable(cls, value: str) -> str:
        return check_name(value)

    @field_validator("shots")
    @classmethod
    def _ascending(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if value is not None and (not value or min(value) < 0 or max(value) > MOST_SHOTS):
            raise ValueError(f"needs numbers from 0 to {MOST_SHOTS}. Write such as [0, 1, 2, 4, 8].")
        return value and tuple(sorted(set(value)))

    def beside(self, folder: str) -> Self:
        """The same with the path of a YAML file found from the current folder."""
        return self.model_copy(update={"kind": os.path.join(folder, self.kind)}) if self.kind.endswith(YAML) else self

    def design(self, task: FewShotTask, plugins: Sequence[Plugin] = ()) -> Design:
        """How its prompts are put together.

        Raises:
            ConfigError: there is no selection or order of that name.
        """
        from ablations.prompts.demos import Design

        return Design(
            shots=task.shots if self.shots is None else self.shots,
            draws=self.draws,
            items=self.items,
            balanced=self.balance == "balanced",
            selection=self._member(SELECTIONS, "selection", plugins),
            order=self._member(ORDERS, "order", plugins),
            conditions=self.conditions,
        )

    def _member(self, registry: Registry[T], key: str, plugins: Sequence[Plugin]) -> T:
        try:
            return registry.get(getattr(self, key), plugins)()
        except ConfigError as error:
            raise ConfigError(f"task {self.name}: {key}: {error}") from error


def from_root(root: str, path: str) -> str:
    """A path of data as sources understand it: `~` is the home folder, relative paths start at `root`, URLs stay."""
    return path if "://" in path else os.path.join(root, os.path.expanduser(path))
