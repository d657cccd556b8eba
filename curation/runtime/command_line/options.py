"""The options that all commands share, and the one object that a command gets of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import click

from curation.runtime.cluster.cluster import Compute
from curation.runtime.registry import Plugin
from curation.runtime.stages import other_code
from curation.runtime.store.folder import Folder, open_out

Function = Callable[..., None]


@dataclass(frozen=True)
class Command:
    """The arguments and options of a command, and what it needs of them.

    Attributes:
        path: of the study, recipe or run that it is about; a cell's name.
        out: where everything is kept. It, `workers` and `ray_address` change no byte of any result.
        settings: `--set KEY=VALUE`, changes of the file at `path`.
        plugins: files with further members.
        as_json: whether stdout is the result as one JSON value.
    """

    path: str = ""
    out: str = "out"
    workers: int | None = None
    ray_address: str | None = None
    settings: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    as_json: bool = False

    @property
    def compute(self) -> Compute:
        return Compute(self.ray_address, self.workers)

    @property
    def folder(self) -> Folder:
        """The output folder as it is; there may be none."""
        return Folder(self.out.rstrip("/") or "/")

    def opened(self) -> Folder:
        """The output folder, to work in."""
        return open_out(self.out)

    def read_plugins(self) -> list[Plugin]:
        return [Plugin.read(plugin) for plugin in self.plugins]

    @contextmanager
    def running(self, name: str) -> Iterator[Folder]:
        """The output folder, held for this process while the run `name` works there."""
        from curation.runtime.command_line.running import running

        out = self.opened()
        with running(out, name, self.compute):
            yield out

    def show(self, value: object, text: str) -> None:
        """The result of the command, on stdout and at once: as text, or with `--json` as one value."""
        click.echo(as_json(value) if self.as_json else text)

    def note(self, text: str) -> None:
        """Something beside the result, on stderr."""
        click.echo(text, err=True)


def as_json(value: object) -> str:
    """A dataclass, or what holds some, as JSON; a number that is none becomes null."""
    from pydantic_core import to_json

    return to_json(value, indent=1, inf_nan_mode="null").decode()


def _allow_other_code(ctx: click.Context, _: click.Parameter, nodes: tuple[str, ...]) -> None:
    if nodes and not ctx.resilient_parsing:
        other_code.allow(nodes)


OPTIONS = {
    "settings": click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change a key of the file, such as a.b.c=1.",
    ),
    "plugins": click.option(
        "--plugin", "plugins", multiple=True, metavar="FILE.py", help="Python file with further members."
    ),
    "out": click.option("--out", default="out", show_default=True, metavar="FOLDER", help="Where everything is kept."),
    "workers": click.option(
        "--workers", type=click.IntRange(1), metavar="N", help="Tasks at a time. [default: all cores]"
    ),
    "ray_address": click.option(
        "--ray-address",
        metavar="HOST:PORT",
        help="A running Ray cluster, or `auto`, or `local`. [default: $RAY_ADDRESS, else local: Ray starts here]",
    ),
    "allow_other_code": click.option(
        "--allow-other-code",
        multiple=True,
        metavar="NODE",
        expose_value=False,
        callback=_allow_other_code,
        help="A node of the cluster that may run other code or libraries; its results count as another computation.",
    ),
}
WHERE = ("out", "workers", "ray_address", "allow_other_code")
WHAT = ("settings", "plugins")


def command_options(*names: str) -> Callable[[Function], Function]:
    """Gives a function its `command`, and the shell the options of that, by name, and `--json`, in the same order everywhere.

    Goes below the decorators of the options that are a command's own; those that are named like an attribute of `Command`, such
    as the argument `path`, become part of it.
    """

    def with_command(function: Function) -> Function:
        @functools.wraps(function)
        def handed_over(**values: Any) -> None:
            own = {field.name: values.pop(field.name) for field in fields(Command) if field.name in values}
            function(Command(**own), **values)

        last = click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON value.")
        for option in (last, *(OPTIONS[name] for name in reversed(names))):
            option(handed_over)
        return handed_over

    return with_command
