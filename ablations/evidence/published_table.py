"""Reads a table of published results: one corpus a row, its size, its perplexity, and one score a task without error bars."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from ablations.statistics.rank_correlation import RankCorrelation, spearman
from curation.runtime.errors import InputError

MARK = "printed_mark_"
KIND, CORPUS, TOKENS, PERPLEXITY = "kind", "corpus", "train_tokens_billion", "validation_ppl"
KINDS = ("baseline", "all", "single", "mixture", "size")
MARKS = ("above", "below")
ABOUT = (
    "The columns are: kind, corpus, train_tokens_billion, validation_ppl, and for each task TASK and printed_mark_TASK."
)


@dataclass(frozen=True)
class PublishedRow:
    """One model.

    Attributes:
        kind: "baseline" (no model: the most frequent answer), "all" (everything; the first one is the reference), "single",
            "mixture" (corpora joined by +), or "size" (everything, fewer tokens).
        tokens: training tokens in billions.
        scores: task -> score, higher is better; tasks that were not measured are left out.
        marks: task -> "above" or "below", as printed.
    """

    kind: str
    corpus: str
    tokens: float | None
    perplexity: float | None
    scores: Mapping[str, float]
    marks: Mapping[str, str]

    @property
    def size(self) -> str:
        """Its tokens in words."""
        return "?" if self.tokens is None else f"{self.tokens:g}B"

    @property
    def cut_from(self) -> str | None:
        """The corpus whose part this is: `Blog` of `Blog 27B`."""
        match = re.fullmatch(r"(.+) \d+(?:\.\d+)?B", self.corpus)
        return match[1] if match and self.kind == "single" else None


@dataclass(frozen=True)
class PublishedTable:
    """All rows and tasks, in the order of the file."""

    tasks: tuple[str, ...]
    rows: tuple[PublishedRow, ...]

    def of(self, kind: str) -> list[PublishedRow]:
        return [row for row in self.rows if row.kind == kind]

    @property
    def reference(self) -> PublishedRow:
        return self.of("all")[0]

    @property
    def full_singles(self) -> dict[str, PublishedRow]:
        """Single corpora as a whole, without those cut to a size."""
        names = {row.corpus for row in self.of("single")}
        return {row.corpus: row for row in self.of("single") if row.cut_from not in names}

    def midpoint(self, task: str) -> float:
        """Halfway between the reference and the baseline."""
        return (self.reference.scores[task] + self.of("baseline")[0].scores[task]) / 2

    def side(self, row: PublishedRow, task: str) -> str | None:
        """ "above" or "below" the midpoint; None on it or without a score."""
        score, middle = row.scores.get(task), self.midpoint(task)
        return None if score is None or score == middle else MARKS[score < middle]

    def above(self, row: PublishedRow) -> list[str]:
        """Tasks whose score is above the midpoint."""
        return [task for task in self.tasks if self.side(row, task) == "above"]


@dataclass(frozen=True)
class PerTask:
    """The rank correlation of one thing with the scores of one task, over the full single corpora.

    `against` of the `pairs` of corpora are in the opposite order: less perplexity, or more tokens, is better.
    """

    task: str
    of: str
    correlation: RankCorrelation
    corpora: tuple[str, ...]
    against: int
    pairs: int


def correlations(table: PublishedTable, of: str) -> list[PerTask]:
    """Spearman of `perplexity` or `tokens` against each task."""
    better = -1 if of == "perplexity" else 1
    each = []
    for task in table.tasks:
        rows = [r for r in table.full_singles.values() if getattr(r, of) is not None and task in r.scores]
        xs, ys = [getattr(row, of) for row in rows], [row.scores[task] for row in rows]
        pairs = [better * (x1 - x2) * (y1 - y2) for (x1, y1), (x2, y2) in combinations(zip(xs, ys, strict=True), 2)]
        against = sum(product < 0 for product in pairs)
        each.append(PerTask(task, of, spearman(xs, ys), tuple(row.corpus for row in rows), against, len(pairs)))
    return each


def read(path: str) -> PublishedTable:
    """A table from a CSV file.

    Raises:
        InputError: no such file, no CSV, a column too few or too many, a value that is no number, a needed row is missing.
    """
    try:
        lines = csv.DictReader(io.StringIO(Path(path).read_text(encoding="utf-8-sig")), restkey="", strict=True)
        values, columns = list(lines), list(lines.fieldnames or ())
    except OSError as error:
        raise InputError(path, str(error.strerror or error), "Give the path of a CSV file.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        problem = "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else f"no CSV: {error}"
        raise InputError(path, problem, ABOUT) from error
    tasks = _tasks(path, columns)
    rows = tuple(_row(f"{path}, row {number}", each, tasks) for number, each in enumerate(values, 2))
    return _checked(path, PublishedTable(tasks, rows))


def _tasks(path: str, columns: Sequence[str]) -> tuple[str, ...]:
    if not columns:
        raise InputError(path, "an empty file", ABOUT)
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise InputError(path, f"two columns {twice[0]}", "Rename one of them.")
    own = (KIND, CORPUS, TOKENS, PERPLEXITY)
    tasks = [column for column in columns if column not in own and not column.startswith(MARK)]
    wanted = [*own, *(f"{MARK}{task}" for task in tasks)]
    missing = [column for column in wanted if column not in columns]
    missing += [c.removeprefix(MARK) for c in columns if c.startswith(MARK) and c.removeprefix(MARK) not in columns]
    if missing or not tasks:
        problem = f"no column {', '.join(missing)}" if missing else "no column with scores"
        raise InputError(path, f"{problem}; it has {', '.join(columns)}", ABOUT)
    return tuple(tasks)


def _row(where: str, values: Mapping[str, str | None], tasks: Sequence[str]) -> PublishedRow:
    if "" in values or None in values.values():
        raise InputError(where, "not as many values as there are columns", "Give one value a column; it may be empty.")
    texts = {column: (value or "").strip() for column, value in values.items()}
    if texts[KIND] not in KINDS:
        raise InputError(f"{where}, column {KIND}", f"{texts[KIND]!r}", f"Write one of {', '.join(KINDS)}.")
    numbers = {c: _number(f"{where}, column {c}", texts[c]) for c in (TOKENS, PERPLEXITY, *tasks)}
    for task in tasks:
        if texts[MARK + task] not in ("", *MARKS):
            raise InputError(
                f"{where}, column {MARK}{task}", f"{texts[MARK + task]!r}", "Write above, below or nothing."
            )
        if texts[MARK + task] and numbers[task] is None:
            raise InputError(f"{where}, column {task}", "a printed mark without a score", "Give the score, or no mark.")
    scores = {task: score for task in tasks if (score := numbers[task]) is not None}
    marks = {task: texts[MARK + task] for task in tasks if texts[MARK + task]}
    return PublishedRow(texts[KIND], texts[CORPUS], numbers[TOKENS], numbers[PERPLEXITY], scores, marks)


def _number(where: str, value: str) -> float | None:
    if not value:
        return None
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(where, f"{value!r} is no number", "Write a number, or leave it empty.")
    return number


def _checked(path: str, table: PublishedTable) -> PublishedTable:
    for kind in ("baseline", "all"):
        if not table.of(kind):
            raise InputError(
                path, f"no row of kind {kind}", "The midpoint lies between the baseline and the first row of all."
            )
    for row in (table.of("baseline")[0], table.reference):
        if missing := [task for task in table.tasks if task not in row.scores]:
            raise InputError(
                f"{path}, row {row.corpus}", f"no {missing[0]}", "The midpoint needs every score of this row."
            )
    if not table.of("single"):
        raise InputError(path, "no row of kind single", "Claims about corpora need rows of single corpora.")
    return table
