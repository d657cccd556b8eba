"""k-shot curves: gold demos against the same demos with permuted labels, in numbers; `shot_panels` draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from markupsafe import Markup

from ablations.report.contents import ShotPoint, ShotReading, Shots
from ablations.report.drawing.shot_panels import GOLD, PERMUTED, overview, panels
from ablations.report.gathering import ACCURACY, LOSS
from curation.dashboard import charts
from curation.dashboard.numbers import listed, mean, number, plural
from curation.dashboard.palette import BLUE, VERMILLION, Style, styles

TASKS = 4  # drawn arm by arm; the others have their line in the overview and their numbers
ARMS = 6  # panels of a task
IN_HEADLINE = 5  # arms


@dataclass(frozen=True)
class ShotRow:
    """One number of demos in one arm: condition -> nats of each seed, and what permuting costs; the rest with gold demos."""

    arm: str
    k: int
    conditions: dict[str, list[float | None]]
    difference: float | None
    accuracy: float | None
    blind: float | None
    scores: dict[str, float | None]


@dataclass(frozen=True)
class TaskView:
    """A task as it is shown.

    Attributes:
        note: what is amiss with the curves.
        figures: reading -> its panels, of losses first; the others are those with a blind guess to compare.
        main: the one of these to look at first, of a task with written answers.
        undrawn: arms without a panel.
        readings: what each reading is called, of everything that some cell has.
        scores: further readings with a column of their own.
    """

    task: str
    headline: str
    note: str
    figures: dict[str, list[Markup]]
    main: str
    undrawn: list[str]
    conditions: dict[str, Style]
    readings: Mapping[str, ShotReading]
    scores: list[str]
    rows: list[ShotRow]


@dataclass(frozen=True)
class ShotsView:
    """`arms`: the legend of the overview; `undrawn`: tasks without panels of their own."""

    overview: list[Markup]
    arms: dict[str, Style]
    tasks: list[TaskView]
    undrawn: list[str]


def shots_view(shots: Sequence[Shots], controls: Set[str]) -> ShotsView:
    """All tasks that were asked: one overview, then the tasks where labels matter most, arm by arm, then numbers alone."""
    tasks = {s.task: [other for other in shots if other.task == s.task] for s in shots if s.points}
    order = sorted(tasks, key=lambda task: -_strongest(tasks[task], controls))
    drawn = set(order[:TASKS])
    arms = styles(s.arm for s in shots if s.arm not in controls and s.points)
    return ShotsView(
        overview([s for s in shots if s.arm in arms], arms) if len(arms) > 1 else [],
        arms,
        [_view(task, own, controls, i, task in drawn) for i, (task, own) in enumerate(tasks.items())],
        [task for task in tasks if task not in drawn],
    )


def _view(task: str, shots: list[Shots], controls: Set[str], place: int, draw: bool) -> TaskView:
    shown = dict.fromkeys(point.condition for s in shots for point in s.points)
    others = styles([BLUE, VERMILLION, *(c for c in shown if c not in (GOLD, PERMUTED))])  # the first two are taken
    fixed = {GOLD: Style(BLUE), PERMUTED: Style(VERMILLION, (6, 3))}
    conditions = {c: fixed.get(c) or others[c] for c in shown}
    rows = _rows(shots, list(conditions))
    about = {reading: about for s in shots for reading, about in s.readings.items()}
    blind = {reading for s in shots for point in s.points for reading in point.blind}
    held = [reading for reading in about if reading in blind]
    arms = _panelled(rows, controls)
    own = [s for s in shots if s.arm in arms] if draw else []
    figures = {
        r: panels(own, r, charts.axis(about[r].words, about[r].unit), conditions, controls, f"{r}-{place}")
        for r in (LOSS, *held)
        if r in about
    }
    return TaskView(
        task,
        _headline(rows),
        _note(shots),
        {reading: drawn for reading, drawn in figures.items() if drawn},
        held[0] if held and ACCURACY not in held else "",
        [arm for arm in dict.fromkeys(row.arm for row in rows) if arm not in arms] if draw else [],
        conditions,
        about,
        [reading for reading in held if reading != ACCURACY],
        rows if draw else _at_most(rows) or rows,
    )


def _rows(shots: list[Shots], conditions: list[str]) -> list[ShotRow]:
    rows = []
    for arm in dict.fromkeys(s.arm for s in shots):
        own = [p for s in shots if s.arm == arm for p in s.points]
        rows += [_row(arm, k, [p for p in own if p.k == k], conditions) for k in sorted({p.k for p in own})]
    return rows


def _row(arm: str, k: int, points: list[ShotPoint], conditions: list[str]) -> ShotRow:
    found = {c: [p.nll for p in points if p.condition == c] for c in conditions}
    gold, permuted = mean(found.get(GOLD, [])), mean(found.get(PERMUTED, []))
    difference = permuted - gold if gold is not None and permuted is not None else None
    right = [p for p in points if p.condition == GOLD]
    names = dict.fromkeys(name for p in right for name in p.scores)
    scores = {name: mean(p.scores.get(name) for p in right) for name in names}
    accuracy, blind = mean(p.accuracy for p in right), mean(p.blind.get(ACCURACY) for p in right)
    return ShotRow(arm, k, found, difference, accuracy, blind, scores)


def _at_most(rows: list[ShotRow]) -> list[ShotRow]:
    """Of each arm that has it, the row at the task's largest k with both gold and permuted demos."""
    known = [row for row in rows if row.difference is not None]
    most = max((row.k for row in known), default=0)
    return [row for row in known if row.k == most]


def _strongest(shots: list[Shots], controls: Set[str]) -> float:
    rows = _at_most(_rows([s for s in shots if s.arm not in controls], [GOLD, PERMUTED]))
    return max((abs(row.difference or 0) for row in rows), default=0.0)


def _panelled(rows: list[ShotRow], controls: Set[str]) -> set[str]:
    """Arms with a panel: those where permuting does most; as many controls besides."""
    last = {row.arm: abs(row.difference or 0) for row in _at_most(rows)}
    order = sorted(dict.fromkeys(row.arm for row in rows), key=lambda arm: -last.get(arm, 0.0))
    real = [arm for arm in order if arm not in controls][:ARMS]
    return {*real, *[arm for arm in order if arm in controls][:ARMS]}


def _note(shots: list[Shots]) -> str:
    """Where prompts did not fit into the context: a curve then goes over other items at one k than at the next."""
    gold = [p for s in shots for p in s.points if p.condition == GOLD and p.asked]
    short = {p.k: (p.n or 0, p.asked or 0) for p in gold if (p.n or 0) < (p.asked or 0)}
    each = [f"{n} of {asked} prompts at k = {k}" for k, (n, asked) in sorted(short.items())]
    if not each:
        return ""
    return f"Only {listed(each)} fit into the context: what changes there may be the items, not what demos do."


def _headline(rows: list[ShotRow]) -> str:
    """What permuting costs at the largest k."""
    last = sorted(_at_most(rows), key=lambda row: -abs(row.difference or 0))
    if not last:
        return "At no number of demos is there an answer under both gold and permuted labels."
    each = [f"{number(round(row.difference or 0, 3))} nats in {row.arm}" for row in last[:IN_HEADLINE]]
    more = [f"less in {plural(len(last) - IN_HEADLINE, 'other arm')}"] if len(last) > IN_HEADLINE else []
    return f"At k = {last[0].k}, permuting the labels of the demos costs {listed([*each, *more])}."
