"""Finds few-shot tasks by name, and reads those that are written in YAML."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field

from ablations.prompts.task_settings import YAML
from ablations.prompts.tasks.base import FewShotTask
from ablations.prompts.tasks.registry import TASKS
from ablations.prompts.tasks.template import Template
from ablations.readings.label_metrics.registry import LABEL_METRICS
from ablations.readings.text_metrics.base import TextMetric
from ablations.readings.text_metrics.registry import TEXT_METRICS
from curation.runtime.config import Config, build, parse_yaml
from curation.runtime.errors import ConfigError, one_of
from curation.runtime.registry import Plugin

ACCURACY = "accuracy"  # of every task with choices; the cell measures it itself


class TaskText(Config):
    """A task in a YAML file; the keys are those of `FewShotTask`, `gold` is its `gold_field`."""

    kind: str
    version: int = Field(ge=1)
    sample: dict[str, Any]
    templates: tuple[Template, ...]
    pool: str = ""
    queries: str = ""
    gold: str = "label"
    labels: tuple[str | int | bool, ...] = ()
    metrics: tuple[str, ...] = ()
    shots: tuple[int, ...] = FewShotTask.shots
    max_tokens: int = Field(default=FewShotTask.max_tokens, ge=1)
    group: str = ""
    text_fields: tuple[str, ...] = ()


def task_class(kind: str, plugins: Sequence[Plugin] = ()) -> type[FewShotTask]:
    """A task by its name, or by the path of its YAML file.

    Args:
        plugins: files with further tasks, label metrics and text metrics.

    Raises:
        ConfigError: there is none, two are of one name, it lacks a part, or lists a metric that it cannot have.
    """
    known = TASKS.catalogue(plugins)
    if kind.endswith(YAML):
        cls = read_task(kind, plugins)
        if cls.kind in known:
            raise ConfigError(f"{kind}: another task is called {cls.kind!r}. Rename this one, its file too.")
        return cls
    if kind not in known:
        raise ConfigError(f"tasks: {one_of(known, kind, 'task')}")
    if kind in (files := TASKS.yaml_files()):
        return read_task(str(files[kind]), plugins)
    cls = TASKS.get(kind, plugins)
    cls.check()
    check_metrics(cls, plugins)
    return cls


def classes(plugins: Sequence[Plugin] = ()) -> dict[str, type[FewShotTask]]:
    """Every known task by its name."""
    return {name: task_class(name, plugins) for name in TASKS.catalogue(plugins)}


def read_task(path: str, plugins: Sequence[Plugin] = ()) -> type[FewShotTask]:
    """The task that a YAML file describes.

    Args:
        plugins: files with further label metrics and text metrics.

    Raises:
        ConfigError: the file cannot be read, or a part is missing or of no use; names the file.
    """
    try:
        text = Path(path).read_text(encoding="utf8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}. Give the path of a task's YAML file.") from error
    cls = _class_of_text(path, text)
    try:
        check_metrics(cls, plugins)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return cls


def check_metrics(cls: type[FewShotTask], plugins: Sequence[Plugin] = ()) -> None:
    """Refuse metrics that a task cannot have, before any row is read. A probe, which has no templates, lists none.

    Raises:
        ConfigError: names the task, the known metrics of such a task and the nearest one.
    """
    if not cls.metrics or not cls.templates:
        return
    task = cls()
    where = f"task {cls.kind}: metrics"
    known = TEXT_METRICS.catalogue(plugins) if task.written else {ACCURACY: ""}
    if task.shared_choices:
        known |= LABEL_METRICS.catalogue(plugins)
    for metric in cls.metrics:
        if metric not in known:
            raise ConfigError(f"{where}: {one_of(known, metric, 'metric of such a task')}")
    if task.written:
        _check_readings(where, [TEXT_METRICS.get(metric, plugins) for metric in cls.metrics])


def _check_readings(where: str, metrics: Sequence[type[TextMetric]]) -> None:
    """Two of one reading would overwrite each other."""
    seen: dict[str, type[TextMetric]] = {}
    for metric in metrics:
        other = seen.setdefault(metric.reading, metric)
        if other is not metric:
            raise ConfigError(f"{where}: {other.kind} and {metric.kind} are both read as {metric.reading!r}. Take one.")


@cache
def _class_of_text(path: str, text: str) -> type[FewShotTask]:
    task_text = build(TaskText, parse_yaml(text, path), path)
    if task_text.kind != Path(path).stem:
        raise ConfigError(f"{path}: kind {task_text.kind!r} is not the file's name. Write kind: {Path(path).stem}.")
    values = {
        "kind": task_text.kind,
        "version": task_text.version,
        "sample": task_text.sample,
        "templates": task_text.templates,
        "pool": task_text.pool,
        "queries": task_text.queries,
        "gold_field": task_text.gold,
        "labels": task_text.labels,
        "metrics": task_text.metrics,
        "shots": tuple(sorted(set(task_text.shots))),
        "max_tokens": task_text.max_tokens,
        "group": task_text.group,
        "text_keys": task_text.text_fields,
    }
    cls: type[FewShotTask] = type(
        task_text.kind, (FewShotTask,), {**values, "__doc__": text.split("\n", 1)[0].removeprefix("# ")}
    )
    try:
        cls.check()
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return cls
