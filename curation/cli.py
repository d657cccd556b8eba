"""`loam curate ...`: raw text to curated shards, and questions about a finished run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from curation.annotators.registry import ANNOTATORS
from curation.pii.registry import ENTITIES
from curation.runtime.command_line.command import echo_warnings, listing, table, what_options, where_options
from curation.sources.registry import SOURCES
from curation.transforms.registry import TRANSFORMS

if TYPE_CHECKING:
    from curation.dashboard.contents import Funnel
    from curation.questions.run_record import RunRecord

F = TypeVar("F", bound=Callable[..., Any])


def run_plugins(command: F) -> F:
    """`--plugin` of a question to a finished run, whose own text is never run."""
    told = "A plugin that the run had, your own copy of it; it is run, those in RUN are not."
    return click.option("--plugin", "plugins", multiple=True, metavar="FILE.py", help=told)(command)


def finished_run(run: str, plugins: Sequence[str]) -> RunRecord:
    """The record of RUN; what of it is not run is said on stderr."""
    from curation.questions.run_record import load

    found = load(run, plugins)
    if told := found.not_run():
        click.echo(told, err=True)
    return found


@click.group()
def curate() -> None:
    """Raw text to curated shards: measure every document, then decide.

    RUN is the output folder of a finished run, or a file in its runs/.
    """


@curate.command(cls=listing(SOURCES, ANNOTATORS, ENTITIES, TRANSFORMS))
@click.argument("recipe")
@where_options
@what_options
@click.option("--dry-run", is_flag=True, help="Check everything, print the plan, write nothing.")
def run(
    recipe: str, out: str, workers: int | None, ray_address: str | None, settings: tuple[str, ...],
    plugins: tuple[str, ...], dry_run: bool,
) -> None:  # fmt: skip
    """Curate the sources of RECIPE, a YAML file.

    What is finished is not done again; a killed run goes on where it stopped.
    """
    from curation import dry_run as plan
    from curation import pipeline
    from curation.dashboard import page
    from curation.dashboard.gathering.contamination import contamination_tables
    from curation.dashboard.gathering.curation_run import curation_report
    from curation.recipes import loading
    from curation.runtime.cluster.cluster import Compute
    from curation.runtime.command_line.running import running
    from curation.runtime.store.folder import open_out

    loaded = loading.load(recipe, settings, plugins)
    if dry_run:
        click.echo(plan.describe(loaded))
        return
    folder = open_out(out)
    compute = Compute(ray_address, workers)
    with running(folder, loaded.name, compute):
        curated = pipeline.curate(loaded, folder, compute)
        report = curation_report(curated.record, folder, loaded.loaded_plugins)
        (folder / "reports").write(f"{loaded.name}.curation.html", page.render(report).encode())
    click.echo(funnel_table(report.funnel))
    for shown in contamination_tables(report.contamination):
        click.echo(f"\n{shown}\n")
    echo_warnings(report.warnings)
    click.echo(f"\ncurated shards: {folder.url}/runs/{loaded.name}.json names them\nreport:")
    click.echo(f"{folder.url}/reports/{loaded.name}.curation.html")


def funnel_table(funnel: Mapping[str, Funnel]) -> str:
    """Source by source where the rows went."""
    rows = []
    for source, f in funnel.items():
        most = max(f.dropped, key=lambda reason: f.dropped[reason]) if f.dropped else ""
        rows.append((source, f.rows, f.curated, sum(f.dropped.values()), f.quarantined, most))
    return table(("source", "rows", "curated", "dropped", "quarantined", "dropped most often for"), rows)


@curate.command("train-lm")
@click.argument("recipe")
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Source to train on. [default: all]")
@click.option("--language", metavar="CODE", help="Language of the model, kept with it.")
@click.option("--name", metavar="NAME", help="Of the model. [default: the language, or lm]")
@click.option("--pass", "pass_", metavar="NAME", help="Train on the documents that this pass keeps. [default: as read]")
@where_options
@what_options
def train_lm(
    recipe: str, sources: tuple[str, ...], language: str | None, name: str | None, pass_: str | None,
    out: str, workers: int | None, ray_address: str | None, settings: tuple[str, ...], plugins: tuple[str, ...],
) -> None:  # fmt: skip
    """Train a language model for the annotator perplexity on sources of RECIPE, a YAML file.

    What the recipe says in models.NAME holds, and the options change it. The last line is the model's folder, which the
    annotator takes as `model`.

    \b
    loam curate train-lm recipe.yaml --source encyclopedia_ko --language ko
    loam curate train-lm recipe.yaml --language ko --set models.ko.vocab_size=32000
    """
    from curation.recipes import loading
    from curation.runtime.cluster.cluster import Compute
    from curation.runtime.command_line.running import running
    from curation.runtime.store.folder import open_out
    from curation.train_language_model import train_lm as train

    name = name or language or "lm"
    options = {"sources": list(sources) or None, "language": language, "after": pass_}
    settings += tuple(f"models.{name}.{key}={json.dumps(value)}" for key, value in options.items() if value is not None)
    loaded = loading.load(recipe, settings, plugins)
    if name not in loaded.models:
        loaded = loading.load(recipe, (*settings, f"models.{name}={{}}"), plugins)
    folder = open_out(out)
    compute = Compute(ray_address, workers)
    with running(folder, f"{loaded.name}.{name}", compute):
        trained, card = train(loaded, name, folder, compute)
    on = card["trained_on"]
    click.echo(f"trained on {on['documents']:,} documents, {on['tokens']:,} tokens, by estimator {card['estimator']}")
    click.echo(f"perplexities of {on['heldout']:,} held-out documents:")
    shown = (1, 10, 30, 50, 60, 90, 99)
    perplexities = (card["percentiles"][percentile - 1] for percentile in shown)
    click.echo(table(("percentile", *map(str, shown)), [("perplexity", *perplexities)]))
    click.echo(f"head up to {card['head_until']:.4g}, tail beyond {card['tail_from']:.4g}\nmodel:\n{trained.url}")


@curate.command("what-if")
@click.argument("run")
@click.option(
    "--set",
    "settings",
    multiple=True,
    required=True,
    metavar="policy.KEY=VALUE",
    help="A change of the policy; may be given several times.",
)
@click.option("--pass", "pass_", metavar="NAME", help="Pass whose policy is changed. [default: the last]")
@run_plugins
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def what_if(run: str, settings: tuple[str, ...], pass_: str | None, plugins: tuple[str, ...], as_json: bool) -> None:
    """What another policy would keep of RUN, from its scores alone: no text is read, nothing is written.

    Near-duplicates are decided again from the similarities that the run has stored.

    \b
    loam curate what-if out --set policy.defaults.keep.gopher_words.words.min=20
    loam curate what-if out --set policy.defaults.near_duplicates.jaccard=0.9
    loam curate what-if out --set policy.sources.code.keep.language=null
    """
    from curation.questions.what_if import what_if as compare

    found = compare(finished_run(run, plugins), pass_, settings)
    if as_json:
        value = {
            source: {
                side: {"documents": o.documents, "kept": o.kept, "dropped": o.dropped}
                for side, o in (("before", c.before), ("after", c.after))
            }
            for source, c in found.items()
        }
        click.echo(json.dumps(value, indent=1))
        return
    rows = [
        (s, c.before.documents, c.before.kept, c.after.kept, f"{c.after.kept - c.before.kept:+d}")
        for s, c in found.items()
    ]
    click.echo(table(("source", "documents", "kept", "would keep", "change"), rows))
    reasons = []
    for source, c in found.items():
        for reason in sorted({*c.before.dropped, *c.after.dropped}):
            before, after = c.before.dropped.get(reason, 0), c.after.dropped.get(reason, 0)
            if before != after:
                reasons.append((source, reason, before, after))
    if reasons:
        click.echo("\n" + table(("source", "dropped for", "before", "after"), reasons))


@curate.command()
@click.argument("run")
@click.argument("id")
@click.option("--text", is_flag=True, help="Print the document too (of a kept one as it was curated).")
@run_plugins
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(run: str, id: str, text: bool, plugins: tuple[str, ...], as_json: bool) -> None:
    """Why RUN kept or dropped one document: origin, scores against bounds, verdict, what it duplicates, spans.

    ID is the document's id (the first 6 digits or more), or the id that its file gives it.
    """
    from curation.questions.explain import explain as explain_document

    found = explain_document(finished_run(run, plugins), id, text)
    if as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for key in ("id", "source", "path", "offset", "user_id", "chars", "meta"):
        if found.get(key) is not None:
            click.echo(f"{key:>8}: {found[key]}")
    for name, passed in found["passes"].items():
        click.echo(f"\npass {name}: {passed['reason']}{_in_favour_of(passed)}")
        rows = [
            (
                f"{label}.{column}",
                value,
                passed["units"][label].get(column, ""),
                _bound(passed["bounds"], label, column),
            )
            for label, values in passed["scores"].items()
            for column, value in values.items()
        ]
        click.echo(table(("score", "value", "unit", "kept if"), rows))
        for action in ("cut", "replaced"):
            for span in passed[action]:
                click.echo(f"{action}: characters {span['start']} to {span['end']} ({span['kind']})")
    if text:
        click.echo(f"\n{found['text']}")


def _in_favour_of(passed: dict[str, Any]) -> str:
    """Of a duplicate: which document it resembles, how much, and which one was kept."""
    keeper, kept = passed["duplicate_of"], passed["kept_instead"]
    if not keeper:
        return ""
    return f" of {keeper} (similarity {passed['similarity']:.3f})" + (f", kept: {kept}" if kept != keeper else "")


def _bound(bounds: dict[str, Any], label: str, column: str) -> str:
    bound = bounds.get(label, {}).get(column)
    if not bound:
        return ""
    if "any_of" in bound:
        return f"one of {', '.join(bound['any_of'])}"
    return " and ".join(
        f"{'>=' if side == 'min' else '<='} {bound[side]:g}" for side in ("min", "max") if side in bound
    )


@curate.command()
@click.argument("run")
@click.option("--kept", "which", flag_value="kept", help="Kept documents.")
@click.option("--removed", "which", flag_value="removed", default="removed", help="Removed documents. [default]")
@click.option("--quarantined", "which", flag_value="quarantined", help="Rows that could not be read.")
@click.option("--source", metavar="NAME", help="Of one source only.")
@click.option("--pass", "pass_", metavar="NAME", help="Of one pass only.")
@click.option("--reason", metavar="REASON", help="Removed for one reason only.")
@click.option("-n", default=10, show_default=True, type=click.IntRange(1), help="How many.")
@click.option("--chars", default=400, show_default=True, type=click.IntRange(0), help="Characters of each to print.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines with the whole texts.")
def sample(
    run: str, which: str, source: str | None, pass_: str | None, reason: str | None, n: int, chars: int, as_json: bool
) -> None:
    """Documents of RUN to read: removed, kept or quarantined ones. Always the same ones, chosen by hash."""
    from curation.questions.run_record import load
    from curation.questions.sample import sample as take

    rows = take(load(run), which, n, source, pass_, reason)
    if not rows:
        click.echo("none")
    for row in rows:
        if as_json:
            click.echo(json.dumps(row, ensure_ascii=False))
        elif which == "quarantined":
            click.echo(f"{row['source']}: {row['file']}, offset {row['offset']}: {row['reason']}")
        else:
            text = row["text"][:chars].replace("\n", "\n    ")
            click.echo(f"{row['id']}  {row['source']}  {row['reason']}\n    {text}\n")
