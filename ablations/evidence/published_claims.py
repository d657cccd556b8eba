"""The four claims of Shin et al. 2022 (https://arxiv.org/abs/2204.13509), held against the numbers of a published table.

Each function counts and compares, and says what the counts allow. Nothing about the outcome is written down beforehand: other
numbers give other sentences. That there is one number a cell limits all of them, so each ends with what cannot be said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from ablations.evidence.published_table import PublishedTable, Row
from ablations.statistics.rank_correlation import RankCorrelation, spearman

ONE_NUMBER = (
    "A size of any effect with an error: one number a cell, no seeds, so nobody knows how far a score moves by chance."
)


@dataclass
class Finding:
    """A claim, the numbers that bear on it, what they allow one to say, and what not."""

    claim: str
    numbers: list[str] = field(default_factory=list)
    allows: list[str] = field(default_factory=list)
    does_not_allow: list[str] = field(default_factory=lambda: [ONE_NUMBER])


@dataclass(frozen=True)
class PerTask:
    """The rank correlation of one thing with the scores of one task, over the full single corpora."""

    task: str
    of: str
    correlation: RankCorrelation
    corpora: tuple[str, ...]
    against: int  # pairs of corpora that stand the other way round than the claim of a perfect order
    pairs: int


def correlations(table: PublishedTable, of: str) -> list[PerTask]:
    """Spearman of `perplexity` or `tokens` against each task. Expected order: less perplexity, or more tokens, is better."""
    better = -1 if of == "perplexity" else 1
    found = []
    for task in table.tasks:
        rows = [row for row in table.full_singles if getattr(row, of) is not None and task in row.scores]
        xs, ys = [getattr(row, of) for row in rows], [row.scores[task] for row in rows]
        pairs = [(better * (x1 - x2), y1 - y2) for (x1, y1), (x2, y2) in combinations(zip(xs, ys, strict=True), 2)]
        against = sum(dx * dy < 0 for dx, dy in pairs)
        found.append(PerTask(task, of, spearman(xs, ys), tuple(row.corpus for row in rows), against, len(pairs)))
    return found


def size_and_domain(table: PublishedTable) -> Finding:
    """Claim 1."""
    finding = Finding("Few-shot scores depend on the corpus' domain, and its size does not decide them.")
    same = _same_size(table)
    sizes = {row.tokens: row for row in [*table.of("size"), table.reference] if row.tokens is not None}
    wider = []
    for task in table.tasks:
        by_corpus = _spread(same, task)
        by_size = _spread(list(sizes.values()), task)
        if by_corpus is None or by_size is None:
            continue
        wider.append(by_corpus > by_size)
        finding.numbers.append(
            f"{task}: {_range(same, task)} over {len(same)} corpora of {same[0].tokens:g}B tokens; "
            f"{_range(list(sizes.values()), task)} over {table.reference.corpus} at {_listed(sorted(sizes))}B"
        )
    if wider:
        finding.allows.append(
            f"Corpora of equal size lie further apart than sizes of {table.reference.corpus} in {sum(wider)} of {len(wider)} "
            "tasks"
            + (": in these runs the corpus mattered more than its size." if sum(wider) * 2 > len(wider) else ".")
        )
    order = correlations(table, "tokens")
    against, pairs = sum(each.against for each in order), sum(each.pairs for each in order)
    rhos = [each.correlation.rho for each in order if each.correlation.rho is not None]
    finding.numbers.append(
        f"the larger of two full corpora has the lower score in {against} of {pairs} pairs over all tasks"
        + (f"; rank correlations of tokens and score from {min(rhos):.2f} to {max(rhos):.2f}" if rhos else "")
    )
    if against:
        finding.allows.append("Size alone does not order these corpora.")
    changed = _changes_with_size(table)
    if changed:
        finding.numbers += changed
        finding.allows.append("Within one corpus size does matter, task by task: emergence is per task, not per model.")
    finding.does_not_allow += [
        "Which property of a corpus did it: domain, diversity, quality and repetition change together with the source.",
        "That size does not matter: most corpora were measured at one size only.",
    ]
    return finding


def synergy(table: PublishedTable) -> Finding:
    """Claim 2."""
    finding = Finding("In-context learning can emerge from a combination of corpora of which none gives it alone.")
    singles = {row.corpus: row for row in table.full_singles}
    emerged = judged = worse = 0
    for mixture in table.of("mixture"):
        names = [name.strip() for name in mixture.corpus.split("+")]
        if lacking := [name for name in names if name not in singles]:
            finding.numbers.append(f"{mixture.corpus}: not judged, no row of {_listed(lacking)}")
            continue
        parts = [singles[name] for name in names]
        alone = {task for part in parts for task in table.above(part)}
        tasks = [t for t in table.tasks if t in mixture.scores and all(t in part.scores for part in parts)]
        new = [task for task in table.above(mixture) if task in tasks and task not in alone]
        lower = [task for task in tasks if mixture.scores[task] < max(part.scores[task] for part in parts)]
        judged, emerged, worse = judged + len(tasks), emerged + len(new), worse + len(lower)
        finding.numbers.append(
            f"{mixture.corpus}: above the midpoint where no part is: {_listed(new) or 'nowhere'}; below its best part: "
            f"{_listed(lower) or 'nowhere'}; {_tokens(mixture)} tokens, its parts {_listed(map(_tokens, parts))}"
        )
    if judged:
        finding.allows.append(
            f"In {emerged} of {judged} cells a mixture is above the midpoint while none of its parts is; in {worse} it is below "
            "its best part."
        )
        finding.allows.append("It occurred." if emerged else "It was not seen.")
    finding.does_not_allow += [
        "That mixing did it: tokens, diversity and repetition change with the mixture, and no model changes one of them alone.",
        "How often: the mixtures were chosen by hand, and the midpoint is one threshold of many.",
    ]
    return finding


def related_corpora(table: PublishedTable, related: Sequence[tuple[str, str]]) -> Finding:
    """Claim 3. Which corpus is related to which task is a reader's judgement, so it is given."""
    finding = Finding("A corpus related to a task does not guarantee few-shot performance on that task.")
    rows = {row.corpus: row for row in table.full_singles}
    sides = []
    for corpus, task in related:
        row = rows[corpus]
        if task not in row.scores:
            continue
        ranked = sorted((r.scores[task] for r in rows.values() if task in r.scores), reverse=True)
        side = table.side(row, task)
        sides.append(side)
        finding.numbers.append(
            f"{corpus} on {task}: {row.scores[task]:g}, {side or 'on'} the midpoint {table.midpoint(task):.4g}, rank "
            f"{ranked.index(row.scores[task]) + 1} of {len(ranked)} full corpora"
        )
    if sides:
        below = sides.count("below")
        finding.allows.append(
            f"Of {len(sides)} related pairs {below} are below the midpoint, {sides.count('above')} above."
        )
        finding.allows.append("No guarantee: one pair below is enough." if below else "No pair speaks for the claim.")
    finding.does_not_allow += [
        "That relatedness does not help: no corpus was measured with and without its related part at equal size.",
        "How related they are: that is a judgement (--related), not a measurement.",
    ]
    return finding


