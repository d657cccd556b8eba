"""What all commands share: help that lists members, errors as one line, tables."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from curation.runtime.cluster import interruption
from curation.runtime.errors import LoamError
from curation.runtime.registry import Plugin, Registry

INTERRUPTED = 130
BROKEN_PIPE = 141  # 128 + SIGPIPE, as other tools end
OWN_MISTAKE = 70
ALARM = "alarm: "  # begins a warning that a result is most likely wrong


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

    A bug of ours is named as one, with the traceback on demand.
    """
    try:
        with interruption.handled():
            yield
    except LoamError as error:
        print(f"loam: {_one_line(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        context = error.ctx if isinstance(error, click.UsageError) else None
        hint = f" See {context.command_path} --help." if context else ""
        print(f"loam: {_one_line(error.format_message())}{hint}", file=sys.stderr)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.exceptions.Abort):
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
        fix = "Set LOAM_TRACEBACK=1 to see where, and report it."
        print(f"loam: a mistake of ours: {type(error).__name__}: {_one_line(str(error))}. {fix}", file=sys.stderr)
        sys.exit(OWN_MISTAKE)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def warning_lines(warnings: Sequence[str]) -> list[str]:
    """Warnings line by line; an alarm stands out on a terminal."""
    return [
        click.style(warning, fg="red", bold=True) if warning.startswith(ALARM) else f"warning: {warning}"
        for warning in warnings
    ]


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
