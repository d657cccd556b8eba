"""What a published table of corpora and scores allows one to say: `loam ablate findings TABLE.csv`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ablations.evidence import published_claims as claims
from ablations.evidence.published_claims import Finding, PerTask
from ablations.evidence.published_table import PublishedTable
from curation.runtime.command_line.command import table as as_table
from curation.runtime.errors import ConfigError, one_of

# The relations that Shin et al. 2022 speak of: headlines and their topics, questions and answers, comments and their sentiment.
RELATED = (("News", "ynat_f1"), ("KiN", "korquad_em"), ("KiN", "korquad_f1"), ("Comments", "nsmc_acc"))


@dataclass(frozen=True)
class Mark:
    """A printed mark and what the rule gives: above or below the midpoint between the reference and the baseline."""

    corpus: str
    task: str
    score: float
    midpoint: float
    printed: str
    rule: str | None


@dataclass(frozen=True)
class Findings:
    """Everything that the command prints."""

    marks: list[Mark]
    perplexity: list[PerTask]
    claims: list[Finding]

    @property
    def reproduced(self) -> int:
        return sum(mark.printed == mark.rule for mark in self.marks)

    def to_json(self) -> dict[str, Any]:
        whole = asdict(self)
        whole["marks"] = {
            "printed": len(self.marks),
            "reproduced": self.reproduced,
            "others": [asdict(mark) for mark in self.marks if mark.printed != mark.rule],
        }
        return whole


def find(table: PublishedTable, related: Sequence[str] = ()) -> Findings:
    """Findings of a table. `related` are CORPUS=TASK pairs of claim 3; those of the paper that the table has when left out.

    Raises:
        ConfigError: a pair names a corpus or a task that the table lacks.
    """
    marks = [
        Mark(row.corpus, task, row.scores[task], table.midpoint(task), printed, table.side(row, task))
        for row in table.rows
        for task, printed in row.marks.items()
    ]
    pairs = [_pair(table, told) for told in related] or _known_pairs(table)
    four = [
        claims.size_and_domain(table),
        claims.synergy(table),
        claims.related_corpora(table, pairs),
        claims.perplexity(table),
    ]
    return Findings(marks, claims.correlations(table, "perplexity"), four)


def _known_pairs(table: PublishedTable) -> list[tuple[str, str]]:
    corpora = {row.corpus for row in table.full_singles}
    return [(corpus, task) for corpus, task in RELATED if corpus in corpora and task in table.tasks]


def _pair(table: PublishedTable, told: str) -> tuple[str, str]:
    corpus, sign, task = told.partition("=")
    corpora = [row.corpus for row in table.full_singles]
    if not sign:
        raise ConfigError(f"--related {told}: no =. Write CORPUS=TASK.")
    if corpus not in corpora:
        raise ConfigError(f"--related {told}: {one_of(corpora, corpus, 'corpus')}")
    if task not in table.tasks:
        raise ConfigError(f"--related {told}: {one_of(table.tasks, task, 'task')}")
    return corpus, task


def as_text(found: Findings) -> str:
    """For people: marks, correlations, then claim by claim."""
    lines = [f"printed marks that the midpoint rule reproduces: {found.reproduced} of {len(found.marks)}"]
    others = [m for m in found.marks if m.printed != m.rule]
    if others:
        rows = [(m.corpus, m.task, m.score, m.midpoint, m.printed, m.rule or "on it") for m in others]
        lines.append(as_table(("corpus", "task", "score", "midpoint", "printed", "rule"), rows))
    lines.append(
        "\nrank correlation of perplexity with each score, over the full single corpora (exact p up to 8 corpora)"
    )
    rows = [_correlation_row(each) for each in found.perplexity]
    lines.append(as_table(("task", "rho", "interval", "n", "p", "pairs against"), rows))
    for number, finding in enumerate(found.claims, 1):
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
