"""A report from the file it was written to, and the page drawn from nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ablations.report.contents import FORMAT, Report
from ablations.report.drawing import page
from curation.dashboard.as_json import from_json
from curation.runtime.errors import InputError
from curation.runtime.whole_files import write_whole

FIX = "Give the .json beside the page of a report, as `loam study` and `loam ablate report` write it."


def report_of(value: object, where: str) -> Report:
    """A report from parsed JSON.

    Raises:
        InputError: it was written in another format, or it is no report.
    """
    known = value.get("format") if isinstance(value, dict) else None
    if isinstance(known, int) and known != FORMAT:
        again = "Write it again with the program that draws it: `loam ablate report STUDY`."
        raise InputError(where, f"format {known}, and this program draws {FORMAT}", again)
    return from_json(Report, value, where, FIX)


@dataclass(frozen=True)
class DrawnPage:
    """Where a page was written."""

    page: str


def draw(path: str, to: str | None) -> DrawnPage:
    """The page of the report that `path` holds, beside it or at `to`.

    Raises:
        InputError: `path` holds no report.
    """
    source = Path(path)
    try:
        value = json.loads(source.read_text(encoding="utf8"))
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", FIX) from error
    except ValueError as error:
        raise InputError(path, f"not JSON ({error})", FIX) from error
    target = Path(to) if to else source.with_suffix(".html")
    text = page.render(report_of(value, path))
    try:
        write_whole(target, text.encode())
    except OSError as error:
        raise InputError(str(target), f"cannot be written ({error.strerror})", "Check the path of --to.") from error
    return DrawnPage(str(target))