def perplexity(table: PublishedTable) -> Finding:
    """Claim 4."""
    finding = Finding("Perplexity and in-context learning do not always go together.")
    order = [each for each in correlations(table, "perplexity") if each.correlation.rho is not None]
    for each in order:
        c = each.correlation
        assert c.rho is not None
        low, high = c.interval or (-1.0, 1.0)
        finding.numbers.append(
            f"{each.task}: rank correlation {c.rho:.2f} [{low:.2f}, {high:.2f}], n = {c.n}, p = {c.p:.3f}; lower perplexity "
            f"but lower score in {each.against} of {each.pairs} pairs{_worst_exception(table, each)}"
        )
    if order:
        rhos = [each.correlation.rho or 0.0 for each in order]
        negative, sure = (
            sum(rho < 0 for rho in rhos),
            sum((each.correlation.interval or (0, 0))[1] < 0 for each in order),
        )
        against, pairs = sum(each.against for each in order), sum(each.pairs for each in order)
        finding.allows.append(
            f"Rank correlations from {min(rhos):.2f} to {max(rhos):.2f}: lower perplexity goes with higher scores in {negative} "
            f"of {len(order)} tasks, with an interval below zero in {sure}; {against} of {pairs} pairs are exceptions."
        )
    finding.does_not_allow += [
        f"How strong a relation is: there are {max((e.correlation.n for e in order), default=0)} corpora, picked by hand; p is not "
        "corrected for the number of tasks, and the tasks share their models.",
        "That an exception is real: without seeds nobody knows how far a score moves by itself"
        + _yardstick(table)
        + ".",
    ]
    return finding


