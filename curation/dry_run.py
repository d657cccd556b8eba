"""A dry run: the resolved configuration, the stages and their shards; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curation.passes import ingest, levels
from curation.recipes import named_models
from curation.recipes.recipe import Recipe
from curation.recipes.resolved import resolved
from curation.recipes.resolved_yaml import resolved_yaml


@dataclass(frozen=True)
class SourceJobs:
    """What reading one source takes: tasks, and bytes of its files."""

    source: str
    jobs: int
    bytes: int


def sources(recipe: Recipe) -> list[SourceJobs]:
    """Every source's jobs; lists and hashes the input files, reads no document."""
    stages = {name: ingest.read_stage(recipe, name) for name in recipe.sources}
    return [SourceJobs(name, len(stage.jobs), sum(job.cost for job in stage.jobs)) for name, stage in stages.items()]


def tree(recipe: Recipe, reading: list[SourceJobs]) -> Iterator[str]:
    """The stages as a tree, one line each."""
    shards = sum(each.jobs for each in reading)
    yield "stages"
    for each in reading:
        yield f"  read {each.source}: {each.jobs} shards, {each.bytes / 1e6:.1f} MB"
    trained: set[str] = set()
    for pass_ in recipe.passes:
        for name in named_models.needed(recipe, pass_):
            if name not in trained:
                yield f"  train language model {name}: {recipe.models[name].described(list(recipe.sources))}"
            trained.add(name)
        yield f"  pass {pass_.name}"
        yield f"    annotate: {shards} shards x {', '.join(recipe.annotators(pass_))}"
        yield f"    judge: {shards} shards"
        rules = {name: pass_.rules_for(name) for name in recipe.sources}
        yield from (f"    {line}" for line in levels.described(rules, recipe.annotators(pass_)))
        yield f"    decide: {shards} shards"
        yield f"    curate: {shards} shards"
    for name, derived in recipe.derived.items():
        yield f"  transform {name}: documents of {derived.of}, {', '.join(each.kind for each in recipe.transforms(name))}"


@dataclass(frozen=True)
class CurationDryRun:
    """What `loam curate run --dry-run` prints.

    Attributes:
        config: the recipe with everything that was left to defaults.
        written: what of it the user wrote.
        stages: the tree of stages, one line each.
    """

    config: Mapping[str, Any]
    written: Mapping[str, Any]
    sources: Sequence[SourceJobs]
    stages: Sequence[str]


def describe_run(recipe: Recipe) -> CurationDryRun:
    """Builds everything, lists and hashes the input files; reads no document and writes nothing."""
    reading = sources(recipe)
    written = recipe.model_dump(mode="json", exclude_unset=True)
    return CurationDryRun(resolved(recipe), written, reading, list(tree(recipe, reading)))


def dry_run_text(run: CurationDryRun) -> str:
    """The recipe as YAML, in which what was left to defaults is marked, and the tree."""
    return "\n".join((resolved_yaml(run.config, run.written), *run.stages, "", "nothing was written"))
