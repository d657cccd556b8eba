"""The examples that the pages show, for tests that run them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def block(file: str, language: str, holding: str) -> str:
    """The code block of a page that holds some words."""
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", (ROOT / file).read_text(encoding="utf8"), re.DOTALL)
    return next(text for text in blocks if holding in text)


def contributed(name: str) -> str:
    """The file of CONTRIBUTING that defines a class."""
    return block("CONTRIBUTING.md", "python", f"class {name}(")
