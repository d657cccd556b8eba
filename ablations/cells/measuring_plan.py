"""The measures of a cell: one file for each metric, or for each metric and task, with an identity of its own.

A measure depends on the weights, on what is measured (held-out text, items, and how many of them) and on the code that measures.
So another metric, a further task or more items are measured alone, from kept weights, and nothing is trained again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from ablations.cells.training_members import code_of_metric, parts_named, plugins_used
from ablations.core.metrics.registry import METRICS
from ablations.core.spec.measuring_spec import EffortSpec, MeasuringSpec
from ablations.core.spec.model_spec import ModelShape
from ablations.core.spec.strict import as_json
from ablations.core.spec.training_spec import TrainingSpec
from ablations.prompts.task_items import ItemsFile
from curation.runtime.identity import fingerprint
from curation.runtime.registry import Plugin, plugin_digest
from curation.runtime.stages.stage import Output
from tokenizer.encode import TokenSet

if TYPE_CHECKING:
    from ablations.core.metrics.base import Metric

STAGE = "measures"
EFFORT = {  # field of the evaluation data -> what of the effort says how much of it
    "windows": ("windows", "curve_windows"),
    "sequences": ("sequences", "curve_sequences"),
    "items": ("items", "curve_items"),
    "repeats": ("repeats", "curve_repeats"),
}


@dataclass(frozen=True)
class MeasuringPlan:
    """What is to be measured of a cell.

    Attributes:
        spec: contents of its measuring.json, for a cell that runs by itself.
        heldout: source -> the token set whose held-out split it is.
        items: task -> its items.
        plugins: files with further metrics, which the user named.
    """

    spec: MeasuringSpec
    heldout: Mapping[str, TokenSet]
    items: Mapping[str, ItemsFile]
    plugins: Sequence[Plugin]

    def measures(self) -> Iterator[PlannedMeasure]:
        """All measures, metric by metric."""
        for name in self.spec.metrics:
            metric = metric_of(name, tuple(self.plugins))
            if "cell" in metric.scopes:
                yield PlannedMeasure(self, name)
            if "task" in metric.scopes:
                yield from (PlannedMeasure(self, name, task) for task in sorted(self.items))


@cache
def metric_of(name: str, plugins: tuple[Plugin, ...]) -> Metric:
    """A metric by its name.

    Raises:
        ConfigError: there is none.
    """
    return METRICS.get(name, plugins)()


def plugins_of_metrics(metrics: Iterable[str], plugins: Sequence[Plugin]) -> tuple[Plugin, ...]:
    """Those of a study's plugins that a cell by itself needs to be measured: the others may import what it has not."""
    digests = {plugin_digest(type(metric_of(name, tuple(plugins)))) for name in metrics}
    return tuple(plugin for plugin in plugins if plugin.digest in digests)


def code_of(name: str, shape: ModelShape, plugins: tuple[Plugin, ...]) -> str:
    """The code that a metric's numbers depend on: its own and all that it uses; a plugin's file; the version of a distribution."""
    place, parts = METRICS.places(plugins)[name], parts_named(shape)
    if isinstance(place, tuple):
        return code_of_metric(*place, parts, plugins_used(parts, plugins))
    return place


@dataclass(frozen=True)
class PlannedMeasure:
    """One measure of a cell: a metric, of the cell or of one task."""

    plan: MeasuringPlan
    metric: str
    task: str = ""

    @property
    def label(self) -> str:
        """What it is called in files; `ablations.core.measuring.label_of` gives the same where cells run."""
        return f"{self.metric}.{self.task}" if self.task else self.metric

    def asked(self, training: TrainingSpec, machine: Mapping[str, str], tokens: Mapping[str, str]) -> dict[str, Any]:
        """What is measured, whatever the weights are.

        Args:
            tokens: path stem -> fingerprint of the training tokens.
        """
        metric = metric_of(self.metric, tuple(self.plan.plugins))
        spec = self.plan.spec
        asked: dict[str, Any] = {
            "stage": STAGE,
            "metric": self.metric,
            "task": self.task,
            "code": code_of(self.metric, training.model, tuple(self.plan.plugins)),
            "model": as_json(training.model),
            "compute": dataclasses.asdict(training.compute),
            "machine": dict(machine),
            "bos": training.bos,
            "specials": list(spec.specials),
            "seed": spec.seed,
            "effort": _effort(spec.effort, metric),
        }
        asked |= {name: list(getattr(spec, name)) for name in sorted(metric.reads & {"numbers", "capitals"})}
        if "heldout" in metric.reads:
            asked["heldout"] = {source: t.manifest.fingerprint for source, t in self.plan.heldout.items()}
        if "training" in metric.reads:
            asked["training"] = [training.digest(), dict(tokens)]
        return {**asked, **({"items": self.plan.items[self.task].asked} if self.task else {})}

    def output(self, cell: str, asked: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> Output:
        """Its folder.

        Args:
            cell: what the cell is called.
            asked: from `asked`.
            points: of the cell's training.json.
        """
        in_curve = metric_of(self.metric, tuple(self.plan.plugins)).in_curve
        weights = [[point["tokens"], point["sha256"]] for point in (points if in_curve else points[-1:])]
        return Output(STAGE, f"{cell}.{self.label}", {**asked, "weights": weights})


def _effort(effort: EffortSpec, metric: Metric) -> dict[str, int]:
    """The effort for each part that the metric reads."""
    names = [name for field in sorted(metric.reads & EFFORT.keys()) for name in EFFORT[field]]
    wanted = names if metric.in_curve else [name for name in names if not name.startswith("curve_")]
    return {name: getattr(effort, name) for name in (*wanted, "batch")}


def identity_of_asked(asked: Mapping[str, Any]) -> str:
    """The identity of a measure in a pack, before there are any weights."""
    return fingerprint(dict(asked))
