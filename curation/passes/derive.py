"""After the last pass: sources that are others' curated documents with one statistic changed.

A derived source takes the documents that its origin kept, so both are curated once and by the same rules; ids stay, so that the
same documents are held out of both and the halves and fractions of both are the same documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from curation.passes.materialise import Edits, Tally, counts_that_add_up
from curation.passes.transform_statistics import Statistics
from curation.policy.policy import KEPT, NOTHING_LEFT
from curation.recipes.recipe import Recipe
from curation.runtime.cluster.cluster import Compute
from curation.runtime.registry import Plugin
from curation.runtime.stages.job_specs import ShardJob, shard_jobs
from curation.runtime.stages.stage import Job, Output, Stage
from curation.runtime.stages.stages import run_stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.receipts import Result
from curation.runtime.store.shards import DOCUMENT, ShardSet, open_parquet, row_groups, row_writer
from curation.transforms.base import Document, Transform, name_of
from curation.transforms.registry import make_transform

VERSION = 1
GATHERED = "gathered.parquet"
GATHER_MEMORY_PER_BYTE = 2.0  # one task walks the whole source and holds hashes or names
Record = dict[str, Any]


@dataclass(frozen=True)
class TransformSettings:
    """A transform by its settings in the recipe, since its class may be a plugin's; and the name of the derived source."""

    source: str
    settings: Mapping[str, Any]
    plugins: Sequence[Plugin]

    def build(self) -> Transform:
        return make_transform(self.settings, self.plugins, f"source {self.source}")


def derive(
    recipe: Recipe, curated: Mapping[str, ShardSet], out: Folder, compute: Compute
) -> tuple[dict[str, ShardSet], dict[str, Record]]:
    """Every source with its derived ones, and the entry of each transform in the run's record.

    Returns:
        The shards that go up to the tokenizer, by source; and by derived source `of`, and its `steps`, each with the
        statistics before and after.
    """
    reached = dict(curated)
    records: dict[str, Record] = {}
    for name, derived in recipe.derived.items():
        steps: list[Record] = []
        for transform, settings in zip(recipe.transforms(name), derived.transform, strict=True):
            taken = reached[name] if steps else reached[derived.of]
            written = TransformSettings(name, settings, recipe.loaded_plugins)
            reached[name], step = _step(transform, written, taken, out, compute)
            steps.append({"pass": f"{len(steps) + 1} {transform.kind}", **step})
        records[name] = {"of": derived.of, "steps": steps}
    return reached, records


def _step(
    transform: Transform, settings: TransformSettings, shards: ShardSet, out: Folder, compute: Compute
) -> tuple[ShardSet, Record]:
    """One transform of all documents of a source."""
    gathered = None
    if transform.gathers:
        gathering = gather_stage(transform, settings, shards)
        run_stage(gathering, out, compute)
        gathered = gathering.outputs["gathered"].folder(out)
    stage = transform_stage(transform, settings, shards, gathered)
    manifest = run_stage(stage, out, compute)["documents"]
    folder = stage.outputs["documents"].folder(out)
    record = {
        "transform": transform.model_dump(mode="json"),
        "keeps": [name_of(invariant) for invariant in transform.keeps],
        "folders": [out.relative(each) for each in (gathered, folder) if each],
        "counts": {name: n for name, n in manifest.counts.items() if name != "statistics"},
        "statistics": Statistics.shown(manifest.counts["statistics"]),
    }
    return ShardSet(settings.source, folder, manifest), record


@dataclass(frozen=True)
class GatherShared:
    """The documents that something is gathered of."""

    transform: TransformSettings
    shards: Folder


@dataclass(frozen=True)
class GatherJob:
    """All shards of a source at once."""

    files: Sequence[str]
    documents: int


@dataclass(frozen=True)
class TransformShared:
    """The documents that are changed; `gathered` is the folder of what was gathered of them before."""

    transform: TransformSettings
    shards: Folder
    gathered: Folder | None


def gather_stage(transform: Transform, settings: TransformSettings, shards: ShardSet) -> Stage[GatherShared, GatherJob]:
    """The stage that gathers what a transform needs from a whole source: one task, since the order of documents matters."""
    name, what = settings.source, _what("gather", settings.source, transform, shards)
    shared = GatherShared(settings, shards.folder)
    job = Job("all", GatherJob(shards.files, shards.documents), shards.text_bytes)
    outputs = {"gathered": Output("gathered", f"{transform.kind}-{name}", what)}
    return Stage(f"gather {name}", outputs, [job], gather_job, shared, memory_per_byte=GATHER_MEMORY_PER_BYTE)


def transform_stage(
    transform: Transform, settings: TransformSettings, shards: ShardSet, gathered: Folder | None
) -> Stage[TransformShared, ShardJob]:
    """The stage that changes the documents of a source, a task a shard."""
    name, shared = settings.source, TransformShared(settings, shards.folder, gathered)
    jobs = shard_jobs(shards)
    outputs = {
        "documents": Output("transformed", f"{name}-{transform.kind}", _what("transform", name, transform, shards))
    }
    return Stage(f"{transform.kind} {name}", outputs, jobs, transform_job, shared, lambda _, r: counts_that_add_up(r))


def _what(stage: str, name: str, transform: Transform, shards: ShardSet) -> dict[str, Any]:
    return {
        "stage": stage,
        "version": VERSION,
        "source": name,
        "transform": transform.what(),
        "shards": shards.fingerprint,
    }


def gather_job(shared: GatherShared, spec: GatherJob, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: all documents of the source, in order."""
    table = shared.transform.build().gather(_documents(shared.shards, spec.files), spec.documents)
    with folders["gathered"].draft(GATHERED) as path:
        pq.write_table(table, path, compression="zstd")
    parts = [{"file": GATHERED, "rows": table.num_rows}]
    return {"gathered": Result(parts, {"documents": spec.documents, "rows": table.num_rows})}


def _documents(shards: Folder, files: Sequence[str]) -> Iterator[Document]:
    for file in files:
        for table in row_groups(shards, file, ["id", "text"]):
            for id_, text in zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True):
                yield Document(id_, text)


def transform_job(shared: TransformShared, spec: ShardJob, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: one shard."""
    transform = shared.transform.build()
    known = transform.prepared(_whole(shared.gathered) if shared.gathered else None)
    tally, statistics, changed = Tally(), Statistics(transform, known), 0
    with row_writer(folders["documents"], spec.file, DOCUMENT) as writer:
        for row in _rows(shared.shards, spec.file):
            document = Document(row["id"], row["text"])
            text = transform.checked(document, known)
            statistics.see(document, text)
            changed += text != document.text
            reason = KEPT if text.strip() else NOTHING_LEFT
            tally.see(reason, row["chars"])
            if reason == KEPT:
                bytes_ = len(text.encode("utf8"))
                tally.keep(Edits([], [], {}), len(text), bytes_)
                row |= {"text": text, "chars": len(text), "source": shared.transform.source}
                writer.add(row, bytes_ + len(row["meta"] or "") + 200)
    part = {"file": spec.file, "rows": tally.kept, "text_bytes": tally.bytes_out}
    counts = {**tally.counts(), "changed": changed, "statistics": statistics.sums}
    return {"documents": Result([part], counts)}


def _whole(gathered: Folder) -> Any:
    with open_parquet(gathered, GATHERED) as file:
        return file.read()  # the columns are the transform's own


def _rows(shards: Folder, file: str) -> Iterator[dict[str, Any]]:
    for table in row_groups(shards, file, DOCUMENT.names):
        yield from table.to_pylist()
