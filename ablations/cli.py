"""The `loam` command: opens the door to all three floors. Heavy imports stay inside functions, so that help is quick."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import click

from ablations.ablate import ablate, of_a_study, study_argument, what_a_study_names
from curation.runtime.command_line.command import errors_as_one_line, table
from curation.runtime.command_line.options import Command, command_options

if TYPE_CHECKING:
    from ablations.cells.freeing import CellWeights
    from curation.runtime.store.folder import Folder
    from curation.runtime.store.gc import Unused
    from curation.runtime.store.verify import CheckedFile

GALLERY = "gallery"  # in place of a study's file; a file of that name is ./gallery
FLOORS = {"curate": "curation.cli", "tokenizer": "tokenizer.cli"}
SHOWN = 20  # files of a sort that are named


class Doors(click.Group):
    """Loads the commands of the lower floors when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["study", "curate", "tokenizer", "ablate", "verify", "gc"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in FLOORS:
            command: click.Command = getattr(import_module(FLOORS[cmd_name]), cmd_name)
            return command
        return super().get_command(ctx, cmd_name)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from curation.runtime.store.manifest import code_version

        click.echo(f"loam {code_version()}")
        ctx.exit()


@click.group(cls=Doors, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version."
)
def loam() -> None:
    """Which corpora, in which mixture and at which size, give a language model in-context learning?

    \b
    loam study configs/demo.yaml      from raw text to a report with verdicts
    loam study gallery                the studies that come with loam
    loam curate run RECIPE            raw text to curated shards
    loam curate explain RUN ID        why a document was kept or dropped
    loam COMMAND --help               what a command takes
    """


@loam.command(cls=what_a_study_names)
@study_argument
@click.option("--dry-run", is_flag=True, help="Print configuration, stages, cells and an estimate; train nothing.")
@of_a_study
def study(command: Command, dry_run: bool) -> None:
    """Run STUDY, a YAML file, from raw text to the report; `loam study gallery` lists those that come with loam.

    Curates the sources, trains tokenizer and models, measures in-context learning, judges the registered claims. What is
    finished is not done again; a killed run goes on where it stopped. The last line is the path of the report.
    """
    if command.path == GALLERY:
        from ablations.study import gallery

        entries = gallery.entries()
        command.show(entries, "\n".join(gallery.lines(entries)))
    elif dry_run:
        from ablations.study import dry_run as dry_runs

        done = dry_runs.dry_run(command)
        command.show(done, dry_runs.as_text(done))
    else:
        from ablations.study import whole_study

        end = whole_study.run(command)
        command.show(end, whole_study.as_text(end))


@loam.command()
@click.argument("out", metavar="FOLDER", default="out")
@click.option("--forget", is_flag=True, help="Count what is damaged as not done, so that the next run makes it again.")
@command_options()
def verify(command: Command, forget: bool) -> None:
    """Hold every file of an output FOLDER against size and hash in its stage's manifest.

    Whole is as it was written. Damaged is not, or gone: a run that reads it makes it again, and so does any run after --forget.
    Unknown is what no manifest lists: pages, records, what a killed run left. The exit code is 1 if anything is damaged. --json
    lists every file that is not whole.
    """
    from curation.runtime.store import verify as verifying

    folder = _output_folder(command)
    files = verifying.verify(folder)
    damaged = [each for each in files if each.state == "damaged"]
    unknown = [each for each in files if each.state == "unknown"]
    by_stage: dict[str, list[CheckedFile]] = {}
    for each in files:
        by_stage.setdefault(each.stage, []).append(each)
    stages = table(("stage", "whole", "damaged", "unknown", "MB"), [_row(*stage) for stage in by_stage.items()])
    total = f"\n{len(files):,} files, {_megabytes(files):,.1f} MB: {len(damaged):,} damaged"
    not_whole = [each for each in files if each.state != "whole"]
    command.show(not_whole, "\n".join((stages, *_named(damaged), *_named(unknown), total)))
    for path in verifying.forget_damaged(folder, damaged) if forget else ():
        command.note(f"counts as not done: {path}")
    if damaged:
        sys.exit(1)


def _row(stage: str, files: Sequence[CheckedFile]) -> tuple[object, ...]:
    counts = [sum(each.state == state for each in files) for state in ("whole", "damaged", "unknown")]
    return (stage, *counts, _megabytes(files))


def _megabytes(files: Sequence[CheckedFile | CellWeights | Unused]) -> float:
    return sum(each.bytes for each in files) / 1e6


def _named(files: Sequence[CheckedFile]) -> Iterator[str]:
    if files:
        yield ""
    yield from (f"{each.state}: {each.path}: {each.why}" for each in files[:SHOWN])
    if len(files) > SHOWN:
        yield f"{files[0].state}: {len(files) - SHOWN:,} more; --json lists all"


@loam.command()
@click.option("--checkpoints", is_flag=True, help="Free the weights that finished cells kept along the way, instead.")
@click.option("--yes", is_flag=True, help="Remove them; without it they are only listed.")
@command_options("out")
def gc(command: Command, checkpoints: bool, yes: bool) -> None:
    """Remove results that no run in FOLDER/runs names any more.

    Results of earlier settings stay until then, so that going back to them costs nothing. Links are listed and left alone. With
    --checkpoints only weights go that cells kept at their evaluation points: what was measured of them stays, but a new metric
    then has no curve. The weights of the end always stay.
    """
    from ablations.cells import freeing
    from curation.runtime.store import gc as collecting
    from curation.runtime.store.lock import sole_run

    folder = _output_folder(command)
    with sole_run(folder):
        if checkpoints:
            freed = freeing.free(folder, yes)
            weights = [(each.cell, each.files, each.bytes / 1e6) for each in freed.cells]
            lines = [table(("cell", "weights along the way", "MB"), weights)] if weights else []
            command.show(freed, "\n".join((*lines, _removed("cells with weights along the way", freed.cells, yes))))
        else:
            tidied = collecting.tidy(folder, yes)
            lines = [
                f"left alone: {path} is a link, and what it points at is not of this folder" for path in tidied.links
            ]
            if tidied.unused:
                rows = [(each.path, each.bytes / 1e6) for each in tidied.unused]
                lines.insert(0, table(("unused result", "MB"), rows))
            command.show(tidied, "\n".join((*lines, _removed("unused results", tidied.unused, yes))))


def _removed(what: str, each: Sequence[CellWeights | Unused], yes: bool) -> str:
    end = " Remove them with --yes." if each and not yes else ""
    return f"{len(each)} {what}{' removed' if yes else ''}, {_megabytes(each):.1f} MB.{end}"


def _output_folder(command: Command) -> Folder:
    from curation.runtime.errors import ConfigError

    if not (command.folder / "runs").exists():
        raise ConfigError(f"{command.out}: no runs/ in it, so it is no output folder of loam. Name one that is.")
    return command.folder


loam.add_command(ablate)


def main() -> None:
    """Entry point of the `loam` command."""
    with errors_as_one_line():
        loam.main(prog_name="loam", standalone_mode=False)


if __name__ == "__main__":
    main()
