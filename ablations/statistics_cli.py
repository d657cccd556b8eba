"""Commands about evidence: what a study could see, and how two arms differ."""

from __future__ import annotations

import json
import sys

import click

from curation.runtime.command_line.command import what_options, where_options


@click.command()
@click.argument("study")
@where_options
@what_options
@click.option("--pilot", metavar="OUT", help="Output folder of a study that ran: its cells say how far measures vary.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plan(
    study: str, out: str, workers: int | None, ray_address: str | None, settings: tuple[str, ...],
    plugins: tuple[str, ...], pilot: str | None, as_json: bool,
) -> None:  # fmt: skip
    """What each claim of STUDY could see with these seeds, draws and items, and what it costs. Runs nothing.

    Ends with exit code 2 and one line each for what cannot be won. Variances are those of the study's finished cells in --out, or
    of --pilot, else of cells that were measured for loam.
    """
    from dataclasses import asdict

    from ablations import commands
    from ablations.evidence import power as planner

    made = commands.planned(study, settings, plugins, commands.Where(out, workers, ray_address), pilot)
    click.echo(json.dumps(asdict(made), indent=1, ensure_ascii=False) if as_json else "\n".join(planner.lines(made)))
    for refusal in made.refusals:
        click.echo(f"refused: {refusal}", err=True)
    if made.refusals:
        sys.exit(2)


@click.command()
@click.argument("study")
@click.argument("a")
@click.argument("b")
@click.option("--measure", required=True, metavar="NAME", help="Such as few_shot.nsmc.k4.permuted_minus_gold.")
@where_options
@what_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def compare(
    study: str, a: str, b: str, measure: str, out: str, workers: int | None, ray_address: str | None,
    settings: tuple[str, ...], plugins: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """The paired difference of arms A and B of STUDY in a measure, with interval. Runs nothing.

    A and B may also be the names of two cells; then it is a point.
    """
    from dataclasses import asdict

    from ablations import commands
    from ablations.evidence.compare import as_text

    made = commands.compared(study, a, b, measure, settings, plugins, commands.Where(out, workers, ray_address))
    click.echo(json.dumps(asdict(made), indent=1, ensure_ascii=False) if as_json else as_text(made))
