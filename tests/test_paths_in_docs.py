"""What the documentation points at exists: files, folders and modules of this repository."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOPS = "ablations|benchmarks|configs|curation|docs|tests|tokenizer"
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
    if path.name != "moved.md"  # its left column is what no longer is
)
PATH = re.compile(rf"(?<![\w./~-])((?:{TOPS})/[\w./-]*[\w/])(?![\w*{{<])")
MODULE = re.compile(r"(?<![\w./-])((?:ablations|benchmarks|curation)(?:\.[a-z_]\w*)+)")
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


def paths(page: str) -> Iterator[tuple[str, Path]]:
    """What a page names, and where it should be."""
    text = (ROOT / page).read_text(encoding="utf8")
    for match in PATH.finditer(text):
        yield match[1], ROOT / match[1]
    for match in LINK.finditer(text):
        yield match[1], (ROOT / page).parent / match[1]


def is_module(name: str) -> bool:
    """Whether a dotted name begins with a module of ours and goes on with at most a name in it and an attribute of that."""
    parts = name.split(".")
    for length in range(len(parts), 1, -1):
        place = ROOT.joinpath(*parts[:length])
        if place.with_suffix(".py").is_file():
            return length == len(parts) or parts[length] in place.with_suffix(".py").read_text(encoding="utf8")
        if (place / "__init__.py").is_file():
            return length == len(parts)
    return False


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_exists(page: str) -> None:
    missing = sorted({name for name, path in paths(page) if not path.exists()})
    assert not missing, f"{page} names what is not there"


@pytest.mark.parametrize("page", PAGES)
def test_every_module_that_a_page_names_exists(page: str) -> None:
    named = set(MODULE.findall((ROOT / page).read_text(encoding="utf8")))
    missing = sorted(name for name in named if not is_module(name))
    assert not missing, f"{page} names modules that are not there"


def test_what_moved_has_arrived() -> None:
    """Every new path of `docs/moved.md` exists."""
    rows = re.findall(
        r"^\| (\S+) \| ([^|]+) \|$", (ROOT / "docs" / "moved.md").read_text(encoding="utf8"), re.MULTILINE
    )
    targets = [each for before, after in rows if before != "before" for each in after.strip().split(", ")]
    assert len(targets) > 200
    assert not [each for each in targets if not (ROOT / each).exists()]
