"""What a run would do, in words: configuration, stages and their shards; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from curation.dedup import levels
from curation.passes import ingest
from curation.recipes import named_models
from curation.recipes.recipe import Recipe
from curation.recipes.resolved import resolved
from curation.recipes.resolved_yaml import resolved_yaml


@dataclass(frozen=True)
class SourcePlan:
    """What reading one source takes: tasks, and bytes of its files."""

    source: str
    jobs: int
    bytes: int


def sources(recipe: Recipe) -> list[SourcePlan]:
    """Every source's jobs; lists and hashes the input files, reads no document."""
    stages = {name: ingest.read_stage(recipe, name) for name in recipe.sources}
    return [SourcePlan(name, len(stage.jobs), sum(job.cost for job in stage.jobs)) for name, stage in stages.items()]


def tree(recipe: Recipe, planned: list[SourcePlan]) -> Iterator[str]:
    """The stages as a tree, one line each."""
    shards = sum(plan.jobs for plan in planned)
    yield "stages"
    for plan in planned:
        yield f"  read {plan.source}: {plan.jobs} shards, {plan.bytes / 1e6:.1f} MB"
    told: set[str] = set()
    for pass_ in recipe.passes:
        for name in named_models.needed(recipe, pass_):
            if name not in told:
                yield f"  train language model {name}: {recipe.models[name].described(list(recipe.sources))}"
            told.add(name)
        yield f"  pass {pass_.name}"
        yield f"    annotate: {shards} shards x {', '.join(recipe.annotators(pass_))}"
        yield f"    judge: {shards} shards"
        rules = {name: pass_.rules_for(name) for name in recipe.sources}
        yield from (f"    {line}" for line in levels.described(rules, recipe.annotators(pass_)))
        yield f"    decide: {shards} shards"
        yield f"    curate: {shards} shards"
    for name, derived in recipe.derived.items():
        yield f"  transform {name}: documents of {derived.of}, {', '.join(each.kind for each in recipe.transforms(name))}"


def shown(recipe: Recipe) -> str:
    """The recipe as YAML; what was left to defaults stands there too, and is marked."""
    return resolved_yaml(resolved(recipe), recipe.model_dump(mode="json", exclude_unset=True))


def describe(recipe: Recipe) -> str:
    """The text of `loam curate run --dry-run`."""
    planned = sources(recipe)
    return "\n".join((shown(recipe), *tree(recipe, planned), "", "nothing was written"))
