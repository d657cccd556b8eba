"""A recipe from its file to the page of its dashboard: what `loam curate run` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from curation import pipeline
from curation.dashboard import page
from curation.dashboard.contents import ContaminationTable, Funnel
from curation.dashboard.gathering.curation_run import curation_report
from curation.recipes import loading
from curation.runtime.command_line.options import Command


@dataclass(frozen=True)
class CurationEnd:
    """The result of a finished curation.

    Attributes:
        record: the file in `runs/` that names the curated shards.
        report: the page.
        funnel: source -> where its rows went, as the record has it.
        contamination: one table for each annotator `contamination`.
    """

    name: str
    record: str
    report: str
    funnel: Mapping[str, Funnel]
    contamination: Sequence[ContaminationTable]
    warnings: Sequence[str]


def run(command: Command) -> CurationEnd:
    """Curate the recipe and write its page; what is finished is not done again."""
    recipe = loading.load_recipe(command.path, command.settings, command.plugins)
    with command.running(recipe.name) as out:
        curated = pipeline.curate(recipe, out, command.compute)
        shown = curation_report(curated.record, out, recipe.loaded_plugins)
        (out / "reports").write(f"{recipe.name}.curation.html", page.render(shown).encode())
    return CurationEnd(
        recipe.name,
        f"{out.url}/runs/{recipe.name}.json",
        f"{out.url}/reports/{recipe.name}.curation.html",
        shown.funnel,
        shown.contamination,
        shown.warnings,
    )
