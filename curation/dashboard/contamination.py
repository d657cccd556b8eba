"""Which texts of few-shot tasks stand in which sources, as the template shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from curation.dashboard.contract import Contamination, ContaminationRow


@dataclass(frozen=True)
class ContaminationView:
    """One annotator's finds.

    Attributes:
        rows: places that were found somewhere; `unfound` names the others.
        sources: those that hold documents: name, documents that hold a text, documents.
    """

    title: str
    sources: list[tuple[str, int, int]]
    rows: list[ContaminationRow]
    unfound: list[str]


def contamination_views(entries: Sequence[Contamination]) -> list[ContaminationView]:
    """In the order of the passes."""
    return [
        ContaminationView(
            title=f"{entry['annotator']}, pass {entry['pass']}",
            sources=[(name, entry["tagged"][name], n) for name, n in entry["documents"].items() if n],
            rows=[row for row in entry["rows"] if any(row["texts"].values())],
            unfound=[
                " ".join(row[k] for k in ("task", "split", "field"))
                for row in entry["rows"]
                if not any(row["texts"].values())
            ],
        )
        for entry in entries
    ]
