"""What all commands share: options of where and how, help that lists members, errors as one line, tables."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from curation.runtime.cluster import interruption
from curation.runtime.errors import LoamError
from curation.runtime.registry import Plugin, Registry
from curation.runtime.stages import other_code

F = TypeVar("F", bound=Callable[..., Any])
INTERRUPTED = 130
BROKEN_PIPE = 141  # 128 + SIGPIPE, as other tools end
OWN_MISTAKE = 70
ALARM = "alarm: "  # how a warning begins that says a result is most likely not what was wanted


def where_options(command: F) -> F:
    """Where and how a command works; they change no byte of any result, but for nodes that may run other code."""
    for option in reversed(
        (
            click.option("--out", default="out", show_default=True, metavar="FOLDER", help="Where everything is kept."),
            click.option(
                "--workers", type=click.IntRange(1), metavar="N", help="Tasks at a time. [default: all cores]"
            ),
            click.option(
                "--ray-address",
                metavar="HOST:PORT",
                help="A running Ray cluster, or `auto`, or `local`. [default: $RAY_ADDRESS, else local: Ray starts here]",
            ),
            click.option(
                "--allow-other-code",
                multiple=True,
                metavar="NODE",
                expose_value=False,
                callback=_allow_other_code,
                help="A node of the cluster that may run other code or libraries; its results count as another computation.",
            ),
        )
    ):
        command = option(command)
    return command


def _allow_other_code(ctx: click.Context, _: click.Parameter, nodes: tuple[str, ...]) -> None:
    if nodes and not ctx.resilient_parsing:
        other_code.allow(nodes)


def what_options(command: F) -> F:
    """`--set` and `--plugin`: changes of the config."""
    for option in reversed(
        (
            click.option(
                "--set",
                "settings",
                multiple=True,
                metavar="KEY=VALUE",
                help="Change a key of the file, such as a.b.c=1.",
            ),
            click.option(
                "--plugin", "plugins", multiple=True, metavar="FILE.py", help="Python file with further members."
            ),
        )
    ):
        command = option(command)
    return command


class ListingCommand(click.Command):
    """A command whose help ends with the members that can be named in its config, plugins included.

    Plugins are those of `--plugin`, and of the config named on the same command line; nothing is imported.
    """

    registries: Sequence[Registry[Any]] = ()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["arguments"] = list(args)
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        try:
            plugins = [Plugin.read(path) for path in _plugin_paths(ctx.meta["arguments"])]
            for registry in self.registries:
                with formatter.section(_plural(registry.what).capitalize()):
                    formatter.write_dl(list(registry.catalogue(plugins).items()))
        except (LoamError, SyntaxError) as error:
            raise click.UsageError(str(error)) from error


def listing(*registries: Registry[Any]) -> type[ListingCommand]:
    """A command class that lists the members of these registries."""
    return type("Listing", (ListingCommand,), {"registries": registries})


def _plugin_paths(arguments: Sequence[str]) -> Iterator[str]:
    for before, argument in zip(("", *arguments), arguments, strict=False):
        if before == "--plugin":
            yield argument
        elif argument.startswith("--plugin="):
            yield argument.partition("=")[2]
        elif argument.endswith((".yaml", ".yml")) and os.path.exists(argument):
            yield from _plugins_of(argument)


def _plugins_of(config: str) -> Iterator[str]:
    import yaml

    with open(config, encoding="utf8") as file:
        value = yaml.safe_load(file)
    for path in (value.get("plugins") if isinstance(value, dict) else None) or ():
        yield os.path.join(os.path.dirname(config), path)


@contextmanager
def errors_as_one_line() -> Iterator[None]:
    """A user's mistake ends as one line and its exit code, and so does a signal.

    A mistake of ours says that it is one, with the traceback on demand.
    """
    try:
        with interruption.handled():
            yield
    except LoamError as error:
        print(f"loam: {_one_line(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("loam: interrupted. What was finished is kept; run the same command again to go on.", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        os._exit(
            BROKEN_PIPE
        )  # the reader of our output has left, as `| head` does; no time for exit handlers that print
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except Exception as error:
        if os.environ.get("LOAM_TRACEBACK"):
            raise
        told = "Set LOAM_TRACEBACK=1 to see where, and report it."
        print(f"loam: a mistake of ours: {type(error).__name__}: {_one_line(str(error))}. {told}", file=sys.stderr)
        sys.exit(OWN_MISTAKE)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def echo_warnings(warnings: Sequence[str]) -> None:
    """Warnings line by line; an alarm stands out on a terminal."""
    for warning in warnings:
        is_alarm = warning.startswith(ALARM)
        click.echo(click.style(warning, fg="red", bold=True) if is_alarm else f"warning: {warning}")


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A plain table: words to the left, numbers to the right; as wide as it needs, so that it can be piped."""
    cells = [[_shown(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    right = [all(_is_number(row[i]) for row in rows) and bool(rows) for i in range(len(headings))]
    lines = []
    for row in ([*headings], *cells):
        padded = (text.rjust(w) if r else text.ljust(w) for text, w, r in zip(row, widths, right, strict=True))
        lines.append("  ".join(padded).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) or value is None


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _plural(word: str) -> str:
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