def _same_size(table: PublishedTable) -> list[Row]:
    """The largest group of single corpora with equally many tokens."""
    groups: dict[float | None, list[Row]] = {}
    for row in table.of("single"):
        if row.tokens is not None:
            groups.setdefault(row.tokens, []).append(row)
    return max(groups.values(), key=len, default=[])


def _spread(rows: Sequence[Row], task: str) -> float | None:
    scores = [row.scores[task] for row in rows if task in row.scores]
    return max(scores) - min(scores) if len(scores) > 1 else None


def _range(rows: Sequence[Row], task: str) -> str:
    scores = sorted(row.scores[task] for row in rows if task in row.scores)
    return f"{scores[0]:g} to {scores[-1]:g}"


def _changes_with_size(table: PublishedTable) -> list[str]:
    """Corpora with cut versions: the tasks that are above the midpoint at each size, where that differs."""
    told = []
    for whole in table.full_singles:
        cuts = [row for row in table.of("single") if row.cut_from == whole.corpus]
        versions = sorted([whole, *cuts], key=lambda row: -(row.tokens or 0))
        if any(table.above(row) != table.above(whole) for row in cuts):
            above = "; ".join(f"{_tokens(row)}: {_listed(table.above(row)) or 'none'}" for row in versions)
            told.append(f"{whole.corpus}, tasks above the midpoint at {above}")
    return told


def _worst_exception(table: PublishedTable, each: PerTask) -> str:
    rows = [row for row in table.full_singles if row.corpus in each.corpora]
    exceptions = [
        (better.scores[each.task] - worse.scores[each.task], better, worse)
        for worse in rows
        for better in rows
        if (worse.perplexity or 0) < (better.perplexity or 0) and worse.scores[each.task] < better.scores[each.task]
    ]
    if not exceptions:
        return ""
    _, better, worse = max(exceptions, key=lambda found: found[0])
    return (
        f", the widest {better.corpus} ({better.perplexity:g}, {better.scores[each.task]:g}) over {worse.corpus} "
        f"({worse.perplexity:g}, {worse.scores[each.task]:g})"
    )


def _yardstick(table: PublishedTable) -> str:
    """How far two nearly equal models of all corpora differ, if there are two."""
    others = table.of("all")[1:]
    gaps = [(abs(table.reference.scores[t] - r.scores[t]), t, r) for r in others for t in table.tasks if t in r.scores]
    if not gaps:
        return ""
    gap, task, row = max(gaps, key=lambda found: found[0])
    return f"; {table.reference.corpus} and {row.corpus}, nearly the same corpus, differ by {gap:.2f} in {task}"


def _tokens(row: Row) -> str:
    return "?" if row.tokens is None else f"{row.tokens:g}B"


def _listed(values: Iterable[object]) -> str:
    return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
