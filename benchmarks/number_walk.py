"""The walk of one number from the file of a measure to the page: `python -m benchmarks.number_walk OUT STUDY.yaml`.

Gathers and draws the report of a finished study and looks, at every call and return of the program's own functions, whether the
number is among what is handed over, however deep. Prints the forms that held it in the order of their first sight, the files of
those functions, and how many files ran at all from the first sight to the page. Writes nothing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parent.parent
FLOORS = ("ablations", "curation", "tokenizer")
DEPTH, LARGE = 9, 30  # how deep to look; from this length on a list or dict is looked through once


def a_number(out: Path) -> float:
    """Of the first measured cell, one that stands nowhere else by chance."""
    for path in sorted((out / "measures").glob("*bits_per_byte*/measure.json")):
        for reading in json.loads(path.read_text(encoding="utf8"))["final"]["readings"]:
            if isinstance(reading["value"], float) and len(repr(reading["value"])) > 12:
                return reading["value"]
    raise SystemExit(f"{out}: no measure of bits_per_byte. Run `loam study` on a study with this metric first.")


class Walk:
    """What held the number, and where."""

    def __init__(self, number: float) -> None:
        self.number, self.text = number, repr(number)
        self.forms: dict[str, str] = {}  # form -> the file where it was first seen
        self.files: dict[str, set[str]] = {}
        self.ran: set[str] = set()
        self._known: dict[tuple[int, int], tuple[object, str]] = {}

    def look(self, frame: FrameType, event: str, value: Any) -> None:
        """What `sys.setprofile` calls."""
        path = frame.f_code.co_filename.removeprefix(f"{ROOT}/")
        if event not in ("call", "return") or path.split("/")[0] not in FLOORS:
            return
        code = frame.f_code
        arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        handed = [value] if event == "return" else [frame.f_locals.get(name) for name in arguments]
        for form in filter(None, (self.form(each) for each in handed)):
            self.forms.setdefault(form, path)
            self.files.setdefault(path, set()).add(frame.f_code.co_name)
        if self.files:
            self.ran.add(path)

    def form(self, value: object, depth: int = DEPTH) -> str:
        """The innermost class of the program that holds the number in `value`, else JSON or float; empty where none does.

        What is only an envelope around that class is no form of its own.
        """
        if isinstance(value, float):
            return "float" if value == self.number else ""
        if isinstance(value, str | bytes):
            return (
                "JSON"
                if self.text.encode() in (value.encode("utf8", "replace") if isinstance(value, str) else value)
                else ""
            )
        parts = _parts(value) if depth else ()
        key = id(value), len(parts)
        if key in self._known and self._known[key][0] is value:
            return self._known[key][1]
        inner = next((form for each in parts if (form := self.form(each, depth - 1))), "")
        own = type(value).__module__.split(".")[0] in FLOORS
        found = type(value).__name__ if own and inner in ("float", "JSON") else inner
        if found or len(parts) >= LARGE or not isinstance(value, list | dict):
            self._known[key] = value, found
        return found


def _parts(value: object) -> tuple[Any, ...]:
    if isinstance(value, Mapping):
        return tuple(value.values())
    if isinstance(value, list | tuple):
        return tuple(value)
    if type(value).__module__.split(".")[0] in FLOORS and not isinstance(value, type):
        return tuple(getattr(value, "__dict__", {}).values())
    return ()


def main(out: str, study: str) -> None:
    from ablations.report.drawing import page
    from ablations.settings import study_file as settings
    from ablations.study import pipeline, report_data
    from curation.runtime.cluster.cluster import Idle
    from curation.runtime.store.folder import open_out

    walk = Walk(a_number(Path(out)))
    folder = open_out(out)
    prepared = pipeline.prepare(*settings.load(study, (), ()), folder, Idle(message=f"{study}: not finished in {out}."))
    sys.setprofile(walk.look)
    try:
        page.render(report_data.study_report(prepared, folder, None, None))
    finally:
        sys.setprofile(None)
    walk.forms["HTML"] = "ablations/report/drawing/page.py"
    print(f"{walk.number}: {len(walk.forms)} forms: {' -> '.join(walk.forms)}")
    print(f"{len(walk.files)} files held it, of {len(walk.ran)} that ran:")
    for path, functions in sorted(walk.files.items()):
        print(f"  {path}: {', '.join(sorted(functions))}")


if __name__ == "__main__":
    main(*sys.argv[1:])
