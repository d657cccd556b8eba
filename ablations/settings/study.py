"""What a user may write in a study: sources, tokenizer, arms, cells, claims. Typed, frozen, unknown keys refused."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializeAsAny, field_validator, model_validator

from ablations.claims.base import Claim
from ablations.claims.registry import make_claim
from ablations.prompts.task_settings import TaskSettings
from ablations.settings.cells import CellSettings, cells_of, merged_cells
from ablations.settings.controls import ControlSettings
from ablations.settings.heldout import HeldoutWindows
from ablations.settings.machine import MachineSettings
from ablations.settings.tokenizers import ArmTokenizer
from curation.recipes import loading
from curation.recipes.recipe import Name
from curation.runtime.config import Config, build, merged, read_yaml
from curation.runtime.errors import ConfigError
from curation.runtime.registry import Plugin
from curation.runtime.shipped import find_config

SHIPPED_CONTROLS = "controls.yaml"


class Arm(Config):
    """A mixture at a size, in a model shape.

    Args:
        mixture: weights of sources, or the path of a YAML file with a `mixture:` of them.
        fraction: share of each source's tokens, in whole documents by hash: 0.5's documents are among 1.0's.
        offset: where that share begins: 0.5 from 0 and 0.5 from 0.5 are two halves that share no document.
        cells: what differs from the study's `cells`.
        tokenizer: what differs from the study's `tokenizer`.
    """

    mixture: dict[str, float] | str
    fraction: float = Field(default=1.0, gt=0, le=1)
    offset: float = Field(default=0.0, ge=0, lt=1)
    cells: dict[str, Any] = {}
    tokenizer: dict[str, Any] = {}

    @field_validator("mixture")
    @classmethod
    def _positive(cls, value: dict[str, float] | str) -> dict[str, float] | str:
        if isinstance(value, dict) and (not value or any(not weight > 0 for weight in value.values())):
            raise ValueError(
                "needs at least one source, each with a weight above 0. Leave out sources that are not used."
            )
        return value


class Study(Config):
    """Raw text to verdicts.

    Args:
        name: of the run; `<out>/runs/<name>.json`.
        question: what the study is to answer, in the user's words.
        recipe: a recipe's file, relative to the study's file, or the recipe itself; its keys `base` and `only` are those of
            any recipe.
        tokenizer: of the arms; `arms.NAME.tokenizer` is merged into it.
        heldout: what measures are taken on: `{windows: N}` of each source, or a share of its documents, by hash.
        arms: by name; a study without arms runs the controls alone.
        cells: of all arms, as `ablations/settings/cells.py` types them; `arms.NAME.cells` is merged into it.
        controls: merged into `configs/controls.yaml`.
        tasks, metrics: by kind; `control_map` and all built-in metrics when left out.
        best_of: a nuisance, such as `learning_rate`: every arm is run at each of its values, and verdicts are about the cells of
            that value at which the arm's own held-out text takes the fewest bits per byte.
        look_for_items: whether the items of tasks are looked for in the text of the arms, and scored apart where they stand in it.
        weights_gib: disk that the weights of all cells along the way may take; a study that needs more is refused at the start.
        equal: `tokens`, arms train on as many tokens as their schedule says; or `epochs`, that holds for the arm with the most
            text, and the others train on fewer, so that all read their text as often. One epoch of a mixture is what can be taken
            of its sources in the proportion of its weights before one of them is used up: the source that an arm reads most often
            is read as often in every arm. Arms then have no `schedule.tokens` of their own.
        seeds: cells of each arm.
        seed: base of all seeds; another number repeats the whole study with other random choices.
        machine: where the cells run, if elsewhere; `loam ablate pack` takes them there.
        accept: checks of the design (`ablations/evidence/design`) whose concerns do not refuse the study.
        claims: what the study is to decide, registered before it runs.
        plugins: Python files with further members, such as tasks, metrics and claims, relative to the study's file.
    """

    name: Name
    question: str = ""
    recipe: dict[str, Any] = {"sources": {}}
    tokenizer: ArmTokenizer = ArmTokenizer()
    heldout: HeldoutWindows | Annotated[float, Field(gt=0, lt=1)] = HeldoutWindows()
    arms: dict[str, Arm] = {}
    cells: dict[str, Any] = {}
    best_of: str = ""
    look_for_items: bool = True
    weights_gib: float = Field(default=20.0, gt=0)
    controls: dict[str, Any] = {}
    tasks: tuple[TaskSettings | str, ...] = ("control_map",)
    metrics: tuple[str, ...] = ()
    equal: Literal["tokens", "epochs"] = "tokens"
    seeds: int = Field(default=2, ge=1)
    seed: int = 0
    machine: MachineSettings | None = None
    accept: tuple[str, ...] = ()
    claims: tuple[SerializeAsAny[Claim], ...] = ()
    plugins: tuple[str, ...] = ()
    folder: str = Field(default=".", exclude=True)

    @field_validator("heldout", mode="before")
    @classmethod
    def _share_or_windows(cls, value: Any) -> Any:
        if isinstance(value, int | float) and not 0 < value < 1:
            raise ValueError(f"{value:g} is no share. Give more than 0 and less than 1, or {{windows: N}}.")
        return value

    @model_validator(mode="before")
    @classmethod
    def _claims_of_their_kinds(cls, value: Any) -> Any:
        """Only here are the plugins known that may define a kind."""
        written = value.get("claims") if isinstance(value, dict) else None
        if not isinstance(written, list | tuple):
            return value
        try:
            plugins = read_plugins(value.get("folder", "."), loading.names_in(value.get("plugins") or (), "plugins"))
            claims = [
                each if isinstance(each, Claim) else make_claim(each, plugins, f"claims.{number}")
                for number, each in enumerate(written)
            ]
        except ConfigError as error:
            raise ValueError(str(error)) from error
        return {**value, "claims": claims}

    @model_validator(mode="after")
    def _each_name_once(self) -> Self:
        names = [task.name for task in self.task_settings]
        files = [os.path.basename(path) for path in self.plugins]
        for what, given in (("tasks", names), ("plugins", files)):
            if twice := sorted({name for name in given if given.count(name) > 1}):
                raise ValueError(f"{what}: {twice[0]!r} is listed twice. Keep or rename one of them.")
        return self

    @model_validator(mode="after")
    def _one_schedule_for_equal_epochs(self) -> Self:
        for name, arm in self.arms.items() if self.equal == "epochs" else ():
            schedule = arm.cells.get("schedule")
            if isinstance(schedule, dict) and "tokens" in schedule:
                raise ValueError(
                    f"arms.{name}.cells.schedule.tokens: {schedule['tokens']}, but under equal: epochs the text decides how long "
                    "an arm trains. Remove it, or write equal: tokens."
                )
        return self

    @property
    def loaded_plugins(self) -> tuple[Plugin, ...]:
        return read_plugins(self.folder, self.plugins)

    @property
    def task_settings(self) -> tuple[TaskSettings, ...]:
        said = (TaskSettings(kind=task) if isinstance(task, str) else task for task in self.tasks)
        return tuple(task.beside(self.folder) for task in said)

    @cached_property
    def control_settings(self) -> ControlSettings:
        shipped = read_yaml(find_config(SHIPPED_CONTROLS))
        value = merged(shipped, self.controls)
        if isinstance(own := self.controls.get("cells"), dict):
            value["cells"] = merged_cells(shipped["cells"], own, self.loaded_plugins)
        return build(ControlSettings, value, "controls")

    def cells_of_arm(self, arm: str) -> CellSettings:
        """Shape, training and measuring of an arm's cells.

        Raises:
            ConfigError: names the place.
        """
        return cells_of(self.cells, self.arms[arm].cells, f"arms.{arm}.cells", self.loaded_plugins)

    def cells_of_control(self, arm: str) -> CellSettings:
        """The same of a control arm."""
        controls = self.control_settings
        where = f"controls.arms.{arm}.cells"
        return cells_of(controls.cells, controls.arms[arm].cells, where, self.loaded_plugins)

    def mixture(self, arm: str) -> dict[str, float]:
        """Weights of an arm's sources."""
        mixture = self.arms[arm].mixture
        if isinstance(mixture, dict):
            return mixture
        path = loading.beside(self.folder, mixture)
        value = read_yaml(path).get("mixture")
        return build(Arm, {"mixture": value}, path).mixture  # type: ignore[return-value]


def read_plugins(folder: str, paths: Sequence[str]) -> tuple[Plugin, ...]:
    """The files at paths relative to a folder."""
    return tuple(Plugin.read(Path(folder, path)) for path in paths)
