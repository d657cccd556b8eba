"""Measures of a trained cell, from its kept weights: those of the end, and those along the way at less effort."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.data.inputs import input_digests
from ablations.core.metrics.base import Metric
from ablations.core.metrics.registry import METRICS
from ablations.core.model.model import Model
from ablations.core.results.files import write_json
from ablations.core.spec.measuring_spec import MeasuringSpec
from ablations.core.spec.training_spec import TrainingSpec
from ablations.core.training.weights import Trained
from curation.runtime.errors import ConfigError
from curation.runtime.registry import Plugin

FORMAT = 1
FOLDER = "measures"  # of a cell that runs by itself
ASKED = "asked"  # key of a digest of their inputs, since no manifest records them there


@dataclass(frozen=True)
class MetricRun:
    """One run of a metric: on the whole cell, or on one of its tasks."""

    metric: Metric
    task: str = ""

    @property
    def label(self) -> str:
        return label_of(self.metric.kind, self.task)


def label_of(metric: str, task: str = "") -> str:
    """Name of a metric's run in files."""
    return f"{metric}.{task}" if task else metric


def metric_runs(metrics: Sequence[Metric], tasks: Sequence[str]) -> Iterator[MetricRun]:
    """Every run of these metrics on these tasks."""
    for metric in metrics:
        if "cell" in metric.scopes:
            yield MetricRun(metric)
        if "task" in metric.scopes:
            yield from (MetricRun(metric, task) for task in tasks)


def measure(
    trained: Trained, wanted: Sequence[MetricRun], data: EvaluationData, spec: MeasuringSpec
) -> dict[str, dict[str, Any]]:
    """Label -> content of its file, for every run in `wanted`, in one walk over the kept weights.

    Weights along the way that are no longer here give no point of a curve; those of the end have to be here.

    Raises:
        InputError: weights are not those that were trained, or those of the end are elsewhere.
        LoamError: a loss is not a number.
    """
    measures = {each.label: _heading(trained, each) for each in wanted}
    quick = data.quick(spec.effort)
    in_curve = [each for each in wanted if each.metric.in_curve]
    for point in trained.points if in_curve else ():
        if trained.has(point):
            model = trained.model_at(point)
            for each in in_curve:
                at = {"step": point.step, "tokens": point.tokens, "weights": point.sha256}
                measures[each.label]["curve"].append({**at, **_measured(each, model, quick)})
    model = trained.model_at(trained.final)
    for each in wanted:
        measures[each.label]["final"] = _measured(each, model, data)
    return measures


def _heading(trained: Trained, wanted: MetricRun) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "metric": wanted.metric.kind,
        "task": wanted.task,
        "version": wanted.metric.version,
        "weights": trained.final.sha256,
        "curve": [],
    }


def _measured(wanted: MetricRun, model: Model, data: EvaluationData) -> dict[str, Any]:
    with torch.no_grad():
        return wanted.metric.measure(model, data.only(wanted.metric.reads, wanted.task)).to_json()


def check_measuring(folder: Path, spec: TrainingSpec, measuring: MeasuringSpec) -> None:
    """Refuse a spec that could not be measured, before anything is trained.

    Raises:
        ConfigError: an unknown metric, a plugin that cannot be read, or a special token that there is not.
        InputError: held-out tokens or items are missing or do not fit.
    """
    metrics_of(folder, measuring)
    for token in measuring.specials:
        if not 0 <= token < spec.model.vocab_size:
            raise ConfigError(
                f"measuring.json.specials: token {token} is outside the vocabulary. Give ids below {spec.model.vocab_size}."
            )
    EvaluationData.of(folder, spec, measuring)


def metrics_of(folder: Path, measuring: MeasuringSpec) -> list[Metric]:
    plugins = [Plugin.read(folder / path) for path in measuring.plugins]
    return [METRICS.get(name, plugins)() for name in measuring.metrics]


def measure_folder(trained: Trained, measuring: MeasuringSpec, tell: Callable[[str], None]) -> None:
    """Run the metrics of a cell's measuring.json that `measures/` does not have of these weights yet; one file for each."""
    folder = trained.folder
    data = EvaluationData.of(folder, trained.spec, measuring)
    every = metric_runs(metrics_of(folder, measuring), [task.task for task in data.tasks])
    asked = _asked(trained, measuring)
    for wanted in every:
        path = folder / FOLDER / f"{wanted.label}.json"
        if not _is_measured(path, trained, asked):
            path.parent.mkdir(exist_ok=True)
            write_json(path, {**measure(trained, [wanted], data, measuring)[wanted.label], ASKED: asked})
            tell(wanted.label)


def _asked(trained: Trained, measuring: MeasuringSpec) -> str:
    """Digest of how much is measured, and of what: held-out text, items, plugins."""
    how = {key: value for key, value in dataclasses.asdict(measuring).items() if key != "metrics"}
    inputs = input_digests(trained.folder, trained.spec, measuring)
    return hashlib.sha256(json.dumps([how, inputs], sort_keys=True).encode()).hexdigest()


def _is_measured(path: Path, trained: Trained, asked: str) -> bool:
    try:
        value: Mapping[str, Any] = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError):
        return False
    found = value.get("format"), value.get("weights"), value.get(ASKED)
    return found == (FORMAT, trained.final.sha256, asked)
