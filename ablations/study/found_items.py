"""Items of few-shot tasks that stand in the text that the arms are trained on.

The curated documents of every source are searched, as the annotator `contamination` searches raw ones, for what each item asks.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablations.prompts.task_items import asked_questions
from ablations.prompts.tasks.questions import Question
from ablations.settings.study import Study
from curation.contamination.matching import QueryIndex, Sizes
from curation.contamination.queries import Query
from curation.recipes.recipe import Recipe
from curation.runtime.cluster.cluster import Compute
from curation.runtime.stages.job_specs import ShardJob, shard_jobs
from curation.runtime.stages.stage import Output, Stage
from curation.runtime.stages.stages import run_stages
from curation.runtime.store.folder import Folder
from curation.runtime.store.receipts import Result
from curation.runtime.store.shards import ShardSet, row_groups
from curation.text.batch import batches
from curation.text.folding import folded

SHARE = 0.5  # of a text's n-grams that a document holds, from which the text stands in it
SIZES = Sizes(
    ngram_words=13, ngram_chars=40, least_chars=20, least_line_chars=1
)  # as annotators/contamination.py has them
InText = dict[str, dict[str, tuple[str, ...]]]  # task -> item -> sources
Looked = tuple[tuple[str, str], ...]  # task and text


@dataclass(frozen=True)
class Found:
    """The items that stand in the text, by task, and the folders of the stages that looked."""

    in_text: InText
    folders: tuple[Folder, ...] = ()


@dataclass(frozen=True)
class LookShared:
    """Where the documents are, and what is looked for."""

    shards: Folder
    texts: Looked


def look_for_items(
    study: Study, recipe: Recipe, shards: Mapping[str, ShardSet], out: Folder, compute: Compute
) -> Found:
    """Items of every task that stand in the text of some arm; of no task where the study says not to look."""
    if not study.look_for_items:
        return Found({})
    asked = {task.name: asked_questions(task, recipe.root, study.loaded_plugins) for task in study.task_settings}
    used = {source: shards[source] for arm in study.arms for source in study.mixture(arm)}
    return found_items(asked, used, out, compute)


def found_items(
    asked: Mapping[str, Sequence[Question]], shards: Mapping[str, ShardSet], out: Folder, compute: Compute
) -> Found:
    """Every task that was looked for -> its items that some source holds.

    A source holds an item when it holds each of its texts (such as a passage and a question), those aside that are too short to
    be anybody's own; of an item of short texts alone, each as a line of its own.

    Args:
        asked: task -> its items.
        shards: of the sources that arms are trained on.
    """
    texts: dict[tuple[str, str], str] = {}  # task and folded text -> the text as it was first written
    for task, each in asked.items():
        for item in each:
            for text, written in _texts(item).items():
                texts.setdefault((task, text), written)
    if not texts:
        return Found({task: {} for task in asked})
    keys, looked = list(texts), tuple((task, written) for (task, _), written in texts.items())
    stages = [look_stage(each, looked) for each in shards.values()]
    found: InText = {task: {} for task in asked}
    for source, manifests in zip(shards, run_stages(stages, out, compute), strict=True):
        held = {keys[int(number)] for number in manifests["found"].counts}
        for task, each in asked.items():
            for item in each:
                if (own := _texts(item)) and all((task, text) in held for text in own):
                    found[task][item.id] = (*found[task].get(item.id, ()), source)
    return Found(found, tuple(stage.outputs["found"].folder(out) for stage in stages))


def _texts(item: Question) -> dict[str, str]:
    """What is looked for of an item, folded as it is compared -> as it was written: its long texts, or all where none is long."""
    each = {folded(text): text for text in item.texts if folded(text)}
    return {text: written for text, written in each.items() if len(text) >= SIZES.least_chars} or each


def look_stage(shards: ShardSet, texts: Looked) -> Stage[LookShared, ShardJob]:
    """The stage that looks through one source's shards. Its counts are documents, by number of the text."""
    what = {"stage": "found_items", "version": 1, "shards": shards.fingerprint, "texts": texts, "share": SHARE}
    output = Output("found_items", shards.source, {**what, "sizes": vars(SIZES)})
    title, shared = f"look for test items in {shards.source}", LookShared(shards.folder, texts)
    return Stage(title, {"found": output}, shard_jobs(shards), look_job, shared)


def look_job(shared: LookShared, spec: ShardJob, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: one shard."""
    index = QueryIndex((Query(task, "", str(i), "", text) for i, (task, text) in enumerate(shared.texts)), SIZES)
    counts: Counter[str] = Counter()
    rows = 0
    for table in row_groups(shared.shards, spec.file, ["text"]):
        rows += table.num_rows
        for batch in batches(table["text"].to_pylist()):
            counts.update(index.queries[each.query].item for each in index.overlaps(batch) if each.share >= SHARE)
    name = f"{spec.stem}.json"
    folders["found"].write(name, json.dumps(counts, sort_keys=True).encode())
    return {"found": Result([{"file": name, "rows": rows}], counts)}
