"""`python -m benchmarks.coverage [STUDIES]`: do intervals cover what they say? Writes the tables of docs/statistics.md.

A few minutes at 1,000 studies a line on one core.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.simulated_cells import SETTINGS, Setting, coverage
from benchmarks.simulated_verdicts import false_verdicts, power

DOC = Path(__file__).parents[1] / "docs" / "statistics.md"
DESIGNS = ((5, 10, 200), (3, 10, 200))
MORE_DESIGNS = ((10, 10, 200), (5, 5, 60))
CLAIMS = 6
OF_VERDICTS = (0, 2, 6)  # places in SETTINGS: one where no factor dominates, one of draws, one of seeds x draws


def main() -> None:
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    _write("coverage", _coverage(studies))
    _write("power", _power(studies))
    _write("false verdicts", _false_verdicts(studies))


def _coverage(studies: int) -> str:
    designs = [*DESIGNS, *MORE_DESIGNS]
    rows = []
    for setting in SETTINGS:
        found = [coverage(setting, *design, studies) for design in designs]
        rows.append([setting.name, *(f"{100 * each.covered:.1f}" for each in found)])
        print(*rows[-1], flush=True)
    return _table(["variance of the contrast", *(_named(design) for design in designs)], rows)


def _power(studies: int) -> str:
    rows = []
    for setting in filter(_plain, SETTINGS):
        found = [power(setting, seeds, 10, 200, studies, CLAIMS) for seeds in (5, 6, 10)]
        rows.append([setting.name, *(f"{each.effect:.3g}: {100 * each.found:.0f}" for each in found)])
        print(*rows[-1], flush=True)
    return _table(["variance of the contrast", "5 seeds", "6 seeds", "10 seeds"], rows)


def _plain(setting: Setting) -> bool:
    """Variances alone say what can be seen; a second arm and accuracies would need more."""
    return setting.other is None and setting.accuracy is None


def _false_verdicts(studies: int) -> str:
    rows = []
    for place in OF_VERDICTS:
        found = false_verdicts(SETTINGS[place].variances, 5, 10, 200, studies)
        most = max(found.wrong.items(), key=lambda each: each[1], default=("none", 0.0))
        rows.append([SETTINGS[place].name, f"{100 * found.any_wrong:.1f}", f"{most[0]}, {100 * most[1]:.1f}"])
        print(*rows[-1], flush=True)
    return _table(["variance of the contrast", "any of 6 verdicts wrong, %", "most often wrong, %"], rows)


def _named(design: Sequence[int]) -> str:
    return " x ".join(map(str, design))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---", *("---:" for _ in heads[1:])], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _write(name: str, table: str) -> None:
    """Put a table between its two marks in the document."""
    text = DOC.read_text(encoding="utf8")
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    before, found, rest = text.partition(begin)
    _, also, after = rest.partition(end)
    if not (found and also):
        raise ValueError(f"{DOC}: the marks {begin} and {end} are not there in this order. Put them back.")
    DOC.write_text(f"{before}{begin}\n{table}\n{end}{after}", encoding="utf8")


if __name__ == "__main__":
    main()
