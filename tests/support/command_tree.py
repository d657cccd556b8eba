"""All commands of `loam`, found by walking the tree of commands."""

from __future__ import annotations

from collections.abc import Iterator

import click

from ablations.cli import loam


def commands(group: click.Group = loam, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that is no group, by what is typed."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


NAMES = [name for name, _ in commands()]
