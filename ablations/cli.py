"""The `loam` command: opens the door to all three floors. Heavy imports stay inside functions, so that help is quick."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from ablations.cells_cli import adopt, explain, measure, pack, unpack
from ablations.core.metrics.registry import METRICS
from ablations.core.training.optimizers.registry import OPTIMIZERS
from ablations.core.training.schedules.registry import SCHEDULES
from ablations.folder_cli import gc, verify
from ablations.prompts.orders.registry import ORDERS
from ablations.prompts.selections.registry import SELECTIONS
from ablations.prompts.tasks.registry import TASKS
from ablations.readings.label_metrics.registry import LABEL_METRICS
from ablations.readings.text_metrics.registry import TEXT_METRICS
from ablations.statistics.claims.registry import CLAIMS
from ablations.statistics_cli import compare, plan
from curation.runtime.command_line.command import errors_as_one_line, listing, table, what_options, where_options

GALLERY = "gallery"  # in place of a study's file; a file of that name is ./gallery
FLOORS = {"curate": "curation.cli", "tokenizer": "tokenizer.cli"}


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


@loam.command(
    cls=listing(TASKS, METRICS, LABEL_METRICS, TEXT_METRICS, SELECTIONS, ORDERS, CLAIMS, OPTIMIZERS, SCHEDULES)
)
@click.argument("study")
@where_options
@what_options
@click.option("--dry-run", is_flag=True, help="Print configuration, stages, cells and an estimate; train nothing.")
def study(
    study: str, out: str, workers: int | None, ray_address: str | None, settings: tuple[str, ...],
    plugins: tuple[str, ...], dry_run: bool,
) -> None:  # fmt: skip
    """Run STUDY, a YAML file, from raw text to the report; `loam study gallery` lists those that come with loam.

    Curates the sources, trains tokenizer and models, measures in-context learning, judges the registered claims. What is
    finished is not done again; a killed run goes on where it stopped. The last line is the path of the report.
    """
    from ablations import commands

    where = commands.Where(out, workers, ray_address)
    if study == GALLERY:
        commands.gallery()
    elif dry_run:
        commands.dry_run(study, settings, plugins, where)
    else:
        commands.study(study, settings, plugins, where)


@loam.group()
def ablate() -> None:
    """Train and measure the cells of a study, see where they stand, write its report; and what goes with tasks and tables."""


@ablate.command(
    cls=listing(TASKS, METRICS, LABEL_METRICS, TEXT_METRICS, SELECTIONS, ORDERS, CLAIMS, OPTIMIZERS, SCHEDULES)
)
@click.argument("study")
@where_options
@what_options
def run(
    study: str,
    out: str,
    workers: int | None,
    ray_address: str | None,
    settings: tuple[str, ...],
    plugins: tuple[str, ...],
) -> None:
    """Do what is missing of STUDY up to its finished cells; no report."""
    from ablations import commands

    commands.run(study, settings, plugins, commands.Where(out, workers, ray_address))


@ablate.command()
@click.argument("study")
@where_options
@what_options
def status(
    study: str,
    out: str,
    workers: int | None,
    ray_address: str | None,
    settings: tuple[str, ...],
    plugins: tuple[str, ...],
) -> None:
    """Where the cells of STUDY stand: done, to measure, failed, damaged, started or waiting. Runs nothing."""
    from ablations import commands
    from ablations.cells.cell_states import summary

    found = commands.status(study, settings, plugins, commands.Where(out, workers, ray_address))
    click.echo(table(("cell", "state", "note"), [(state.plan.name, state.state, state.note) for state in found]))
    click.echo(f"\n{summary(found)}")


@ablate.command()
@click.argument("study", required=False)
@click.option(
    "--from", "source", metavar="FILE.json", help="Draw the page of this written report; looks at nothing else."
)
@click.option("--to", "target", metavar="FILE.html", help="Where that page is written. [default: beside FILE.json]")
@where_options
@what_options
def report(
    study: str | None,
    source: str | None,
    target: str | None,
    out: str,
    workers: int | None,
    ray_address: str | None,
    settings: tuple[str, ...],
    plugins: tuple[str, ...],
) -> None:
    """Write the report of STUDY from the cells that are finished. Runs nothing."""
    if (study is None) == (source is None) or (target is not None and source is None):
        raise click.UsageError(
            "Give a STUDY, or --from with the .json of a report that was written; --to goes with --from."
        )
    if source is not None:
        from ablations.report import reading

        click.echo(reading.draw(source, target))
    elif study is not None:
        from ablations import commands

        commands.report(study, settings, plugins, commands.Where(out, workers, ray_address))


@ablate.command("export-queries")
@click.argument("folder")
@click.argument("out")
@click.option(
    "--fields",
    multiple=True,
    metavar="TASK=KEY,KEY",
    help="Which fields of a task's rows hold its questions and contexts; for a task that loam does not know.",
)
@click.option(
    "--shuffled", is_flag=True, help="Mix the letters of each text: a control in which nothing should be found."
)
@click.option("--plugin", "plugins", multiple=True, metavar="FILE.py", help="Python file with further tasks.")
def export_queries(folder: str, out: str, fields: tuple[str, ...], shuffled: bool, plugins: tuple[str, ...]) -> None:
    """Write the questions, contexts and demonstrations of the tasks in FOLDER to OUT, for decontamination.

    FOLDER holds <task>/{train,dev,test}.jsonl, which may end in .gz or .zst as OUT may. The annotator `contamination`
    reads OUT; rows of train are demonstrations, the others questions.
    """
    from ablations import commands

    commands.export_queries(folder, out, fields, shuffled, plugins)


@ablate.command()
@click.argument("table", metavar="TABLE.csv")
@click.option("--related", multiple=True, metavar="CORPUS=TASK", help="A corpus related to a task; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def findings(table: str, related: tuple[str, ...], as_json: bool) -> None:
    """What a published table of scores allows one to say of four claims about corpora, and what it does not.

    TABLE has one corpus a row and one number a task, such as configs/reference/hyperclova_corpus_study.csv, which comes with loam.
    """
    import json

    from ablations.evidence import published_table
    from ablations.evidence.findings import as_text, find
    from curation.runtime.shipped import resolve

    found = find(published_table.read(resolve(table)), related)
    click.echo(json.dumps(found.to_json(), indent=1, ensure_ascii=False) if as_json else as_text(found))


@ablate.command()
@click.argument("cell")
@click.argument("target", metavar="FOLDER")
@click.option(
    "--out", default="out", show_default=True, metavar="FOLDER", help="Where the cells are, if CELL is a name."
)
@click.option(
    "--tokenizer", metavar="FOLDER", help="Where its tokenizer.model is; found by itself in an output folder."
)
def export(cell: str, target: str, out: str, tokenizer: str | None) -> None:
    """Write the finished CELL with its tokenizer to FOLDER, which transformers, lm-eval and others load.

    CELL is a folder or a name in <out>/cells. The model is a Llama, or a Qwen3 where queries and keys are normalised; its logits
    and its pieces are those of the cell.
    """
    from ablations.export import cell as exporting

    done = exporting.export(cell, target, out, tokenizer)
    click.echo(f"{done.model_type}, {done.parameters:,} weights of the cell; float32")
    click.echo(done.folder)


for _command in (measure, adopt, pack, unpack, explain, plan, compare):
    ablate.add_command(_command)


for _command in (gc, verify):
    loam.add_command(_command)


def main() -> None:
    """Entry point of the `loam` command."""
    with errors_as_one_line():
        try:
            loam.main(prog_name="loam", standalone_mode=False)
        except click.exceptions.Abort:
            raise KeyboardInterrupt from None
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
