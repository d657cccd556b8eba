"""Progress of long work: a bar on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

PLAIN_LINE_EVERY_SECONDS = 5.0
QUIET_SECONDS = 2.0


class Meter(Protocol):
    def advance(self, amount: float = 1) -> None: ...


@contextmanager
def meter(what: str, total: float) -> Iterator[Meter]:
    """Show how far `what` has come; work shorter than two seconds stays silent when not on a terminal."""
    if sys.stderr.isatty():
        with _bar(what, total) as bar:
            yield bar
    else:
        plain = _PlainMeter(what, total)
        yield plain
        plain.close()


@contextmanager
def _bar(what: str, total: float) -> Iterator[Meter]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=total)

        class Bar:
            def advance(self, amount: float = 1) -> None:
                progress.advance(task, amount)

        yield Bar()


class _PlainMeter:
    def __init__(self, what: str, total: float) -> None:
        self.what, self.total, self.done = what, total, 0.0
        self.started = self.printed = time.monotonic()

    def advance(self, amount: float = 1) -> None:
        self.done += amount
        now = time.monotonic()
        if now - self.printed >= PLAIN_LINE_EVERY_SECONDS:
            self.printed = now
            share = 100 * self.done / self.total if self.total else 100
            print(f"{self.what}: {share:.0f} % after {now - self.started:.0f} s", file=sys.stderr, flush=True)

    def close(self) -> None:
        seconds = time.monotonic() - self.started
        if seconds >= QUIET_SECONDS:
            print(f"{self.what}: done in {seconds:.0f} s", file=sys.stderr, flush=True)
