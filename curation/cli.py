"""`loam curate ...`: raw text to curated shards, and questions about a finished run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from curation import cli_text
from curation.annotators.registry import ANNOTATORS
from curation.pii.registry import ENTITIES
from curation.runtime.command_line.command import listing
from curation.runtime.command_line.options import WHAT, WHERE, Command, command_options
from curation.sources.registry import SOURCES
from curation.transforms.registry import TRANSFORMS

if TYPE_CHECKING:
    from curation.questions.run_record import RunRecord

# `--plugin` of a question to a finished run, whose own text is never run
run_plugins = click.option(
    "--plugin",
    "plugins",
    multiple=True,
    metavar="FILE.py",
    help="A plugin that the run had, your own copy of it; it is run, those in RUN are not.",
)


def finished_run(command: Command) -> RunRecord:
    """The record of RUN; a line on stderr names its plugins that are not run."""
    from curation.questions.run_record import load_record

    run = load_record(command.path, command.plugins)
    if note := run.not_run():
        command.note(note)
    return run


@click.group()
def curate() -> None:
    """Raw text to curated shards: measure every document, then decide.

    RUN is the output folder of a finished run, or a file in its runs/.
    """


@curate.command(cls=listing(SOURCES, ANNOTATORS, ENTITIES, TRANSFORMS))
@click.argument("path", metavar="RECIPE")
@click.option("--dry-run", is_flag=True, help="Check everything, print the plan, write nothing.")
@command_options(*WHAT, *WHERE)
def run(command: Command, dry_run: bool) -> None:
    """Curate the sources of RECIPE, a YAML file.

    What is finished is not done again; a killed run goes on where it stopped.
    """
    from curation import whole_run
    from curation.dry_run import describe_run, dry_run_text
    from curation.recipes import loading

    if dry_run:
        described = describe_run(loading.load_recipe(command.path, command.settings, command.plugins))
        command.show(described, dry_run_text(described))
    else:
        end = whole_run.run(command)
        command.show(end, cli_text.end_of_run(end))


@curate.command("train-lm")
@click.argument("path", metavar="RECIPE")
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Source to train on. [default: all]")
@click.option("--language", metavar="CODE", help="Language of the model, kept with it.")
@click.option("--name", metavar="NAME", help="Of the model. [default: the language, or lm]")
@click.option("--pass", "pass_", metavar="NAME", help="Train on the documents that this pass keeps. [default: as read]")
@command_options(*WHAT, *WHERE)
def train_lm(
    command: Command, sources: tuple[str, ...], language: str | None, name: str | None, pass_: str | None
) -> None:
    """Train a language model for the annotator perplexity on sources of RECIPE, a YAML file.

    What the recipe says in models.NAME holds, and the options change it. The last line is the model's folder, which the
    annotator takes as `model`.

    \b
    loam curate train-lm recipe.yaml --source encyclopedia_ko --language ko
    loam curate train-lm recipe.yaml --language ko --set models.ko.vocab_size=32000
    """
    from curation import train_language_model

    model = train_language_model.run(command, name, sources, language, pass_)
    command.show(model, cli_text.trained_model(model))


@curate.command("what-if")
@click.argument("path", metavar="RUN")
@click.option("--pass", "pass_", metavar="NAME", help="Pass whose policy is changed. [default: the last]")
@click.option(
    "--set",
    "settings",
    multiple=True,
    required=True,
    metavar="policy.KEY=VALUE",
    help="A change of the policy; may be given several times.",
)
@run_plugins
@command_options()
def what_if(command: Command, pass_: str | None) -> None:
    """What another policy would keep of RUN, from its scores alone: no text is read, nothing is written.

    Near-duplicates are decided again from the similarities that the run has stored.

    \b
    loam curate what-if out --set policy.defaults.keep.gopher_words.words.min=20
    loam curate what-if out --set policy.defaults.near_duplicates.jaccard=0.9
    loam curate what-if out --set policy.sources.code.keep.language=null
    """
    from curation.questions.what_if import compare_policies

    changed = compare_policies(finished_run(command), pass_, command.settings)
    command.show(changed, cli_text.what_if(changed))


@curate.command()
@click.argument("path", metavar="RUN")
@click.argument("id")
@click.option("--text", is_flag=True, help="Print the document too (of a kept one as it was curated).")
@run_plugins
@command_options()
def explain(command: Command, id: str, text: bool) -> None:
    """Why RUN kept or dropped one document: origin, scores against bounds, verdict, what it duplicates, spans.

    ID is the document's id (the first 6 digits or more), or the id that its file gives it.
    """
    from curation.questions.explain import explain_document

    document = explain_document(finished_run(command), id, text)
    command.show(document, cli_text.explained(document))


@curate.command()
@click.argument("path", metavar="RUN")
@click.option("--kept", "which", flag_value="kept", help="Kept documents.")
@click.option("--removed", "which", flag_value="removed", default="removed", help="Removed documents. [default]")
@click.option("--quarantined", "which", flag_value="quarantined", help="Rows that could not be read.")
@click.option("--source", metavar="NAME", help="Of one source only.")
@click.option("--pass", "pass_", metavar="NAME", help="Of one pass only.")
@click.option("--reason", metavar="REASON", help="Removed for one reason only.")
@click.option("-n", default=10, show_default=True, type=click.IntRange(1), help="How many.")
@click.option(
    "--chars",
    default=400,
    show_default=True,
    type=click.IntRange(0),
    help="Characters of each to print; --json gives all.",
)
@command_options()
def sample(
    command: Command, which: str, source: str | None, pass_: str | None, reason: str | None, n: int, chars: int
) -> None:
    """Documents of RUN to read: removed, kept or quarantined ones. Always the same ones, chosen by hash."""
    from curation.questions import sample as sampling
    from curation.questions.run_record import load_record

    run = load_record(command.path)
    if which == "quarantined":
        rows = sampling.quarantined(run, n, source)
        command.show(rows, cli_text.quarantined(rows))
    else:
        documents = sampling.sample(run, which, n, source, pass_, reason)
        command.show(documents, cli_text.sampled(documents, chars))
