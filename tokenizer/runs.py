"""The curated shards of a finished run."""

from __future__ import annotations

from curation.questions.run_record import RunRecord
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.shards import ShardSet


def shard_sets(run: RunRecord) -> dict[str, ShardSet]:
    """What the last pass of a run curated, by source, and the sources that were derived from it."""
    last = run.recipe.passes[-1].name
    folders = {source: run.folder(source, last, "curated") for source in run.sources()}
    folders |= run.transformed()
    return {source: ShardSet(source, folder, Manifest.load(folder)) for source, folder in folders.items()}
