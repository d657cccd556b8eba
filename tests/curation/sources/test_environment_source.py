"""The text that is already on this machine: deterministic, within its budget, and without the machine's paths."""

from __future__ import annotations

import dataclasses
import sys

import pytest

from curation.runtime.errors import InputError
from curation.sources.base import Row, Unreadable
from curation.sources.docstrings import reference
from curation.sources.environment import Environment, Part

BUDGET = 60_000


def _read(part: Part, budget: int = BUDGET) -> list[Row | Unreadable]:
    source = Environment(part=part, budget_bytes=budget)
    (piece,) = source.plan("s", "", 10**9)
    return list(source.read("s", piece))


@pytest.mark.parametrize("part", ["code", "reference", "readme", "legal"])
def test_the_same_documents_come_every_time_within_the_budget(part: Part) -> None:
    rows = _read(part)
    assert rows == _read(part)
    sizes = [len(row.text.encode("utf8", "replace")) for row in rows if isinstance(row, Row)]
    assert sizes
    assert sum(sizes[:-1]) < BUDGET, "it stops with the document that fills the budget"
    assert all(row.text for row in rows if isinstance(row, Row))


@pytest.mark.parametrize("part", ["code", "legal"])
def test_origins_do_not_tell_where_things_are_installed(part: Part) -> None:
    """They enter ids: the same distribution elsewhere must give the same documents."""
    paths = [row.path for row in _read(part)]
    assert len(set(paths)) == len(paths)
    assert not [path for path in paths if path.startswith(("/", "..")) or sys.prefix in path or "site-packages" in path]


def test_a_larger_budget_only_adds_documents() -> None:
    few, many = _read("readme", 20_000), _read("readme", 60_000)
    assert many[: len(few)] == few


def test_files_that_changed_since_the_plan_are_refused() -> None:
    """Between plan and read somebody installed something: the fingerprint would lie."""
    source = Environment(part="readme", budget_bytes=1000)
    (piece,) = source.plan("s", "", 10**9)
    changed = dataclasses.replace(piece, content="of yesterday")
    with pytest.raises(InputError, match="changed since the plan"):
        list(source.read("s", changed))


MODULE = '''
"""A module.

    Indented.
"""

class Box:
    """Holds things."""

    def put(self, thing, /, *more, where="top", **rest):
        """Put `thing` in."""
        def helper():
            """Inside."""

    def silent(self): ...

async def wait(seconds):
    "Wait."
'''


def test_reference_has_a_heading_and_a_docstring_for_every_documented_object() -> None:
    assert reference(MODULE, "pkg/boxes.py").split("\n\n") == [
        "pkg.boxes",
        "A module.",
        "Indented.",
        "Box",
        "Holds things.",
        "Box.put(self, thing, *more, where, **rest)",
        "Put `thing` in.",
        "helper()",
        "Inside.",
        "wait(seconds)",
        "Wait.",
    ]


@pytest.mark.parametrize("code", ["", "x = 1", "def f(:", "\x00", '"""   """', "(" * 10_000])
def test_code_without_documentation_gives_nothing(code: str) -> None:
    """Other people's modules may not even parse; they are no documents, and no error either."""
    assert reference(code, "pkg/a.py") == ""


def test_a_package_is_named_by_its_folder() -> None:
    assert reference('"""Doc."""', "pkg/sub/__init__.py") == "pkg.sub\n\nDoc."
