"""`loam ablate ...`: train and measure the cells of a study, and look into what came of it."""

from __future__ import annotations

import sys
from typing import Literal

import click

from ablations.claims.registry import CLAIMS
from ablations.core.metrics.registry import METRICS
from ablations.core.model.activations.registry import ACTIVATIONS
from ablations.core.model.masks.registry import MASKS
from ablations.core.model.norms.registry import NORMS
from ablations.core.model.positions.registry import POSITIONS
from ablations.core.training.optimizers.registry import OPTIMIZERS
from ablations.core.training.schedules.registry import SCHEDULES
from ablations.evidence.design.registry import DESIGN_CHECKS
from ablations.prompts.orders.registry import ORDERS
from ablations.prompts.selections.registry import SELECTIONS
from ablations.prompts.tasks.registry import TASKS
from ablations.readings.label_metrics.registry import LABEL_METRICS
from ablations.readings.text_metrics.registry import TEXT_METRICS
from ablations.settings.nuisances.registry import NUISANCES
from curation.runtime.command_line.command import listing
from curation.runtime.command_line.options import WHAT, WHERE, Command, command_options

study_argument = click.argument("path", metavar="STUDY")
of_a_study = command_options(*WHAT, *WHERE)
what_a_study_names = listing(
    TASKS, METRICS, LABEL_METRICS, TEXT_METRICS, SELECTIONS, ORDERS, CLAIMS, OPTIMIZERS, SCHEDULES,
    POSITIONS, NORMS, ACTIVATIONS, MASKS, DESIGN_CHECKS, NUISANCES,
)  # fmt: skip


@click.group()
def ablate() -> None:
    """Train and measure the cells of a study, see where they stand, write its report; and what goes with tasks and tables."""


@ablate.command(cls=what_a_study_names)
@study_argument
@of_a_study
def run(command: Command) -> None:
    """Do what is missing of STUDY up to its finished cells; no report."""
    from ablations.study import whole_study

    standing = whole_study.run_cells(command)
    command.show(standing, f"{standing.summary}. Write the report with: loam ablate report {command.path}")


@ablate.command()
@study_argument
@of_a_study
def status(command: Command) -> None:
    """Where the cells of STUDY stand: done, to measure, failed, damaged, started or waiting. Runs nothing."""
    from ablations.study import whole_study

    standing = whole_study.status(command)
    command.show(standing, f"{standing.table}\n\n{standing.summary}")


@ablate.command()
@click.argument("path", metavar="[STUDY]", default="")
@click.option(
    "--from", "source", metavar="FILE.json", help="Draw the page of this written report; looks at nothing else."
)
@click.option("--to", "target", metavar="FILE.html", help="Where that page is written. [default: beside FILE.json]")
@of_a_study
def report(command: Command, source: str | None, target: str | None) -> None:
    """Write the report of STUDY from the cells that are finished. Runs nothing."""
    if bool(command.path) == bool(source) or (target and not source):
        raise click.UsageError(
            "Give a STUDY, or --from with the .json of a report that was written; --to goes with --from."
        )
    if source:
        from ablations.report.drawing import from_file as reading

        drawn = reading.draw(source, target)
        command.show(drawn, drawn.page)
    else:
        from ablations.study import whole_study

        end = whole_study.report(command)
        command.show(end, whole_study.as_text(end))


@ablate.command()
@study_argument
@click.option("--pilot", metavar="OUT", help="Output folder of a study that ran: its cells say how far measures vary.")
@of_a_study
def plan(command: Command, pilot: str | None) -> None:
    """What each claim of STUDY could see with these seeds, draws and items, and what it costs. Runs nothing.

    Ends with exit code 2 and one line each for what cannot be won. Variances are those of the study's finished cells in --out, or
    of --pilot, else of cells that were measured for loam.
    """
    from ablations.evidence import power
    from ablations.study import questions

    planned = questions.power_of_claims(command, pilot)
    command.show(planned, "\n".join(power.lines(planned)))
    for refusal in planned.refusals:
        command.note(f"refused: {refusal}")
    if planned.refusals:
        sys.exit(2)


@ablate.command()
@study_argument
@click.argument("a")
@click.argument("b")
@click.option("--measure", required=True, metavar="NAME", help="Such as few_shot.nsmc.k4.permuted_minus_gold.")
@of_a_study
def compare(command: Command, a: str, b: str, measure: str) -> None:
    """The paired difference of arms A and B of STUDY in a measure, with interval. Runs nothing.

    A and B may also be the names of two cells; then it is a point.
    """
    from ablations.evidence.compare import comparison_text
    from ablations.study import questions

    comparison = questions.compare(command, a, b, measure)
    command.show(comparison, comparison_text(comparison))


@ablate.command(cls=listing(METRICS))
@click.argument("path", metavar="STUDY_OR_CELL")
@click.option("--task", "tasks", multiple=True, metavar="NAME", help="Only this task; may be repeated.")
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Only this metric; may be repeated.")
@of_a_study
def measure(command: Command, tasks: tuple[str, ...], metrics: tuple[str, ...]) -> None:
    """Measure finished cells from the weights that they kept; trains nothing.

    Of a STUDY, a YAML file, what its trained cells still lack is measured; of a CELL, a name in OUT/cells or its beginning, the
    numbers are printed too. A metric that the study does not list, such as one of a --plugin, is measured when --metric names it.
    """
    from ablations.cells.measure_choice import MeasureChoice
    from ablations.study import finished_cells

    measured = finished_cells.measure(command, MeasureChoice(tasks, metrics))
    command.show(measured, finished_cells.measured_text(measured))
    for cell, labels in {} if measured.of_study else measured.missing.items():
        command.note(f"{cell}: {', '.join(labels)}: {measured.standing.cells[0].note}")
    if measured.missing:
        sys.exit(1)


