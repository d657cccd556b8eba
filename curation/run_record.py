"""Finds the record of a finished run and reads it: the way back from a name to every stage's folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from curation.annotators.base import Annotator, make_all
from curation.recipe import Pass, Recipe
from curation.runtime.config import build
from curation.runtime.errors import ConfigError, one_of
from curation.runtime.registry import Plugin
from curation.runtime.store import Folder

ENDING = ".json"
STUDY_ENDING = ".study.json"


@dataclass(frozen=True)
class RunRecord:
    """A finished curation: its recipe as it was, and where its stages lie."""

    out: Folder
    value: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.value["name"])

    @cached_property
    def plugins(self) -> tuple[Plugin, ...]:
        """The plugins as they were at the run, wherever their files are now."""
        return tuple(Plugin(name, source) for name, source in self.value["plugins"].items())

    @cached_property
    def recipe(self) -> Recipe:
        return build(Recipe, {**self.value["recipe"], "plugins": ()}, f"run {self.name}")

    def pass_(self, name: str | None) -> Pass:
        """A pass by name, the last one when none is given."""
        passes = {pass_.name: pass_ for pass_ in self.recipe.passes}
        if name is None:
            return self.recipe.passes[-1]
        if name not in passes:
            raise ConfigError(f"--pass: {one_of(passes, name, 'pass')}")
        return passes[name]

    def annotators(self, pass_: Pass) -> dict[str, Annotator]:
        return make_all(pass_.annotators, self.plugins, f"pass {pass_.name}")

    def sources(self, wanted: str | None = None) -> list[str]:
        names = list(self.value["stages"])
        if wanted is not None and wanted not in names:
            raise ConfigError(f"--source: {one_of(names, wanted, 'source')}")
        return [wanted] if wanted else names

    def raw(self, source: str) -> Folder:
        """Raw shards of a source, as read."""
        return self.out / str(self.value["stages"][source]["read"])

    def stage(self, source: str, pass_: str) -> Mapping[str, Any]:
        """Folders of one source's pass: `shards`, `scores` by annotator, `decide`, `curated`."""
        return dict(self.value["stages"][source]["passes"][pass_])

    def folder(self, source: str, pass_: str, what: str) -> Folder:
        return self.out / str(self.stage(source, pass_)[what])

    def transformed(self) -> dict[str, Folder]:
        """Folders of the sources that have a transform, after the last of them."""
        return {
            source: self.out / str(changed["steps"][-1]["folders"][-1])
            for source, changed in self.value.get("transforms", {}).items()
        }

    def scores(self, source: str, pass_: str) -> dict[str, Folder]:
        return {label: self.out / str(path) for label, path in self.stage(source, pass_)["scores"].items()}

    def near(self, source: str, pass_: str) -> dict[str, Folder]:
        """Folders of the steps of near-duplicate search; none when the pass has not looked for any."""
        return {
            step: self.out / str(path) for step, path in self.stage(source, pass_).get("near_duplicates", {}).items()
        }


def load(run: str) -> RunRecord:
    """The record that a user means by RUN: a file in `runs/`, or the output folder when it holds one run.

    Raises:
        ConfigError: there is no such run, or several.
    """
    path = run.rstrip("/")
    if path.endswith(ENDING):
        folder, name = Folder(os.path.dirname(path) or "."), os.path.basename(path)
    else:
        folder = Folder(f"{path}/runs")
        names = [n for n in folder.names() if n.endswith(ENDING) and n.count(".") == 1]
        if not names:
            raise ConfigError(
                f"{run}: no finished run there. Give the output folder of `loam curate run`, or a file in its runs/."
            )
        if len(names) > 1:
            raise ConfigError(f"{run}: holds several runs. Give one of {', '.join(f'{path}/runs/{n}' for n in names)}.")
        name = names[0]
    if not folder.exists(name):
        raise ConfigError(f"{run}: no such file. Give the output folder of `loam curate run`, or a file in its runs/.")
    value = folder.read_json(name)
    if value.get("kind") != "curation":
        raise ConfigError(
            f"{run}: is no record of a curation. Give a file that `loam curate run` or `loam study` named."
        )
    return RunRecord(
        Folder(os.path.dirname(os.path.abspath(folder.url)) if folder.is_local else folder.url.rsplit("/", 1)[0]), value
    )
