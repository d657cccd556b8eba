"""Commands about single cells: take them to another machine and back, and look into their results."""

from __future__ import annotations

import sys

import click

from curation.runtime.command import what_options, where_options


@click.command()
@click.argument("study")
@click.argument("folder")
@where_options
@what_options
@click.option(
    "--limit-mib",
    type=click.FloatRange(0, min_open=True),
    default=60,
    show_default=True,
    help="Most that FOLDER may hold.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def pack(
    study: str, folder: str, out: str, workers: int | None, ray_address: str | None, settings: tuple[str, ...],
    plugins: tuple[str, ...], limit_mib: float, as_json: bool,
) -> None:  # fmt: skip
    """Write the cells of STUDY that are not finished into FOLDER, to be run on another machine.

    Curates and encodes first what is missing. There: cd FOLDER/code && python -m ablations.core.run_all ..
    Cells are planned for the machine that the study's `machine` names, else for this one.
    """
    from ablations import cell_commands, commands

    cell_commands.pack(study, folder, settings, plugins, commands.Where(out, workers, ray_address), limit_mib, as_json)


@click.command()
@click.argument("study")
@click.argument("places", metavar="FOLDER_OR_ARCHIVE...", nargs=-1, required=True)
@where_options
@what_options
@click.option(
    "--no-weights", is_flag=True, help="Take results without their weights, as `run_all --no-weights` leaves them."
)
def unpack(
    study: str, places: tuple[str, ...], out: str, workers: int | None, ray_address: str | None,
    settings: tuple[str, ...], plugins: tuple[str, ...], no_weights: bool,
) -> None:  # fmt: skip
    """Take the results of packed cells into the output folder, as if they had run here.

    A result that is not what this study's cell would have come to is refused with its reason, and the exit code is 1.
    """
    from ablations import cell_commands, commands

    where = commands.Where(out, workers, ray_address)
    if not cell_commands.unpack(study, places, settings, plugins, where, weights=not no_weights):
        sys.exit(1)


@click.command()
@click.argument("cell")
@click.argument("metric")
@click.option("--out", default="out", show_default=True, metavar="FOLDER", help="Where the study keeps everything.")
@click.option("--items", "most", type=click.IntRange(0), default=3, show_default=True, help="Items shown as text.")
@click.option("--draw", type=click.IntRange(0), help="Only this draw of demonstrations.")
@click.option("--item", help="Only the item with this id, or the beginning of one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(cell: str, metric: str, out: str, most: int, draw: int | None, item: str | None, as_json: bool) -> None:
    """From a number of a finished cell to what it rests on: items, prompts, documents, seeds, corpora.

    CELL is the name of a folder in OUT/cells or its beginning, METRIC a name such as bits_per_byte.code or
    few_shot.nsmc.k8.gold.nll.
    """
    import json

    from ablations import explain as explaining

    found = explaining.explain(out, cell, metric, explaining.Choice(most, draw, item))
    click.echo(json.dumps(found, indent=1, ensure_ascii=False) if as_json else explaining.as_text(found, most))
