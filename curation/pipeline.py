"""The walk of all documents of a recipe: read, then pass by pass annotate, decide, materialise; then derived sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from curation.dedup import exact, near
from curation.passes import annotate, decide, ingest, language_models, materialise, user_ids
from curation.passes import derive as transform
from curation.passes.funnel import SourceFunnel
from curation.policy import eligibility, most_dropped
from curation.recipes import named_models
from curation.recipes.recipe import Pass, Recipe
from curation.runtime.cluster.cluster import Compute
from curation.runtime.identity import IDENTITY, fingerprint
from curation.runtime.progress import meter
from curation.runtime.stages.stage import Stage
from curation.runtime.stages.stages import mended, run_stages
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import code_version
from curation.runtime.store.shards import ShardSet


@dataclass(frozen=True)
class Curated:
    """A finished curation.

    Attributes:
        shards: the curated shards of each source, after the last pass.
        funnel: where each source's documents went.
        record: what `<out>/runs/<name>.json` says: the resolved recipe and every stage's folder, relative to `out`.
    """

    shards: Mapping[str, ShardSet]
    funnel: Mapping[str, SourceFunnel]
    record: Mapping[str, Any]


def curate(recipe: Recipe, out: Folder, compute: Compute) -> Curated:
    """Do what is missing of a recipe's stages and write the run's record, which points at all of them.

    A part that is found damaged is made again by the stage that it is of.
    """
    return mended(lambda: _curate(recipe, out, compute), out, compute)


def _curate(recipe: Recipe, out: Folder, compute: Compute) -> Curated:
    shards = read_sources(recipe, out, compute)
    repeated = user_ids.find_repeated(shards, out, compute)
    ids = {name: manifest for name, (_, manifest) in repeated.items()}
    funnel = {name: SourceFunnel.of(raw, ids.get(name)) for name, raw in shards.items()}
    for name, source in recipe.built_sources.items():
        funnel[name].left_out = source.left_out(name, recipe.root)
    stages: dict[str, Any] = {name: {"read": out.relative(raw.folder), "passes": {}} for name, raw in shards.items()}
    for name, (folder, _) in repeated.items():
        stages[name]["repeated_ids"] = out.relative(folder)
    reached: dict[str | None, Mapping[str, ShardSet]] = {None: shards}
    models: dict[str, Folder] = {}
    for pass_ in recipe.passes:
        models |= language_models.train(recipe, named_models.needed(recipe, pass_), reached, out, compute)
        ready = language_models.with_folders(recipe, pass_, models)
        shards, folders = run_pass(recipe, ready, shards, out, compute)
        reached[pass_.name] = shards
        for name, curated in shards.items():
            funnel[name].add(pass_.name, curated)
            stages[name]["passes"][pass_.name] = folders[name]
    shards, transforms = transform.derive(recipe, shards, out, compute)
    for name, changed in transforms.items():
        if name not in funnel:
            funnel[name] = SourceFunnel.derived(changed)
        for step in changed["steps"]:
            funnel[name].passes[step["pass"]] = step["counts"]
    for name, of_source in funnel.items():
        of_source.check(name)
    record = {
        "kind": "curation",
        "identity": IDENTITY,
        "name": recipe.name,
        "recipe": recipe.model_dump(mode="json"),
        "plugins": {plugin.name: plugin.source for plugin in recipe.loaded_plugins},
        "fingerprint": fingerprint([s.fingerprint for s in shards.values()]),
        "stages": stages,
        "transforms": transforms,
        "models": {name: out.relative(folder) for name, folder in models.items()},
        "funnel": {name: of_source.to_json() for name, of_source in funnel.items()},
        "code": code_version(),
    }
    (out / "runs").write_json(f"{recipe.name}.json", record)
    return Curated(shards, funnel, record)


def read_sources(recipe: Recipe, out: Folder, compute: Compute) -> dict[str, ShardSet]:
    """Raw shards of every source."""
    stages: dict[str, Stage] = {}
    with meter("plan", len(recipe.sources)) as shown:  # lists and hashes the input files
        for name in recipe.sources:
            stages[name] = ingest.read_stage(recipe, name)
            shown.advance()
    return _shard_sets(stages, "documents", out, compute)


def run_pass(
    recipe: Recipe, pass_: Pass, shards: Mapping[str, ShardSet], out: Folder, compute: Compute
) -> tuple[dict[str, ShardSet], dict[str, dict[str, Any]]]:
    """One pass over all sources; returns the curated shards and the folders of its stages."""
    members = _annotated(recipe, pass_, shards, out, compute)
    edges = exact.find(list(members.values()), pass_.name, out, compute)
    similar = near.find(list(members.values()), recipe.annotators(pass_), edges, pass_.name, out, compute)
    deciding = {name: decide.decide_stage(member, edges, similar) for name, member in members.items()}
    decided = dict(zip(deciding, run_stages(list(deciding.values()), out, compute), strict=True))
    decisions = {name: stage.outputs["decisions"].folder(out) for name, stage in deciding.items()}
    rules, annotators = {name: member.rules for name, member in members.items()}, recipe.annotators(pass_)
    most_dropped.check(pass_.name, rules, {name: manifests["decisions"] for name, manifests in decided.items()})
    curating = {
        name: materialise.materialise_stage(recipe, member, (decisions[name], decided[name]["decisions"]), annotators)
        for name, member in members.items()
    }
    curated = _shard_sets(curating, "curated", out, compute)
    folders = {
        name: {
            "shards": out.relative(member.shards.folder),
            "scores": {label: out.relative(folder) for label, folder in member.scores.items()},
            "decide": out.relative(decisions[name]),
            "curated": out.relative(curated[name].folder),
            "duplicates": [out.relative(folder) for folder in (edges.folder, edges.routed)] if edges else [],
            "near_duplicates": {
                step: out.relative(folder) for step, folder in (similar.folders if similar else {}).items()
            },
        }
        for name, member in members.items()
    }
    return curated, folders


def _annotated(
    recipe: Recipe, pass_: Pass, shards: Mapping[str, ShardSet], out: Folder, compute: Compute
) -> dict[str, exact.Member]:
    """Every source with its scores and rules."""
    annotators = recipe.annotators(pass_)
    stages = {
        name: annotate.annotate_stage(incoming, annotators, pass_.annotators, recipe.loaded_plugins)
        for name, incoming in shards.items()
    }
    run_stages(list(stages.values()), out, compute)
    members: dict[str, exact.Member] = {}
    for name, stage in stages.items():
        scores = {label: output.folder(out) for label, output in stage.outputs.items()}
        rules = pass_.rules_for(name)
        members[name] = exact.Member(shards[name], rules, scores, eligibility.rules_identity(rules, annotators))
    return members


def _shard_sets(stages: Mapping[str, Stage], output: str, out: Folder, compute: Compute) -> dict[str, ShardSet]:
    manifests = run_stages(list(stages.values()), out, compute)
    return {
        name: ShardSet(name, stage.outputs[output].folder(out), manifest[output])
        for (name, stage), manifest in zip(stages.items(), manifests, strict=True)
    }
