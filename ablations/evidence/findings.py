"""What a published table of corpora and scores allows one to say of four claims: `loam ablate findings TABLE.csv`.

The claims are in configs/reference/published_claims.yaml; other numbers than the published ones give other sentences.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ablations.evidence.published_table import PerTask, PublishedRow, PublishedTable, correlations
from curation.runtime import shipped
from curation.runtime.command_line.command import table as as_table
from curation.runtime.config import read_yaml
from curation.runtime.errors import ConfigError, one_of

ONE_NUMBER = (
    "A size of any effect with an error: one number a cell, no seeds, so nobody knows how far a score moves by chance."
)
Sentences = tuple[list[str], list[str]]  # numbers that bear on a claim, and what they allow one to say


@dataclass(frozen=True)
class Finding:
    """A claim, the numbers that bear on it, what they allow one to say, and what not."""

    claim: str
    numbers: list[str]
    allows: list[str]
    does_not_allow: list[str]


@dataclass(frozen=True)
class Findings:
    """Everything that the command prints: marks and what the midpoint rule gives for them, correlations, claims."""

    marks: list[dict[str, Any]]
    perplexity: list[PerTask]
    claims: list[Finding]

    def to_json(self) -> dict[str, Any]:
        others = [mark for mark in self.marks if mark["printed"] != mark["rule"]]
        counts = {"printed": len(self.marks), "reproduced": len(self.marks) - len(others)}
        return {**asdict(self), "marks": {**counts, "others": others}}


def findings_of(table: PublishedTable, related: Sequence[str] = ()) -> Findings:
    """Findings of a table. `related` are CORPUS=TASK pairs of claim 3; those of the paper that the table has when left out.

    Raises:
        ConfigError: a pair names a corpus or a task that the table lacks.
    """
    marks = [
        {"corpus": row.corpus, "task": task, "score": row.scores[task], "midpoint": table.midpoint(task)}
        | {"printed": printed, "rule": table.side(row, task)}
        for row in table.rows
        for task, printed in row.marks.items()
    ]
    claims = read_yaml(shipped.find_config("reference/published_claims.yaml"))
    names = {*table.full_singles, *table.tasks}
    known = [pair for pair in claims["related"]["pairs"] if names.issuperset(pair.split("="))]
    pairs = [_pair(table, text) for text in related or known]
    order = correlations(table, "perplexity")
    limits = {
        "corpora": max((each.correlation.n for each in order if each.correlation.rho is not None), default=0),
        "yardstick": _yardstick(table),
    }
    sentences = (_size(table), _synergy(table), _related(table, pairs), _perplexity(table, order))
    findings = [
        Finding(text["claim"], *counted, [ONE_NUMBER, *(limit.format(**limits) for limit in text["does_not_allow"])])
        for text, counted in zip(claims.values(), sentences, strict=True)
    ]
    return Findings(marks, order, findings)


def _pair(table: PublishedTable, text: str) -> tuple[str, str]:
    corpus, sign, task = text.partition("=")
    if not sign:
        raise ConfigError(f"--related {text}: no =. Write CORPUS=TASK.")
    for names, name, what in ((list(table.full_singles), corpus, "corpus"), (table.tasks, task, "task")):
        if name not in names:
            raise ConfigError(f"--related {text}: {one_of(names, name, what)}")
    return corpus, task


def _size(table: PublishedTable) -> Sentences:
    counts = Counter(row.tokens for row in table.of("single") if row.tokens is not None).most_common(1)
    same = [row for row in table.of("single") if row.tokens in dict(counts)]
    reference, numbers, wider = table.reference, [], []
    sizes = list({row.tokens: row for row in [*table.of("size"), reference] if row.tokens is not None}.values())
    tokens = _listed(sorted(row.tokens or 0.0 for row in sizes))
    for task in table.tasks:
        (low, high, n), (least, most, m) = (_range(rows, task) for rows in (same, sizes))
        if min(n, m) > 1:
            wider.append(high - low > most - least)
            corpora = f"{low:g} to {high:g} over {len(same)} corpora of {same[0].tokens:g}B tokens"
            numbers.append(f"{task}: {corpora}; {least:g} to {most:g} over {reference.corpus} at {tokens}B")
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


def _changes_with_size(table: PublishedTable) -> list[str]:
    """Corpora with cut versions: the tasks that are above the midpoint at each size, where that differs."""
    lines = []
    for whole in table.full_singles.values():
        cuts = [row for row in table.of("single") if row.cut_from == whole.corpus]
        if any(table.above(row) != table.above(whole) for row in cuts):
            versions = sorted([whole, *cuts], key=lambda row: -(row.tokens or 0))
            above = "; ".join(f"{row.size}: {_listed(table.above(row)) or 'none'}" for row in versions)
            lines.append(f"{whole.corpus}, tasks above the midpoint at {above}")
    return lines


def _synergy(table: PublishedTable) -> Sentences:
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
    allows = [
        f"In {emerged} of {judged} cells a mixture is above the midpoint while none of its parts is; in {worse} it is below its "
        "best part.",
        "It occurred." if emerged else "It was not seen.",
    ]
    return numbers, allows if judged else []


def _related(table: PublishedTable, related: Sequence[tuple[str, str]]) -> Sentences:
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


def _perplexity(table: PublishedTable, every: Sequence[PerTask]) -> Sentences:
    order = [(each, rho) for each in every if (rho := each.correlation.rho) is not None]
    numbers = []
    for each, rho in order:
        low, high = each.correlation.interval or (-1.0, 1.0)
        numbers.append(
            f"{each.task}: rank correlation {rho:.2f} [{low:.2f}, {high:.2f}], n = {each.correlation.n}, p = "
            f"{each.correlation.p:.3f}; lower perplexity but lower score in {each.against} of {each.pairs} pairs"
            f"{_worst_exception(table, each)}"
        )
    rhos = [rho for _, rho in order] or [0.0]
    sure = sum((each.correlation.interval or (0, 0))[1] < 0 for each, _ in order)
    against, pairs = sum(each.against for each, _ in order), sum(each.pairs for each, _ in order)
    allows = (
        f"Rank correlations from {min(rhos):.2f} to {max(rhos):.2f}: lower perplexity goes with higher scores in "
        f"{sum(rho < 0 for rho in rhos)} of {len(order)} tasks, with an interval below zero in {sure}; {against} of {pairs} pairs "
        "are exceptions."
    )
    return numbers, [allows] if order else []


def _worst_exception(table: PublishedTable, each: PerTask) -> str:
    rows = [table.full_singles[corpus] for corpus in each.corpora]
    gaps = [
        (better.scores[each.task] - worse.scores[each.task], better, worse)
        for worse in rows
        for better in rows
        if (worse.perplexity or 0) < (better.perplexity or 0) and worse.scores[each.task] < better.scores[each.task]
    ]
    if not gaps:
        return ""
    _, better, worse = max(gaps, key=lambda gap: gap[0])
    named = (f"{row.corpus} ({row.perplexity:g}, {row.scores[each.task]:g})" for row in (better, worse))
    return f", the widest {' over '.join(named)}"


def _yardstick(table: PublishedTable) -> str:
    """How far two nearly equal models of all corpora differ, if there are two."""
    one, others = table.reference, table.of("all")[1:]
    gaps = [(abs(one.scores[t] - r.scores[t]), t, r.corpus) for r in others for t in table.tasks if t in r.scores]
    if not gaps:
        return ""
    gap, task, other = max(gaps, key=lambda gap: gap[0])
    return f"; {one.corpus} and {other}, nearly the same corpus, differ by {gap:.2f} in {task}"


def _range(rows: Iterable[PublishedRow], task: str) -> tuple[float, float, int]:
    """Least and greatest score, and how many there are."""
    scores = [row.scores[task] for row in rows if task in row.scores] or [0.0]
    return min(scores), max(scores), len(scores)


def _listed(values: Iterable[object]) -> str:
    return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)


def findings_text(findings: Findings) -> str:
    """For people: marks, correlations, then claim by claim."""
    marks = findings.to_json()["marks"]
    lines = [f"printed marks that the midpoint rule reproduces: {marks['reproduced']} of {marks['printed']}"]
    if marks["others"]:
        heads = tuple(marks["others"][0])
        lines.append(as_table(heads, [(*list(m.values())[:-1], m["rule"] or "on it") for m in marks["others"]]))
    lines += [
        "",
        "rank correlation of perplexity with each score, over the full single corpora (exact p up to 8 corpora)",
    ]
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


def _correlation_row(each: PerTask) -> tuple[Any, ...]:
    c = each.correlation
    interval = f"{c.interval[0]:.2f} to {c.interval[1]:.2f}" if c.interval else "-"
    rho, p = (None if value is None else round(value, 3) for value in (c.rho, c.p))
    return each.task, rho, interval, c.n, p, f"{each.against} of {each.pairs}"
