"""Every command that the documentation shows can be typed: its name and its options are there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ablations.cli import loam

ROOT = Path(__file__).parent.parent
PAGES = sorted(str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))
TODAY = [
    page for page in PAGES if page not in ("CHANGELOG.md", "docs/log.md", "docs/moved.md")
]  # those tell of the past


def shown(page: str, first: str) -> Iterator[list[str]]:
    """The words after `first`, wherever a page shows a command that begins with it: within a line, or as a line of its own."""
    text = (ROOT / page).read_text(encoding="utf8")
    within = [
        " ".join(span.split()) for span in re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    ]
    lines = [
        line.strip().removeprefix("$ ").split(" # ")[0] for line in text.splitlines() if re.match(r"    |\$ ", line)
    ]
    for command in (*within, *lines):
        words = command.replace(".venv/bin/", "").split()
        if words[:1] == [first]:
            yield words[1:]


def problem(words: list[str]) -> str | None:
    """What of a `loam` command is not there."""
    command: click.Command = loam
    while isinstance(command, click.Group) and words and not words[0].startswith("-") and not words[0].isupper():
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            return f"no command {words[0]}"
        command, words = found, words[1:]
    options = {option for each in command.params for option in each.opts} | {"--help"}
    unknown = [word for word in words if word.startswith("--") and word.split("=")[0] not in options]
    return f"{command.name} has no {unknown[0]}" if unknown else None


@pytest.mark.parametrize("page", TODAY)
def test_every_command_that_a_page_shows_is_there(page: str) -> None:
    problems = [f"loam {' '.join(words)}: {found}" for words in shown(page, "loam") if (found := problem(words))]
    assert not problems, page


@pytest.mark.parametrize("page", TODAY)
def test_every_make_target_that_a_page_shows_is_there(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf8"), re.MULTILINE))
    asked = {word for words in shown(page, "make") for word in words if "=" not in word and not word.startswith("#")}
    assert asked <= targets, page


def test_a_command_that_is_not_there_would_be_found() -> None:
    assert problem(["explain", "out", "ID"]) == "no command explain"
    assert problem(["curate", "run", "r.yaml", "--fast"]) == "run has no --fast"
    assert problem(["ablate", "plan", "STUDY", "--json"]) is None
