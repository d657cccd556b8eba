"""Finds the record of a finished run and reads it: the way back from a name to every stage's folder.

A record holds the text of the run's plugins, to be read or repeated. That text is never run from here: an output folder may be
anybody's. A file that a user names with `--plugin` is run, if it is the same file that the run had.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from curation.questions.stored_scores import Scored, known_columns, scored
from curation.recipes.recipe import Pass, Recipe
from curation.runtime.config import build
from curation.runtime.errors import ConfigError, one_of
from curation.runtime.registry import Plugin
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest

ENDING = ".json"
STUDY_ENDING = ".study.json"


@dataclass(frozen=True)
class RunRecord:
    """A finished curation: its recipe as it was, and where its stages lie.

    Attributes:
        plugins: the user's own files, which may be run; those in the record are not.
    """

    out: Folder
    value: Mapping[str, Any]
    plugins: tuple[Plugin, ...] = ()

    @property
    def name(self) -> str:
        return str(self.value["name"])

    def not_run(self) -> str | None:
        """A line that names the plugins of the run that are not run here; None when there are none."""
        trusted = {plugin.digest for plugin in self.plugins}
        names = [repr(plugin.name) for plugin in recorded(self.value) if plugin.digest not in trusted]
        if not names:
            return None
        return (
            f"run {self.name} had plugins, which are not run: {', '.join(names)}. Their scores are read from the files; to "
            "have their units too, name your own copy of the same file with --plugin FILE.py."
        )

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

    def scored(self, pass_: Pass) -> dict[str, Scored]:
        """The stored scores of a pass, by label of the annotator; the same columns for every source."""
        known = known_columns(pass_.annotators, self.plugins)
        folders = self.scores(self.sources()[0], pass_.name)
        first = {label: str(Manifest.load(folder).parts[0]["file"]) for label, folder in folders.items()}
        return {label: scored(folder, first[label], known.get(label, ())) for label, folder in folders.items()}

    def sources(self, wanted: str | None = None) -> list[str]:
        names = list(self.value["stages"])
        if wanted is not None and wanted not in names:
            raise ConfigError(f"--source: {one_of(names, wanted, 'source')}")
        return [wanted] if wanted else names

    def raw(self, source: str) -> Folder:
        """Raw shards of a source, as read."""
        return self.out / str(self.value["stages"][source]["read"])

    def stage(self, source: str, pass_: str) -> Mapping[str, Any]:
        """Folders of one source's pass: `shards`, `scores` by annotator, `judged`, `decide`, `curated`, and of each level of
        deduplication those of its steps."""
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

    def level(self, source: str, pass_: str, level: str) -> dict[str, Folder]:
        """Folders of the steps of a level of deduplication; none when the pass has not looked for its duplicates."""
        return {step: self.out / str(path) for step, path in self.stage(source, pass_).get(level, {}).items()}


def recorded(value: Mapping[str, Any]) -> list[Plugin]:
    """The plugins as they were at the run, to be read and compared."""
    return [Plugin(str(name), str(source)) for name, source in value["plugins"].items()]


def trusted(value: Mapping[str, Any], paths: Sequence[str]) -> tuple[Plugin, ...]:
    """A user's own plugin files, each of which is one that the run had.

    Raises:
        ConfigError: one is not, or cannot be read.
    """
    of_run = {plugin.digest: plugin.name for plugin in recorded(value)}
    own = tuple(Plugin.read(path) for path in paths)
    for path, plugin in zip(paths, own, strict=True):
        if plugin.digest not in of_run:
            had = ", ".join(f"{name!r} {digest[:12]}" for digest, name in of_run.items()) or "none"
            raise ConfigError(
                f"--plugin {path}: its hash is {plugin.digest[:12]}, and the plugins of run {value['name']} are {had}. "
                "Name the file as it was at the run, or leave the option out."
            )
    return own


def load_record(run: str, plugins: Sequence[str] = ()) -> RunRecord:
    """The record that a user means by RUN: a file in `runs/`, or the output folder when it holds one run.

    Args:
        plugins: paths of plugin files that the user trusts; the run must have had them.

    Raises:
        ConfigError: there is no such run, or several; or it had other plugins.
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
    out = os.path.dirname(os.path.abspath(folder.url)) if folder.is_local else folder.url.rsplit("/", 1)[0]
    return RunRecord(Folder(out), value, trusted(value, plugins))
