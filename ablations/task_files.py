"""Finds few-shot tasks by name, and reads those that are written in YAML."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field

from ablations.core.tasks.base import TASKS, FewShotTask
from ablations.core.template import Template
from ablations.registries import TASKS as NAMES
from ablations.task_settings import YAML
from curation.runtime.config import Config, build, parse_yaml
from curation.runtime.errors import ConfigError, one_of
from curation.runtime.registry import Plugin


class TemplateText(Config):
    """One wording; `ablations.core.template.Template` says what its parts are."""

    query: str
    choices: tuple[str, ...] = ()
    answer: str = ""
    instruction: str = ""
    separator: str = "\n\n"
    cue: str = ""

    def made(self) -> Template:
        return Template(self.query, self.choices, self.answer, self.instruction, self.separator, self.cue)


class TaskText(Config):
    """A task as a YAML file says it; the keys are those of `FewShotTask`, `gold` is its `gold_field`."""

    kind: str
    version: int = Field(ge=1)
    sample: dict[str, Any]
    templates: tuple[TemplateText, ...]
    pool: str = ""
    queries: str = ""
    gold: str = "label"
    labels: tuple[str | int | bool, ...] = ()
    metrics: tuple[str, ...] = ()
    shots: tuple[int, ...] = FewShotTask.shots
    max_tokens: int = Field(default=FewShotTask.max_tokens, ge=1)
    text_fields: tuple[str, ...] = ()


def task_class(kind: str, plugins: Sequence[Plugin] = ()) -> type[FewShotTask]:
    """A task by its name, or by the path of its YAML file.

    Raises:
        ConfigError: there is none, two are of one name, or it lacks a part.
    """
    known = NAMES.catalogue(plugins)
    if kind.endswith(YAML):
        made = read_task(kind)
        if made.kind in known:
            raise ConfigError(f"{kind}: another task is called {made.kind!r}. Rename this one, its file too.")
        return made
    if kind not in known:
        raise ConfigError(f"tasks: {one_of(known, kind, 'task')}")
    if kind in (files := NAMES.yaml_files()):
        return read_task(str(files[kind]))
    found = TASKS.get(kind, plugins)
    found.check()
    return found


def classes(plugins: Sequence[Plugin] = ()) -> dict[str, type[FewShotTask]]:
    """Every known task by its name."""
    return {name: task_class(name, plugins) for name in NAMES.catalogue(plugins)}


def read_task(path: str) -> type[FewShotTask]:
    """The task that a YAML file describes.

    Raises:
        ConfigError: the file cannot be read, or a part is missing or of no use; names the file.
    """
    try:
        return _made(path, Path(path).read_text(encoding="utf8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}. Give the path of a task's YAML file.") from error


@cache
def _made(path: str, text: str) -> type[FewShotTask]:
    said = build(TaskText, parse_yaml(text, path), path)
    if said.kind != Path(path).stem:
        raise ConfigError(f"{path}: kind {said.kind!r} is not the file's name. Write kind: {Path(path).stem}.")
    values = {
        "kind": said.kind,
        "version": said.version,
        "sample": said.sample,
        "templates": tuple(each.made() for each in said.templates),
        "pool": said.pool,
        "queries": said.queries,
        "gold_field": said.gold,
        "labels": said.labels,
        "metrics": said.metrics,
        "shots": tuple(sorted(set(said.shots))),
        "max_tokens": said.max_tokens,
        "text_keys": said.text_fields,
    }
    made: type[FewShotTask] = type(
        said.kind, (FewShotTask,), {**values, "__doc__": text.split("\n", 1)[0].removeprefix("# ")}
    )
    try:
        made.check()
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return made
