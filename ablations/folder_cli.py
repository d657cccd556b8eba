"""Commands about a whole output folder: check it, tidy it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from curation.runtime.command_line.command import table

if TYPE_CHECKING:
    from curation.runtime.store.folder import Folder
    from curation.runtime.store.verify import Checked

SHOWN = 20  # files of a sort that are named


@click.command()
@click.argument("out", metavar="FOLDER", default="out")
@click.option("--forget", is_flag=True, help="Count what is damaged as not done, so that the next run makes it again.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: every file that is not whole.")
def verify(out: str, forget: bool, as_json: bool) -> None:
    """Hold every file of an output FOLDER against size and hash in its stage's manifest.

    Whole is as it was written. Damaged is not, or gone: a run that reads it makes it again, and so does any run after --forget.
    Unknown is what no manifest lists: pages, records, what a killed run left. The exit code is 1 if anything is damaged.
    """
    import json
    from dataclasses import asdict

    from curation.runtime.store.verify import verify as verified

    folder = _output_folder(out)
    found = verified(folder)
    damaged = [each for each in found if each.state == "damaged"]
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found if each.state != "whole"], indent=1, ensure_ascii=False))
    else:
        click.echo(table(("stage", "whole", "damaged", "unknown", "MB"), _rows(found)))
        _name(damaged)
        _name([each for each in found if each.state == "unknown"])
        size = sum(each.bytes for each in found) / 1e6
        click.echo(f"\n{len(found):,} files, {size:,.1f} MB: {len(damaged):,} damaged")
    if forget:
        _forget(folder, damaged)
    if damaged:
        sys.exit(1)


def _forget(folder: Folder, damaged: list[Checked]) -> None:
    from curation.runtime.store.lock import sole_run
    from curation.runtime.store.receipts import forget

    with sole_run(folder):
        for each in (each for each in damaged if each.path.count("/") > 1):
            stage, name, file = each.path.split("/", 2)
            forget(folder / stage / name, file)
            click.echo(f"counts as not done: {each.path}", err=True)


def _rows(found: list[Checked]) -> list[tuple[object, ...]]:
    stages = list(dict.fromkeys(each.stage for each in found))
    return [_row(stage, [each for each in found if each.stage == stage]) for stage in stages]


def _row(stage: str, found: list[Checked]) -> tuple[object, ...]:
    counts = [sum(each.state == state for each in found) for state in ("whole", "damaged", "unknown")]
    return (stage, *counts, sum(each.bytes for each in found) / 1e6)


def _name(found: list[Checked]) -> None:
    if found:
        click.echo("")
    for each in found[:SHOWN]:
        click.echo(f"{each.state}: {each.path}: {each.why}")
    if len(found) > SHOWN:
        click.echo(f"{found[0].state}: {len(found) - SHOWN:,} more; --json lists all")


@click.command()
@click.option("--out", default="out", show_default=True, metavar="FOLDER", help="The output folder to tidy.")
@click.option("--checkpoints", is_flag=True, help="Free the weights that finished cells kept along the way, instead.")
@click.option("--yes", is_flag=True, help="Remove them; without it they are only listed.")
def gc(out: str, checkpoints: bool, yes: bool) -> None:
    """Remove results that no run in FOLDER/runs names any more.

    Results of earlier settings stay until then, so that going back to them costs nothing. Links are listed and left alone. With
    --checkpoints only weights go that cells kept at their evaluation points: what was measured of them stays, but a new metric
    then has no curve. The weights of the end always stay.
    """
    from curation.runtime.store.lock import sole_run

    folder = _output_folder(out)
    with sole_run(folder):
        (_free if checkpoints else _tidy)(folder, yes)


def _output_folder(out: str) -> Folder:
    from curation.runtime.errors import ConfigError
    from curation.runtime.store.folder import Folder

    folder = Folder(out.rstrip("/") or "/")
    if not (folder / "runs").exists():
        raise ConfigError(f"{out}: no runs/ in it, so it is no output folder of loam. Name one that is.")
    return folder


def _tidy(folder: Folder, yes: bool) -> None:
    from curation.runtime.store.gc import links, unused

    found = unused(folder)
    if found:
        click.echo(table(("unused result", "MB"), [(each.path, each.bytes / 1e6) for each in found]))
    for path in links(folder):
        click.echo(f"left alone: {path} is a link, and what it points at is not of this folder")
    if yes:
        for each in found:
            (folder / each.path).remove()
    _told("unused results", len(found), sum(each.bytes for each in found), yes)


def _free(folder: Folder, yes: bool) -> None:
    from ablations.cells.freeing import along_the_way

    found = list(along_the_way(folder))
    if found:
        rows = [(each.cell.name, len(each.files), each.bytes / 1e6) for each in found]
        click.echo(table(("cell", "weights along the way", "MB"), rows))
    if yes:
        for each in found:
            each.free()
    _told("cells with weights along the way", len(found), sum(each.bytes for each in found), yes)


def _told(what: str, count: int, size: int, yes: bool) -> None:
    done = " removed" if yes else ""
    click.echo(f"{count} {what}{done}, {size / 1e6:.1f} MB." + ("" if yes or not count else " Remove them with --yes."))
