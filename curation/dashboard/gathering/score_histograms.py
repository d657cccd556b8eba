"""Histograms of a run's scores with the thresholds of its policy, for the dashboard. Reads scores, no text."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from curation.annotators.base import Column
from curation.dashboard.contents import Histogram, SourceHistogram
from curation.policy.policy import Rules
from curation.questions.run_record import RunRecord
from curation.recipes.recipe import Pass
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.shards import read_columns

BINS = 30
LOG_SPREAD = 20  # a score whose 99th percentile is this many times its median is shown on a logarithmic axis


def histograms(run: RunRecord) -> tuple[Histogram, ...]:
    """One entry for each score that some source's policy bounds."""
    entries: list[Histogram] = []
    for pass_ in run.recipe.passes:
        rules = {source: pass_.rules_for(source) for source in run.sources()}
        for label, scored in run.scored(pass_).items():
            entries += [
                _histogram(run, pass_, label, column, rules)
                for column in scored.columns
                if column.type in {"int", "float"} and any(column.name in r.keep.get(label, {}) for r in rules.values())
            ]
    return tuple(entries)


def _histogram(run: RunRecord, pass_: Pass, label: str, column: Column, rules: Mapping[str, Rules]) -> Histogram:
    bounded = [source for source in rules if column.name in rules[source].keep.get(label, {})]
    values = {source: _values(run, source, pass_.name, label, column.name) for source in bounded}
    every = np.concatenate(list(values.values())) if values else np.zeros(0)
    log = column.range[0] == 0 and every.size > 0 and _spread(every) > LOG_SPREAD
    edges = _edges(every, log)
    sources = {}
    for source in bounded:
        bound = rules[source].keep[label][column.name]
        counts = np.histogram(np.clip(values[source], edges[0], edges[-1]), edges)[0]
        sources[source] = SourceHistogram(tuple(edges.tolist()), tuple(counts.tolist()), bound.min, bound.max)
    return Histogram(pass_.name, label, column.name, column.unit, bool(log), sources)


def _values(run: RunRecord, source: str, pass_: str, label: str, column: str) -> npt.NDArray[np.float64]:
    folder = run.scores(source, pass_)[label]
    parts = [read_columns(folder, part["file"], [column])[column].to_numpy() for part in Manifest.load(folder).parts]
    values = np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)
    return values[np.isfinite(values)]


def _spread(values: npt.NDArray[np.float64]) -> float:
    positive = values[values > 0]
    return float(np.quantile(positive, 0.99) / max(np.median(positive), 1e-12)) if positive.size else 0.0


def _edges(values: npt.NDArray[np.float64], log: bool) -> npt.NDArray[np.float64]:
    if not values.size:
        return np.linspace(0, 1, BINS + 1)
    low, high = float(values.min()), float(np.quantile(values, 0.999))
    if log:
        least = float(values[values > 0].min())  # zeros are counted in the first bin
        return np.geomspace(least, max(high, 2 * least), BINS + 1)
    return np.linspace(low, high if high > low else low + 1, BINS + 1)
