"""What finished cells measured, read from the files that they left: one for each measure, and the items that were asked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ablations.cells.cell_folder import TRAINING
from ablations.cells.measure_job import MEASURE
from ablations.cells.measuring_plan import metric_of
from ablations.core.results.answers import TaskAnswers
from ablations.core.results.readings import IN_TEXT, Reading, cost_words
from ablations.readings.few_shot import AboutTask, about_task, few_shot_readings, gain_readings
from ablations.readings.in_text import readings_in_text
from ablations.readings.label_metrics.registry import LABEL_METRICS
from ablations.readings.text_metrics.registry import TEXT_METRICS
from ablations.statistics.cell_result import CellResult
from ablations.statistics.onset import Onset, onset
from curation.runtime.registry import Plugin
from curation.runtime.store.folder import Folder
from curation.runtime.store.parts import read_checked

INTACT = "intact"
Curve = list[tuple[int, float]]


@dataclass(frozen=True)
class CellFiles:
    """Where the files of a trained cell are.

    Attributes:
        folder: of its training.
        measures: label -> folder of the measure.
        items: task -> contents of its items file.
        plugins: files with metrics, which the user named.
    """

    arm: str
    seed: int
    folder: Folder
    measures: Mapping[str, Folder]
    items: Mapping[str, Mapping[str, Any]]
    plugins: Sequence[Plugin] = ()


@dataclass
class _Gathered:
    """The contents of a cell, gathered measure by measure."""

    readings: dict[str, Reading] = field(default_factory=dict)
    items: dict[str, tuple[Sequence[str], Sequence[float]]] = field(default_factory=dict)
    answers: dict[str, TaskAnswers] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)
    onsets: dict[str, Onset] = field(default_factory=dict)
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    curve_details: dict[str, list[tuple[int, Mapping[str, Any]]]] = field(default_factory=dict)


def cell_result(files: CellFiles, curves: bool = True) -> CellResult:
    """The result of a cell, for statistics.

    Args:
        curves: false leaves out what was measured along the way, which takes the metrics' own code.

    Raises:
        DamagedError: a measure is not as it was written.
    """
    gathered = _Gathered()
    about = abouts(files.items, files.plugins)
    for folder in files.measures.values():
        _add(gathered, json.loads(read_checked(folder, MEASURE)), about, files.plugins, curves)
    counts = {task: {**value.get("counts", {}), **_in_text(value)} for task, value in files.items.items()}
    groups = {task: value["item_groups"] for task, value in files.items.items() if value.get("item_groups")}
    training = json.loads(read_checked(files.folder, TRAINING))
    return CellResult(
        files.folder.name, files.arm, files.seed, gathered.readings, gathered.answers, gathered.curves,
        gathered.onsets, gathered.details, training, counts, gathered.items,
        gathered.curve_details, groups,
    )  # fmt: skip


def _in_text(items: Mapping[str, Any]) -> dict[str, int]:
    """How many of a task's items stand in the training text, and in that of each source; nothing where nobody looked."""
    if items.get("in_text") is None:
        return {}
    each = Counter(f"{IN_TEXT}.{source}" for sources in items["in_text"].values() for source in sources)
    return {IN_TEXT: len(items["in_text"]), **each}


def abouts(items: Mapping[str, Mapping[str, Any]], plugins: Sequence[Plugin]) -> dict[str, AboutTask]:
    """What reading the answers to each task takes."""
    label, text = LABEL_METRICS.classes(plugins), TEXT_METRICS.classes(plugins)
    return {task: about_task(value, label, text) for task, value in items.items()}


def _add(
    gathered: _Gathered,
    value: Mapping[str, Any],
    about: Mapping[str, AboutTask],
    plugins: Sequence[Plugin],
    curves: bool,
) -> None:
    metric, task, final = str(value["metric"]), str(value["task"]), value["final"]
    readings = [Reading.from_json(reading) for reading in final["readings"]]
    given = {done: TaskAnswers.from_json(answers_json) for done, answers_json in final["answers"].items()}
    answers = {done: about[task].counted(each) for done, each in given.items()}
    readings += _readings(metric, task, answers, about)
    readings += readings_in_text(given[""], about[task]) if "" in given else []
    gathered.items |= {name: (each["ids"], each["values"]) for name, each in final.get("items", {}).items()}
    gathered.readings |= {reading.name: reading for reading in readings}
    if "" in answers:
        gathered.answers[task] = answers[""]
    if final["details"]:
        gathered.details.setdefault(metric, {}).update(final["details"])
    if curves and value["curve"]:
        _add_curve(gathered, value, about, plugins)


def _readings(
    metric: str, task: str, answers: Mapping[str, TaskAnswers], about: Mapping[str, AboutTask]
) -> Iterator[Reading]:
    """Readings that are computed from answers."""
    if "" in answers:
        yield from few_shot_readings(answers[""], about[task])
    if INTACT in answers:
        intact = {gain.name: gain for gain in gain_readings(answers[INTACT], about[task])}
        for done in (done for done in answers if done != INTACT):
            for left in gain_readings(answers[done], about[task]):
                yield _cost(metric, intact[left.name], left, done)


def _cost(metric: str, intact: Reading, left: Reading, done: str) -> Reading:
    """The loss of a gain when something is done to the model."""
    value = (intact.value or 0.0) - (left.value or 0.0)
    words = cost_words(intact.words, done)
    return Reading(metric, value, "nats lost", None, words, done, of=intact.name, n=intact.n)


def _add_curve(
    gathered: _Gathered, value: Mapping[str, Any], about: Mapping[str, AboutTask], plugins: Sequence[Plugin]
) -> None:
    last: dict[str, Reading] = {}
    curves: dict[str, Curve] = {}
    for point in value["curve"]:
        last = {reading.name: reading for reading in _at(point, value["task"], about) if reading.value is not None}
        for name, reading in last.items():
            curves.setdefault(name, []).append((int(point["tokens"]), float(reading.value or 0.0)))
    if any(point["details"] for point in value["curve"]):
        along = [(int(point["tokens"]), point["details"]) for point in value["curve"]]
        gathered.curve_details[value["metric"]] = along
    metric = metric_of(value["metric"], tuple(plugins))
    for name, reading in last.items():
        threshold = metric.onset_threshold(reading, last)
        if threshold is not None:
            gathered.onsets[name] = onset(curves[name], threshold)
    gathered.curves |= curves


def _at(point: Mapping[str, Any], task: str, about: Mapping[str, AboutTask]) -> Iterator[Reading]:
    yield from (Reading.from_json(reading) for reading in point["readings"])
    for answers in point["answers"].values():
        yield from few_shot_readings(about[task].counted(TaskAnswers.from_json(answers)), about[task])
