"""Commands about single cells: take them to another machine and back, and look into their results."""

from __future__ import annotations

import sys
from typing import Literal

import click

from ablations.core.metrics.registry import METRICS
from curation.runtime.command_line.command import listing, what_options, where_options


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

    Curates and encodes first what is missing. There: cd FOLDER/code && python -m ablations.elsewhere.runner ..
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
    "--weights",
    type=click.Choice(("last", "all", "none")),
    default="all",
    show_default=True,
    help="Which weights to take of those that came along, as `run_all --weights` sent them.",
)
def unpack(
    study: str, places: tuple[str, ...], out: str, workers: int | None, ray_address: str | None,
    settings: tuple[str, ...], plugins: tuple[str, ...], weights: Literal["last", "all", "none"],
) -> None:  # fmt: skip
    """Take the results of packed cells into the output folder, as if they had run here.

    A result that is not what this study's cell would have come to is refused with its reason, and the exit code is 1. A cell
    whose weights did not come along cannot be measured again here.
    """
    from ablations import cell_commands, commands

    where = commands.Where(out, workers, ray_address)
    if not cell_commands.unpack(study, places, settings, plugins, where, weights):
        sys.exit(1)


@click.command(cls=listing(METRICS))
@click.argument("target", metavar="STUDY_OR_CELL")
@where_options
@what_options
@click.option("--task", "tasks", multiple=True, metavar="NAME", help="Only this task; may be repeated.")
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Only this metric; may be repeated.")
def measure(
    target: str, out: str, workers: int | None, ray_address: str | None, settings: tuple[str, ...],
    plugins: tuple[str, ...], tasks: tuple[str, ...], metrics: tuple[str, ...],
) -> None:  # fmt: skip
    """Measure finished cells from the weights that they kept; trains nothing.

    Of a STUDY, a YAML file, what its trained cells still lack is measured; of a CELL, a name in OUT/cells or its beginning, the
    numbers are printed too. A metric that the study does not list, such as one of a --plugin, is measured when --metric names it.
    """
    from ablations import commands, measure_commands

    where = commands.Where(out, workers, ray_address)
    if not measure_commands.measure(target, measure_commands.Wanted(tasks, metrics), settings, plugins, where):
        sys.exit(1)


@click.command()
@click.argument("study")
@where_options
@what_options
def adopt(
    study: str, out: str, workers: int | None, ray_address: str | None, settings: tuple[str, ...],
    plugins: tuple[str, ...],
) -> None:  # fmt: skip
    """Keep the finished cells of STUDY under the code that is installed now, where it trains the same weights.

    The code that trains is part of a cell's identity, so an edit of it makes every cell another one. This trains one finished cell
    of each shape anew; if its weights come out equal bit for bit, the others of that shape keep their results, and their
    manifests say so. Otherwise nothing of that shape is adopted, and the exit code is 1.
    """
    from ablations import adopt_command, commands

    if not adopt_command.adopt(study, settings, plugins, commands.Where(out, workers, ray_address)):
        sys.exit(1)


@click.command()
@click.argument("cell")
@click.argument("metric")
@click.option("--out", default="out", show_default=True, metavar="FOLDER", help="Where the study keeps everything.")
@click.option("--items", "most", type=click.IntRange(0), default=3, show_default=True, help="Items shown as text.")
@click.option("--draw", type=click.IntRange(0), help="Only this draw of demonstrations.")
@click.option("--item", help="Only the item with this id, or the beginning of one.")
@click.option("--plugin", "plugins", multiple=True, metavar="FILE.py", help="Python file with metrics of the study.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(
    cell: str, metric: str, out: str, most: int, draw: int | None, item: str | None, plugins: tuple[str, ...],
    as_json: bool,
) -> None:  # fmt: skip
    """From a number of a trained cell to what it rests on: items, prompts, documents, seeds, corpora.

    CELL is the name of a folder in OUT/cells or its beginning, METRIC a name such as bits_per_byte.code or
    few_shot.nsmc.k8.gold.nll.
    """
    import json

    from ablations.evidence import explain as explaining
    from curation.runtime.registry import Plugin

    read = [Plugin.read(plugin) for plugin in plugins]
    found = explaining.explain(out, cell, metric, explaining.Choice(most, draw, item), read)
    click.echo(json.dumps(found, indent=1, ensure_ascii=False) if as_json else explaining.as_text(found, most))
