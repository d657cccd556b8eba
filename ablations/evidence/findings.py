"""What a published table of corpora and scores allows one to say of four claims: `loam ablate findings TABLE.csv`.

One model a row: a corpus, its size, its perplexity, and one score a task without an error. The claims are in
configs/reference/published_claims.yaml; other numbers than the published ones give other sentences.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from itertools import combinations
from typing import Any, Literal

from pydantic import Field, model_validator

from ablations.statistics.rank_correlation import RankCorrelation, spearman
from curation.runtime import shipped
from curation.runtime.command_line.command import table as as_table
from curation.runtime.config import Config, build, read_yaml
from curation.runtime.errors import ConfigError, InputError, one_of

MARK = "printed_mark_"
OWN = ("kind", "corpus", "train_tokens_billion", "validation_ppl")
COLUMNS = f"The columns are {', '.join(OWN)}, and for each task TASK and {MARK}TASK."
ONE_NUMBER = (
    "A size of any effect with an error: one number a cell, no seeds, so nobody knows how far a score moves by chance."
)
Side = Literal["above", "below"]
Sentences = tuple[list[str], list[str]]  # numbers that bear on a claim, and what they allow one to say


class CorpusRow(Config):
    """One model. Baseline: the most frequent answer; all: everything, the first one is the reference; size: fewer tokens of it."""

    kind: Literal["baseline", "all", "single", "mixture", "size"]
    corpus: str
    tokens: float | None = Field(None, alias="train_tokens_billion")
    perplexity: float | None = Field(None, alias="validation_ppl")
    scores: Mapping[str, float]  # higher is better
    marks: Mapping[str, Side]  # of the midpoint, as printed

    @model_validator(mode="after")
    def _marks_have_scores(self) -> CorpusRow:
        if alone := self.marks.keys() - self.scores.keys():
            raise ValueError(f"a printed mark without a score of {min(alone)}. Give the score, or no mark.")
        return self

    @property
    def size(self) -> str:
        return "?" if self.tokens is None else f"{self.tokens:g}B"

    @property
    def cut_from(self) -> str | None:
        """The corpus whose part this is: `Blog` of `Blog 27B`."""
        match = re.fullmatch(r"(.+) \d+(?:\.\d+)?B", self.corpus)
        return match[1] if match and self.kind == "single" else None


@dataclass(frozen=True)
class Table:
    """All rows and tasks, in the order of the file."""

    tasks: tuple[str, ...]
    rows: tuple[CorpusRow, ...]

    def of(self, kind: str) -> list[CorpusRow]:
        return [row for row in self.rows if row.kind == kind]

    @property
    def reference(self) -> CorpusRow:
        return self.of("all")[0]

    @property
    def full_singles(self) -> dict[str, CorpusRow]:
        """Single corpora as a whole, without those cut to a size."""
        names = {row.corpus for row in self.of("single")}
        return {row.corpus: row for row in self.of("single") if row.cut_from not in names}

    def midpoint(self, task: str) -> float:
        """Halfway between the reference and the baseline."""
        return (self.reference.scores[task] + self.of("baseline")[0].scores[task]) / 2

    def side(self, row: CorpusRow, task: str) -> Side | None:
        """None on the midpoint or without a score."""
        score, middle = row.scores.get(task), self.midpoint(task)
        return None if score is None or score == middle else "below" if score < middle else "above"

    def above(self, row: CorpusRow) -> list[str]:
        return [task for task in self.tasks if self.side(row, task) == "above"]


def read(path: str) -> Table:
    """A table from a CSV file.

    Raises:
        InputError: no such file, no CSV, a column is missing or there twice, a needed row or score is missing.
        ConfigError: a row has too few or too many values, or one that cannot be used.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            head, *lines = [line for line in csv.reader(file, strict=True) if line] or [[]]
    except OSError as error:
        raise InputError(path, str(error.strerror or error), "Give the path of a CSV file.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        problem = "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else f"no CSV: {error}"
        raise InputError(path, problem, COLUMNS) from error
    tasks = tuple(column for column in head if column not in OWN and not column.startswith(MARK))
    if missing := [column for column in OWN if column not in head]:
        raise InputError(path, f"no column {', '.join(missing)}", COLUMNS)
    if not tasks or len(set(head)) < len(head):
        raise InputError(path, "two columns of one name" if tasks else "no column with scores", COLUMNS)
    table = Table(tasks, tuple(_row(f"{path}, row {number}", head, line) for number, line in enumerate(lines, 2)))
    for kind in ("baseline", "all", "single"):
        if not table.of(kind):
            raise InputError(path, f"no row of kind {kind}", "The midpoint and the claims need one.")
    for row in (table.of("baseline")[0], table.reference):
        if lacking := [task for task in tasks if task not in row.scores]:
            raise InputError(f"{path}, row {row.corpus}", f"no {lacking[0]}", "The midpoint needs its every score.")
    return table


def _row(where: str, head: Sequence[str], line: Sequence[str]) -> CorpusRow:
    if len(line) != len(head):
        raise ConfigError(f"{where}: {len(line)} values for {len(head)} columns. Give one each; it may be empty.")
    values = {column: value.strip() for column, value in zip(head, line, strict=True) if value.strip()}
    marks = {column.removeprefix(MARK): value for column, value in values.items() if column.startswith(MARK)}
    scores = {column: value for column, value in values.items() if column not in OWN and not column.startswith(MARK)}
    own = {column: values[column] for column in OWN if column in values}
    return build(CorpusRow, {**own, "scores": scores, "marks": marks}, where)


@dataclass(frozen=True)
class TaskCorrelation:
    """The rank correlation of one thing with the scores of one task, over the full single corpora.

    `against` of the `pairs` of corpora are in the opposite order: less perplexity, or more tokens, is better.
    """

    task: str
    of: str
    correlation: RankCorrelation
    corpora: tuple[str, ...]
    against: int
    pairs: int


def correlations(table: Table, of: Literal["perplexity", "tokens"]) -> list[TaskCorrelation]:
    """Spearman of `perplexity` or `tokens` against each task."""
    each = []
    for task in table.tasks:
        rows = [r for r in table.full_singles.values() if getattr(r, of) is not None and task in r.scores]
        points = [(getattr(row, of), row.scores[task]) for row in rows]
        products = [(x1 - x2) * (y1 - y2) for (x1, y1), (x2, y2) in combinations(points, 2)]
        against = sum(product > 0 if of == "perplexity" else product < 0 for product in products)
        rho = spearman([x for x, _ in points], [y for _, y in points])
        each.append(TaskCorrelation(task, of, rho, tuple(row.corpus for row in rows), against, len(products)))
    return each


@dataclass(frozen=True)
class Finding:
    """A claim, the numbers that bear on it, what they allow one to say, and what not."""

    claim: str
    numbers: list[str]
    allows: list[str]
    does_not_allow: list[str]


@dataclass(frozen=True)
class Mark:
    """A printed mark, and what the midpoint rule gives in its place."""

    corpus: str
    task: str
    score: float
    midpoint: float
    printed: Side
    rule: Side | None


@dataclass(frozen=True)
class Marks:
    """How many marks are printed, how many of them the midpoint rule gives too, and the others."""

    printed: int
    reproduced: int
    others: list[Mark]


@dataclass(frozen=True)
class Findings:
    """What the command prints: marks beside the midpoint rule, correlations with perplexity, claims."""

    marks: Marks
    perplexity: list[TaskCorrelation]
    claims: list[Finding]


def findings_of(table: Table, related: Sequence[str] = ()) -> Findings:
    """Findings of a table. `related` are CORPUS=TASK pairs of claim 3; those of the paper that the table has when left out.

    Raises:
        ConfigError: a pair names a corpus or a task that the table lacks.
    """
    claims = read_yaml(shipped.find_config("reference/published_claims.yaml"))
    names = {*table.full_singles, *table.tasks}
    known = [pair for pair in claims["related"]["pairs"] if names.issuperset(pair.split("="))]
    pairs = [_pair(table, text) for text in related or known]
    perplexity = correlations(table, "perplexity")
    corpora = max((each.correlation.n for each in perplexity if each.correlation.rho is not None), default=0)
    sentences = (_size(table), _synergy(table), _related(table, pairs), _perplexity(table, perplexity))
    findings = []
    for claim, (numbers, allows) in zip(claims.values(), sentences, strict=True):
        limits = [limit.format(corpora=corpora, yardstick=_yardstick(table)) for limit in claim["does_not_allow"]]
        findings.append(Finding(claim["claim"], numbers, allows, [ONE_NUMBER, *limits]))
    return Findings(_marks(table), perplexity, findings)


def _marks(table: Table) -> Marks:
    marks = [
        Mark(row.corpus, task, row.scores[task], table.midpoint(task), printed, table.side(row, task))
        for row in table.rows
        for task, printed in row.marks.items()
    ]
    others = [mark for mark in marks if mark.printed != mark.rule]
    return Marks(len(marks), len(marks) - len(others), others)


def _pair(table: Table, text: str) -> tuple[str, str]:
    corpus, sign, task = text.partition("=")
    if not sign:
        raise ConfigError(f"--related {text}: no =. Write CORPUS=TASK.")
    for names, name, what in ((list(table.full_singles), corpus, "corpus"), (table.tasks, task, "task")):
        if name not in names:
            raise ConfigError(f"--related {text}: {one_of(names, name, what)}")
    return corpus, task


def _size(table: Table) -> Sentences:
    counts = Counter(row.tokens for row in table.of("single") if row.tokens is not None).most_common(1)
    same = [row for row in table.of("single") if row.tokens in dict(counts)]
    reference, numbers, wider = table.reference, [], []
    sizes = list({row.tokens: row for row in [*table.of("size"), reference] if row.tokens is not None}.values())
    tokens = _listed(sorted(row.tokens or 0.0 for row in sizes))
    for task in table.tasks:
        by_corpus, by_size = ([row.scores[task] for row in rows if task in row.scores] for rows in (same, sizes))
        if min(len(by_corpus), len(by_size)) > 1:
            wider.append(max(by_corpus) - min(by_corpus) > max(by_size) - min(by_size))
            numbers.append(
                f"{task}: {min(by_corpus):g} to {max(by_corpus):g} over {len(same)} corpora of {same[0].tokens:g}B tokens; "
                f"{min(by_size):g} to {max(by_size):g} over {reference.corpus} at {tokens}B"
            )
    allows = [
        f"Corpora of equal size lie further apart than sizes of {reference.corpus} in {sum(wider)} of {len(wider)} tasks"
        + (": in these runs the corpus mattered more than its size." if sum(wider) * 2 > len(wider) else ".")
    ][: len(wider)]
    order = correlations(table, "tokens")
    against, rhos = sum(e.against for e in order), [e.correlation.rho for e in order if e.correlation.rho is not None]
    numbers.append(
        f"the larger of two full corpora has the lower score in {against} of {sum(e.pairs for e in order)} pairs over all tasks"
        + (f"; rank correlations of tokens and score from {min(rhos):.2f} to {max(rhos):.2f}" if rhos else "")
    )
    allows += ["Size alone does not order these corpora."] if against else []
    if changed := _changes_with_size(table):
        allows.append("Within one corpus size does matter, task by task: emergence is per task, not per model.")
    return numbers + changed, allows


def _changes_with_size(table: Table) -> list[str]:
    """Corpora with cut versions: the tasks that are above the midpoint at each size, where that differs."""
    lines = []
    for whole in table.full_singles.values():
        cuts = [row for row in table.of("single") if row.cut_from == whole.corpus]
        if any(table.above(row) != table.above(whole) for row in cuts):
            versions = sorted([whole, *cuts], key=lambda row: -(row.tokens or 0))
            above = "; ".join(f"{row.size}: {_listed(table.above(row)) or 'none'}" for row in versions)
            lines.append(f"{whole.corpus}, tasks above the midpoint at {above}")
    return lines


def _synergy(table: Table) -> Sentences:
    numbers, emerged, judged, worse = [], 0, 0, 0
    for mixture in table.of("mixture"):
        names = [name.strip() for name in mixture.corpus.split("+")]
        if lacking := [name for name in names if name not in table.full_singles]:
            numbers.append(f"{mixture.corpus}: not judged, no row of {_listed(lacking)}")
            continue
        parts = [table.full_singles[name] for name in names]
        tasks = [t for t in table.tasks if t in mixture.scores and all(t in part.scores for part in parts)]
        alone = {task for part in parts for task in table.above(part)}
        new = [task for task in table.above(mixture) if task in tasks and task not in alone]
        lower = [task for task in tasks if mixture.scores[task] < max(part.scores[task] for part in parts)]
        judged, emerged, worse = judged + len(tasks), emerged + len(new), worse + len(lower)
        numbers.append(
            f"{mixture.corpus}: above the midpoint where no part is: {_listed(new) or 'nowhere'}; below its best part: "
            f"{_listed(lower) or 'nowhere'}; {mixture.size} tokens, its parts {_listed(part.size for part in parts)}"
        )
    counts = f"In {emerged} of {judged} cells a mixture is above the midpoint while none of its parts is"
    allows = [f"{counts}; in {worse} it is below its best part.", "It occurred." if emerged else "It was not seen."]
    return numbers, allows if judged else []


def _related(table: Table, related: Sequence[tuple[str, str]]) -> Sentences:
    """Which corpus is related to which task is a reader's judgement, so it is given."""
    rows = table.full_singles
    numbers, sides = [], []
    for corpus, task in related:
        if (score := rows[corpus].scores.get(task)) is None:
            continue
        ranked = sorted((row.scores[task] for row in rows.values() if task in row.scores), reverse=True)
        sides.append(side := table.side(rows[corpus], task))
        numbers.append(
            f"{corpus} on {task}: {score:g}, {side or 'on'} the midpoint {table.midpoint(task):.4g}, rank "
            f"{ranked.index(score) + 1} of {len(ranked)} full corpora"
        )
    below = sides.count("below")
    allows = [
        f"Of {len(sides)} related pairs {below} are below the midpoint, {sides.count('above')} above.",
        "No guarantee: one pair below is enough." if below else "No pair speaks for the claim.",
    ]
    return numbers, allows if sides else []


def _perplexity(table: Table, every: Sequence[TaskCorrelation]) -> Sentences:
    order = [(each, rho) for each in every if (rho := each.correlation.rho) is not None]
    numbers, sure = [], 0
    for each, rho in order:
        low, high = each.correlation.interval or (-1.0, 1.0)
        sure += high < 0
        numbers.append(
            f"{each.task}: rank correlation {rho:.2f} [{low:.2f}, {high:.2f}], n = {each.correlation.n}, p = "
            f"{each.correlation.p:.3f}; lower perplexity but lower score in {each.against} of {each.pairs} pairs"
            f"{_widest_exception(table, each)}"
        )
    if not order:
        return [], []
    rhos = [rho for _, rho in order]
    return numbers, [
        f"Rank correlations from {min(rhos):.2f} to {max(rhos):.2f}: lower perplexity goes with higher scores in "
        f"{sum(rho < 0 for rho in rhos)} of {len(order)} tasks, with an interval below zero in {sure}; "
        f"{sum(each.against for each, _ in order)} of {sum(each.pairs for each, _ in order)} pairs are exceptions."
    ]


def _widest_exception(table: Table, each: TaskCorrelation) -> str:
    """The pair of corpora with the greatest gap in score although the worse one has the lower perplexity."""
    rows = sorted((table.full_singles[corpus] for corpus in each.corpora), key=lambda row: row.perplexity or 0)
    pairs = [(worse, better) for worse, better in combinations(rows, 2) if worse.perplexity != better.perplexity]
    exceptions = [pair for pair in pairs if pair[0].scores[each.task] < pair[1].scores[each.task]]
    if not exceptions:
        return ""
    worse, better = max(exceptions, key=lambda pair: pair[1].scores[each.task] - pair[0].scores[each.task])
    named = (f"{row.corpus} ({row.perplexity:g}, {row.scores[each.task]:g})" for row in (better, worse))
    return f", the widest {' over '.join(named)}"


def _yardstick(table: Table) -> str:
    """How far two nearly equal models of all corpora differ, if there are two."""
    one, others = table.reference, table.of("all")[1:]
    gaps = [(abs(one.scores[t] - r.scores[t]), t, r.corpus) for r in others for t in table.tasks if t in r.scores]
    if not gaps:
        return ""
    gap, task, other = max(gaps, key=lambda gap: gap[0])
    return f"; {one.corpus} and {other}, nearly the same corpus, differ by {gap:.2f} in {task}"


def _listed(values: Iterable[object]) -> str:
    return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)


