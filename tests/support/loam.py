"""The `loam` command as a user meets it: its output and exit code."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from ablations.cli import main


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


class Loam:
    """Runs commands in this process, so that all share the session's Ray cluster."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *arguments: object) -> Ended:
        self.monkeypatch.setattr(sys, "argv", ["loam", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        shown = self.capsys.readouterr()
        return Ended(code, shown.out, shown.err)
