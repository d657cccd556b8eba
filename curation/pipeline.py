"""The walk of all documents of a recipe: read, then pass by pass annotate, judge, decide, materialise; then derived ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curation.dedup.level import Dropped
from curation.passes import annotate, decide, ingest, language_models, levels, materialise, user_ids
from curation.passes import derive as transform
from curation.passes.funnel import SourceFunnel
from curation.policy.eligibility import rules_identity
from curation.policy.judging import JudgedPass, JudgedSource, JudgeShared, judge_stage
from curation.policy.most_dropped import check_most_dropped
from curation.recipes import named_models
from curation.recipes.recipe import Pass, Recipe
from curation.runtime.cluster.cluster import Compute
from curation.runtime.identity import IDENTITY, fingerprint
from curation.runtime.progress import meter
from curation.runtime.stages.job_specs import ShardJob
from curation.runtime.stages.stage import AnyStage, Stage
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
        record: the content of `<out>/runs/<name>.json`: the resolved recipe and every stage's folder, relative to `out`.
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
    stages: dict[str, AnyStage] = {}
    with meter("plan", len(recipe.sources)) as shown:  # lists and hashes the input files
        for name in recipe.sources:
            stages[name] = ingest.read_stage(recipe, name)
            shown.advance()
    return _shard_sets(stages, "documents", out, compute)


def run_pass(
    recipe: Recipe, pass_: Pass, shards: Mapping[str, ShardSet], out: Folder, compute: Compute
) -> tuple[dict[str, ShardSet], dict[str, dict[str, Any]]]:
    """One pass over all sources; returns the curated shards and the folders of its stages."""
    judged = judge_sources(recipe, pass_, shards, out, compute)
    dropped = levels.find_duplicates(judged, out, compute)
    deciding = {source.name: decide.decide_stage(pass_.name, source, dropped) for source in judged.sources}
    decided = dict(zip(deciding, run_stages(list(deciding.values()), out, compute), strict=True))
    decisions = {
        name: (stage.outputs["decisions"].folder(out), decided[name]["decisions"]) for name, stage in deciding.items()
    }
    check_most_dropped(
        pass_.name,
        {s.name: s.rules for s in judged.sources},
        {name: manifest for name, (_, manifest) in decisions.items()},
    )
    curating = {
        source.name: materialise.materialise_stage(recipe, judged, source, decisions[source.name])
        for source in judged.sources
    }
    curated = _shard_sets(curating, "curated", out, compute)
    folders = {
        source.name: {
            **_before_deciding(source, dropped, out),
            "decide": out.relative(decisions[source.name][0]),
            "curated": out.relative(curated[source.name].folder),
        }
        for source in judged.sources
    }
    return curated, folders


def _before_deciding(source: JudgedSource, dropped: Sequence[Dropped], out: Folder) -> dict[str, Any]:
    """Folders of one source's stages, up to the levels of deduplication."""
    of_levels = {each.level: {step: out.relative(f) for step, f in each.folders.items()} for each in dropped}
    return {
        "shards": out.relative(source.shards.folder),
        "scores": {label: out.relative(folder) for label, folder in source.scores.items()},
        "judged": out.relative(source.judged),
        **of_levels,
    }


def judge_sources(
    recipe: Recipe, pass_: Pass, shards: Mapping[str, ShardSet], out: Folder, compute: Compute
) -> JudgedPass:
    """Every source with its scores and its judgements."""
    annotators = recipe.annotators(pass_)
    annotating = {
        name: annotate.annotate_stage(pass_, incoming, annotators, recipe.loaded_plugins)
        for name, incoming in shards.items()
    }
    run_stages(list(annotating.values()), out, compute)
    judging: list[Stage[JudgeShared, ShardJob]] = []
    sources: list[JudgedSource] = []
    for name, scored in annotating.items():
        scores = {label: output.folder(out) for label, output in scored.outputs.items()}
        rules = pass_.rules_for(name)
        identity = rules_identity(rules, annotators)
        stage = judge_stage(pass_.name, shards[name], rules, scores, identity)
        judging.append(stage)
        sources.append(JudgedSource(shards[name], rules, scores, stage.outputs["judged"].folder(out), identity))
    run_stages(judging, out, compute)
    return JudgedPass(pass_.name, sources, annotators)


def _shard_sets(stages: Mapping[str, AnyStage], output: str, out: Folder, compute: Compute) -> dict[str, ShardSet]:
    manifests = run_stages(list(stages.values()), out, compute)
    return {
        name: ShardSet(name, stage.outputs[output].folder(out), manifest[output])
        for (name, stage), manifest in zip(stages.items(), manifests, strict=True)
    }
