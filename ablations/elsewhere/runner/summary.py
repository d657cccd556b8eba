"""The table that `run_all` prints at the end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from ablations.elsewhere.runner.outcome import OUTCOME
from ablations.elsewhere.runner.parallel import Ending


def summary(cells: Path, names: Sequence[str], endings: Mapping[str, Ending]) -> str:
    """A table of all cells: state, seconds of the run that finished it, training tokens a second, why it failed."""
    rows = [("cell", "state", "seconds", "tokens/s", "note")]
    for name in names:
        ending = endings.get(name)
        state = "done" if (cells / name / OUTCOME).exists() else ending.state if ending else "waiting"
        seconds, rate = _speed(cells / name) if state == "done" else ("-", "-")
        rows.append((name, state, seconds, rate, ending.note if ending else "was finished before"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _speed(cell: Path) -> tuple[str, str]:
    timing = json.loads((cell / "timing.json").read_text(encoding="utf8"))
    rate = timing["tokens_per_second"]
    return f"{timing['seconds']:.1f}", "-" if rate is None else f"{rate:,.0f}"