@ablate.command()
@study_argument
@of_a_study
def adopt(command: Command) -> None:
    """Keep the finished cells of STUDY under the code that is installed now, where it trains the same weights.

    The code that trains is part of a cell's identity, so an edit of it makes every cell another one. This trains one finished cell
    of each shape anew; if its weights come out equal bit for bit, the others of that shape keep their results, and their
    manifests say so. Otherwise nothing of that shape is adopted, and the exit code is 1.
    """
    from ablations.study import finished_cells

    adopted = finished_cells.adopt(command)
    command.show(adopted, finished_cells.adopted_text(adopted))
    if not all(each.equal for each in adopted.tried):
        sys.exit(1)


@ablate.command()
@study_argument
@click.argument("folder")
@click.option(
    "--limit-mib",
    type=click.FloatRange(0, min_open=True),
    default=60,
    show_default=True,
    help="Most that FOLDER may hold.",
)
@of_a_study
def pack(command: Command, folder: str, limit_mib: float) -> None:
    """Write the cells of STUDY that are not finished into FOLDER, to be run on another machine.

    Curates and encodes first what is missing. There: cd FOLDER/code && python -m ablations.elsewhere.runner ..
    Cells are planned for the machine that the study's `machine` names, else for this one.
    """
    from ablations.study import packs

    packed = packs.pack(command, folder, limit_mib)
    command.show(packed, packs.packed_text(packed))


@ablate.command()
@study_argument
@click.argument("places", metavar="FOLDER_OR_ARCHIVE...", nargs=-1, required=True)
@click.option(
    "--weights",
    type=click.Choice(("last", "all", "none")),
    default="all",
    show_default=True,
    help="Which weights to take of those that came along, as `run_all --weights` sent them.",
)
@of_a_study
def unpack(command: Command, places: tuple[str, ...], weights: Literal["last", "all", "none"]) -> None:
    """Take the results of packed cells into the output folder, as if they had run here.

    A result that is not what this study's cell would have come to is refused with its reason, and the exit code is 1. A cell
    whose weights did not come along cannot be measured again here.
    """
    from ablations.study import packs

    done = packs.unpack(command, places, weights)
    for name, why in done.refused.items():
        command.note(f"refused: {name}: {why}")
    command.show(done, packs.unpacked_text(done))
    if done.refused:
        sys.exit(1)


@ablate.command()
@click.argument("path", metavar="CELL")
@click.argument("metric")
@click.option("--items", "most", type=click.IntRange(0), default=3, show_default=True, help="Items shown as text.")
@click.option("--draw", type=click.IntRange(0), help="Only this draw of demonstrations.")
@click.option("--item", help="Only the item with this id, or the beginning of one.")
@command_options("plugins", "out")
def explain(command: Command, metric: str, most: int, draw: int | None, item: str | None) -> None:
    """From a number of a trained cell to what it rests on: items, prompts, documents, seeds, corpora.

    CELL is the name of a folder in OUT/cells or its beginning, METRIC a name such as bits_per_byte.code or
    few_shot.nsmc.k8.gold.nll.
    """
    from ablations.evidence import explain as explaining

    choice = explaining.Choice(most, draw, item)
    number = explaining.explain(command.out, command.path, metric, choice, command.read_plugins())
    command.show(number, explaining.explained_text(number, most))


@ablate.command()
@click.argument("path", metavar="TABLE.csv")
@click.option("--related", multiple=True, metavar="CORPUS=TASK", help="A corpus related to a task; may be repeated.")
@command_options()
def findings(command: Command, related: tuple[str, ...]) -> None:
    """What a published table of scores allows one to say of four claims about corpora, and what it does not.

    TABLE has one corpus a row and one number a task, such as configs/reference/hyperclova_corpus_study.csv, which comes with loam.
    """
    from ablations.evidence.findings import findings_of, findings_text, read
    from curation.runtime.shipped import resolve_config

    findings = findings_of(read(resolve_config(command.path)), related)
    command.show(findings, findings_text(findings))


@ablate.command()
@click.argument("path", metavar="CELL")
@click.argument("target", metavar="FOLDER")
@click.option(
    "--tokenizer", metavar="FOLDER", help="Where its tokenizer.model is; found by itself in an output folder."
)
@command_options("out")
def export(command: Command, target: str, tokenizer: str | None) -> None:
    """Write the finished CELL with its tokenizer to FOLDER, which transformers, lm-eval and others load.

    CELL is a folder or a name in <out>/cells. The model is a Llama, or a Qwen3 where queries and keys are normalised; its logits
    and its pieces are those of the cell.
    """
    from ablations.export import cell as exporting

    done = exporting.export(command.path, target, command.out, tokenizer)
    command.show(done, f"{done.model_type}, {done.parameters:,} weights of the cell; float32\n{done.folder}")


@ablate.command("export-queries")
@click.argument("path", metavar="FOLDER")
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
@command_options("plugins")
def export_queries(command: Command, fields: tuple[str, ...], shuffled: bool) -> None:
    """Write the questions, contexts and demonstrations of the tasks in FOLDER to OUT, for decontamination.

    FOLDER holds <task>/{train,dev,test}.jsonl, which may end in .gz or .zst as OUT may. The annotator `contamination`
    reads OUT; rows of train are demonstrations, the others questions.
    """
    from ablations.prompts import export_queries as exporting

    done = exporting.run(command, fields, shuffled)
    command.show(done, exporting.as_text(done))