def findings_text(findings: Findings) -> str:
    """For people: marks, correlations, then claim by claim."""
    marks = findings.marks
    lines = [f"printed marks that the midpoint rule reproduces: {marks.reproduced} of {marks.printed}"]
    if marks.others:
        heads = [field.name for field in fields(Mark)]
        lines.append(as_table(heads, [(*astuple(mark)[:-1], mark.rule or "on it") for mark in marks.others]))
    lines.append(
        "\nrank correlation of perplexity with each score, over the full single corpora (exact p up to 8 corpora)"
    )
    rows = [_correlation_row(each) for each in findings.perplexity]
    lines.append(as_table(("task", "rho", "interval", "n", "p", "pairs against"), rows))
    for number, finding in enumerate(findings.claims, 1):
        lines.append(f"\nclaim {number}: {finding.claim}")
        for title, sentences in (
            ("numbers", finding.numbers or ["none in this table"]),
            ("allow one to say", finding.allows or ["nothing"]),
            ("do not allow one to say", finding.does_not_allow),
        ):
            lines += [f"  {title}", *(f"    - {sentence}" for sentence in sentences)]
    return "\n".join(lines)


def _correlation_row(each: TaskCorrelation) -> tuple[Any, ...]:
    c = each.correlation
    interval = f"{c.interval[0]:.2f} to {c.interval[1]:.2f}" if c.interval else "-"
    rho, p = (None if value is None else round(value, 3) for value in (c.rho, c.p))
    return each.task, rho, interval, c.n, p, f"{each.against} of {each.pairs}"
