"""What a study will take, from timing 200 documents a source and 20 training steps a model shape."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ablations.report.costs import PredictedCost, PredictedPart
from ablations.settings.study import Study
from ablations.settings.study_file import arm_tokenizers, real_sources
from ablations.study.drafts import Draft, drafts
from ablations.study.resolved import resolved
from ablations.study.weights_budget import weights_bytes
from curation.dashboard.as_json import from_json, to_json
from curation.recipes.recipe import Recipe
from curation.runtime.cluster.cluster import Compute
from curation.runtime.command_line.usage import memory_of_tree
from curation.runtime.identity import fingerprint, short
from curation.runtime.progress import meter
from curation.runtime.store.folder import Folder
from curation.timing import time_documents

if TYPE_CHECKING:
    from ablations.core.training.step_time import StepTime

# Measured on two cores of a 2.5 GHz Xeon; only doing the whole work would show them better.
RAY_START_SECONDS = 8.0
STAGE_SECONDS = 0.4  # of tasks that do next to nothing
BPE_BYTES_PER_SECOND = 1.5e6
ENCODE_BYTES_PER_SECOND = 5e6
WORKER_START_SECONDS = 6.0
SHARD_BYTES_PER_TEXT_BYTE = 0.45  # Zstandard in Parquet
SCORE_BYTES_PER_TEXT_BYTE = 0.05
TEXT_BYTES_PER_TOKEN = 3.5
RAY_MEMORY_BYTES = 700e6
FORWARD_SHARE = 1 / 3  # of a training step


def predicted_cost(study: Study, recipe: Recipe, compute: Compute) -> PredictedCost:
    """Time documents and training steps, and add up; takes some seconds itself."""
    workers = compute.workers or os.cpu_count() or 1
    with meter("estimate", 2) as shown:
        sources = time_documents(recipe)
        shown.advance()
        cells = list(cell_costs(study))
        shown.advance()
    text = sum(source.text_bytes for source in sources)
    names = real_sources(study, recipe)
    real = sum(source.text_bytes for source in sources if source.source in names)
    tokenizers = {named.key: named for named in arm_tokenizers(study, recipe).values()}.values()
    sample = sum(min(real, named.settings.sample_bytes) for named in tokenizers)
    stages = 3 + 6 * len(recipe.passes) + 6
    parts = (
        PredictedPart("start of Ray and its workers", RAY_START_SECONDS + WORKER_START_SECONDS),
        PredictedPart("read", sum(source.read_seconds for source in sources) / workers),
        PredictedPart("annotate", sum(source.annotate_seconds for source in sources) / workers),
        PredictedPart("decide, write and bookkeeping", stages * STAGE_SECONDS + text / 20e6 / workers),
        PredictedPart("tokenizer", sample / BPE_BYTES_PER_SECOND),
        PredictedPart("encode", max(1, len(tokenizers)) * text / ENCODE_BYTES_PER_SECOND / workers),
        PredictedPart(f"{len(cells)} cells", sum(seconds for seconds, _ in cells) / workers),
    )
    shards = (1 + len(recipe.passes)) * SHARD_BYTES_PER_TEXT_BYTE + SCORE_BYTES_PER_TEXT_BYTE
    weights = weights_bytes(study)
    return PredictedCost(
        seconds=sum(part.seconds for part in parts),
        memory_bytes=RAY_MEMORY_BYTES + (1 + workers) * float(memory_of_tree()),
        disk_bytes=text * shards + 4 * text / TEXT_BYTES_PER_TOKEN + weights,
        weights_bytes=weights,
        workers=workers,
        parts=parts,
    )


def cell_costs(study: Study) -> Iterator[tuple[float, int]]:
    """(seconds, weights) of every cell; each shape is timed once."""
    from ablations.core.training.step_time import time_steps  # torch: seconds that a second run need not wait for

    timed: dict[str, StepTime] = {}
    for draft in drafts(study):
        spec = draft.training
        key = fingerprint(
            [str(spec.model), str(spec.optimizer), list(spec.plugins), spec.schedule.batch, str(spec.compute)]
        )
        if key not in timed:
            timed[key] = time_steps(spec, study.loaded_plugins)
        yield cell_seconds(draft, timed[key], len(study.arms)), timed[key].parameters


def cell_seconds(draft: Draft, step_time: StepTime, sources: int) -> float:
    """Training, the points of the curve and the final measures of one cell."""
    spec, effort = draft.training, draft.cells.effort
    context = spec.model.context
    token_seconds = FORWARD_SHARE * step_time.step_seconds / spec.tokens_a_step
    groups = 8  # of few-shot items: k and condition
    point = context * (2 * sources * effort.curve_windows + effort.curve_sequences) + 25 * groups * effort.curve_items
    final = context * (2 * sources * effort.windows + effort.sequences) + 25 * groups * effort.items
    measured = token_seconds * (point * (spec.evaluations + 2) + final)
    return step_time.setup_seconds + spec.steps * step_time.step_seconds + measured


def lines(cost: PredictedCost) -> list[str]:
    """The estimate as text."""
    rows = [f"  {part.what}: {part.seconds:.0f} s" for part in cost.parts]
    total = (
        f"  together: {cost.seconds:.0f} s with {cost.workers} workers, "
        f"{cost.memory_bytes / 1e9:.1f} GB of memory, {cost.disk_bytes / 1e6:.0f} MB on disk"
    )
    weights = (
        f"  of the disk, {cost.weights_bytes / 1e6:.0f} MB are weights of cells, most of them those kept along the way"
    )
    return ["estimate", *rows, total, f"{weights}: `loam gc --checkpoints` frees those"]


def stored_or_new(study: Study, recipe: Recipe, out: Folder, compute: Compute) -> PredictedCost:
    """The estimate of this study, made before its first run and kept, so that the report can show it beside the truth."""
    known = stored_estimate(study, recipe, out)
    if known is None:
        known = predicted_cost(study, recipe, compute)
        (out / "estimates").write_json(_name(study, recipe), to_json(known))
    return known


def stored_estimate(study: Study, recipe: Recipe, out: Folder) -> PredictedCost | None:
    name = _name(study, recipe)
    folder = out / "estimates"
    if not folder.exists(name):
        return None
    return from_json(PredictedCost, folder.read_json(name), f"{folder.url}/{name}", "Remove it and run again.")


def _name(study: Study, recipe: Recipe) -> str:
    return f"{study.name}-{short(fingerprint(resolved(study, recipe)))}.json"
