"""A study that has been run, as the end-to-end tests share it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Finished:
    """A study that has been run."""

    folder: Path
    study: Path
    out: Path

    @property
    def report(self) -> dict[str, Any]:
        return dict(json.loads((self.out / "reports" / "small.json").read_text(encoding="utf8")))

    @property
    def page(self) -> str:
        return (self.out / "reports" / "small.html").read_text(encoding="utf8")
