"""What the documentation points at exists: files, folders, modules and classes of this repository."""

from __future__ import annotations

import re
import subprocess
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
PART = re.compile(r"`((?:[a-z_]+/)+|(?:[a-z_]+/)*\w+\.(?:py|yaml|toml|md))`")  # named without the folders above it
CLASS = re.compile(r"`([A-Z]\w*[a-z]\w*)(?:\[[^`]*\])?`")
RESULTS = {
    "cells/", "code/", "curated/", "decide/", "duplicates/", "encode/", "gathered/", "items/", "judged/", "measures/", "models/",
    "near_duplicates/", "points/", "quarantine/", "read/", "receipts/", "repeated_ids/", "results/", "runs/", "samples/", "scores/",
    "tokenizer/", "tokens/", "transformed/",
}  # fmt: skip
"""Folders that a run makes."""
TO_COME = {"extractors/", "formats/", "kinds/", "trackers/"}
"""Folders of members that nobody has made yet: docs/decisions/0006-rooms.md."""
EXAMPLES = {"colour.yaml", "file.py"}
"""Files that a page asks its reader to make."""
OF_OTHERS = {"AutoModelForCausalLM", "AutoTokenizer"}


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


def code_spans(page: str) -> str:
    """A page without its blocks of code, which other tests run."""
    return re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf8"), flags=re.DOTALL)


@pytest.fixture(scope="module")
def files() -> list[str]:
    """Every file of the repository, as git knows it or is about to."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    return subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize("page", PAGES)
def test_every_part_of_a_path_that_a_page_names_exists(page: str, files: list[str]) -> None:
    """`base.py`, `store/`: names that a sentence about a room uses without the folders above."""
    named = set(PART.findall(code_spans(page))) - RESULTS - TO_COME - EXAMPLES
    there = [f"/{file}" for file in files if not file.endswith(".md") or "docs/" in file or "/" not in file]
    missing = [name for name in sorted(named) if not any(f"/{name}" in file for file in there)]
    assert not missing, f"{page} names what is not there"


def test_what_is_to_come_is_not_there_yet(files: list[str]) -> None:
    """Once a page's promise is kept, its folder is looked for like any other."""
    assert not [name for name in TO_COME if any(f"/{name}" in file for file in files)]


@pytest.mark.parametrize("page", [page for page in PAGES if page not in ("CHANGELOG.md", "docs/log.md")])
def test_every_class_that_a_page_names_exists(page: str, files: list[str]) -> None:
    """A class that was renamed leaves no page behind. What pages tell of the past is left alone."""
    ours = [file for file in files if file.endswith(".py") and not file.startswith("tests/")]
    code = "\n".join((ROOT / file).read_text(encoding="utf8") for file in ours)
    named = set(CLASS.findall(code_spans(page))) - OF_OTHERS
    missing = [name for name in sorted(named) if not re.search(rf"\b{name}\b", code)]
    assert not missing, f"{page} names classes that are not there"


def test_what_moved_has_arrived() -> None:
    """Every new path of `docs/moved.md` exists."""
    rows = re.findall(
        r"^\| (\S+) \| ([^|]+) \|$", (ROOT / "docs" / "moved.md").read_text(encoding="utf8"), re.MULTILINE
    )
    targets = [each for before, after in rows if before != "before" for each in after.strip().split(", ")]
    assert len(targets) > 200
    assert not [each for each in targets if not (ROOT / each).exists()]
