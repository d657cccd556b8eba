"""Which measure of a cell holds a number, and which of its metrics are unknown because their plugin was not named."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ablations.cells.cell_files import abouts, cell_result
from ablations.cells.measure_job import MEASURE
from ablations.core.metrics.registry import METRICS
from ablations.core.results.readings import Name, Reading
from ablations.evidence.explain_origin import TracedCell
from ablations.prompts.task_files import ACCURACY
from ablations.readings.few_shot import AboutTask
from ablations.readings.label_metrics.registry import LABEL_METRICS
from ablations.readings.text_metrics.registry import TEXT_METRICS
from curation.runtime.errors import ConfigError, one_of
from curation.runtime.registry import Plugin
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.parts import read_checked

NAMES_SHOWN = 20  # of the hundreds of a cell


@dataclass(frozen=True)
class LocatedReading:
    """A number with the measure that holds it.

    Attributes:
        about_tasks: what reading the answers to each task takes.
        readings: all of the cell.
    """

    cell: TracedCell
    reading: Reading
    folder: Folder
    readings: Mapping[str, Reading]
    about_tasks: Mapping[str, AboutTask]

    @property
    def measure(self) -> dict[str, Any]:
        """The measure's file."""
        value: dict[str, Any] = json.loads(read_checked(self.folder, MEASURE))
        return value

    @cached_property
    def manifest(self) -> Manifest:
        return Manifest.load(self.folder)


def find_reading(cells: Sequence[TracedCell], measure: str, plugins: Sequence[Plugin]) -> LocatedReading:
    """A number of a cell by its full name.

    Args:
        cells: the same cell as its studies know it, who may have measured other things of it.

    Raises:
        ConfigError: there is none of this name, or it could not be measured.
    """
    measured = [(cell, folder, by_name) for cell in cells for folder, by_name in _readings(cell, plugins)]
    readings = {name: reading for _, _, by_name in measured for name, reading in by_name.items()}
    for cell, folder, by_name in measured:
        if measure in by_name and by_name[measure].value is not None:
            about = abouts(cell.recorded.files(plugins).items, plugins)
            return LocatedReading(cell, by_name[measure], folder, readings, about)
    raise ConfigError(_unknown(cells, readings, measure, plugins))


def _readings(cell: TracedCell, plugins: Sequence[Plugin]) -> list[tuple[Folder, Mapping[str, Reading]]]:
    """Folder of each measure, with its readings."""
    files = cell.recorded.files(plugins)
    return [
        (folder, cell_result(replace(files, measures={label: folder}), curves=False).readings)
        for label, folder in files.measures.items()
    ]


def _unknown(
    cells: Sequence[TracedCell], readings: Mapping[str, Reading], measure: str, plugins: Sequence[Plugin]
) -> str:
    """Why there is no such number: nothing of it could be measured, or its name is wrong; with the names most like it."""
    name = cells[0].name
    if measure in readings:
        return f"{name}: {measure} was not measured: no item of it fits into the context, or none is of its sort. Its n is 0."
    values = [each.name for each in readings.values() if each.value is not None]
    known = difflib.get_close_matches(measure, values, n=NAMES_SHOWN, cutoff=0)
    more = [f"{len(values) - NAMES_SHOWN} more stand in its measures."] if len(values) > NAMES_SHOWN else []
    notes = [f"Note: {note}." for cell in cells for note in _notes_of_cell(cell, plugins)]
    return " ".join([f"{name}: {one_of(known, measure, 'metric')}", *more, *dict.fromkeys(notes)])


def _notes_of_cell(cell: TracedCell, plugins: Sequence[Plugin]) -> list[str]:
    return [
        _not_used(cell, plugins, metric) for metric in _not_at_hand(cell, plugins, sorted(cell.recorded.entry["items"]))
    ]


def notes_of(located: LocatedReading, plugins: Sequence[Plugin]) -> list[str]:
    """A line for each metric of a number's measure and task whose code is not available, and for each plugin that has changed."""
    cell, reading = located.cell, located.reading
    task = reading.task or Name.parse(reading.of).task
    lines = [*_changed(cell, plugins)]
    if reading.metric not in METRICS.catalogue(plugins):
        lines.append(_not_used(cell, plugins, reading.metric, str(located.manifest.what.get("code", ""))))
    return lines + [_not_used(cell, plugins, metric) for metric in _not_at_hand(cell, plugins, [task])]


def _changed(cell: TracedCell, plugins: Sequence[Plugin]) -> Iterator[str]:
    recorded: Mapping[str, str] = cell.recorded.entry["plugins"]
    for plugin in plugins:
        before = recorded.get(plugin.name, plugin.digest)
        if before != plugin.digest:
            digests = f"digest {plugin.digest[:12]}, and the study had {before[:12]}"
            yield f"plugin {plugin.name} is another file now: {digests}"


def _not_used(cell: TracedCell, plugins: Sequence[Plugin], metric: str, code: str = "") -> str:
    """A line; nothing in an output folder is executed, so a plugin is used only where its file is named again.

    Args:
        code: the measure's manifest on the metric's code, which ends in the digest of the plugin.
    """
    named = {plugin.name for plugin in plugins}
    others = {file: digest for file, digest in cell.recorded.entry["plugins"].items() if file not in named}
    sure = {file: digest for file, digest in others.items() if code.endswith(digest)} or others
    if not sure:
        return f"metric {metric} is unknown here and was not used"
    files = ", ".join(f"{file} (digest {digest[:12]})" for file, digest in sure.items())
    which = "plugin file" if len(sure) == 1 else "one of the plugin files"
    return f"metric {metric} came from {which} {files}, which was not used; name the file with --plugin"


def _not_at_hand(cell: TracedCell, plugins: Sequence[Plugin], tasks: Sequence[str]) -> list[str]:
    """Metrics of answers that these tasks list."""
    items = cell.recorded.files(plugins).items
    known = {ACCURACY, *LABEL_METRICS.catalogue(plugins), *TEXT_METRICS.catalogue(plugins)}
    listed = [metric for task in tasks if task in items for metric in items[task].get("metrics", ())]
    return [metric for metric in dict.fromkeys(listed) if metric not in known]
