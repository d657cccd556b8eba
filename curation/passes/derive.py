"""After the last pass: sources that are others' curated documents with one statistic changed.

A derived source takes the documents that its origin kept, so both are curated once and by the same rules; ids stay, so that the
same documents are held out of both and the halves and fractions of both are the same documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow.parquet as pq

from curation.passes.materialise import Edits, Tally
from curation.passes.transform_statistics import Statistics
from curation.policy.policy import KEPT
from curation.recipes.derived import Derived
from curation.recipes.recipe import Recipe
from curation.runtime.cluster.cluster import Compute
from curation.runtime.registry import Plugin
from curation.runtime.stages.stage import Job, Output, Result, Stage, total
from curation.runtime.stages.stages import run_stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.shards import DOCUMENT, ShardSet, open_parquet, row_groups, row_writer
from curation.transforms.base import Document, Transform
from curation.transforms.registry import make

VERSION = 1
GATHERED = "gathered.parquet"
GATHER_MEMORY_PER_BYTE = 2.0  # one task walks the whole source and holds hashes or names
NOTHING_LEFT = "nothing_left"
Record = dict[str, Any]


def derive(
    recipe: Recipe, curated: Mapping[str, ShardSet], out: Folder, compute: Compute
) -> tuple[dict[str, ShardSet], dict[str, Record]]:
    """Every source with its derived ones, and what the run's record says of each transform.

    Returns:
        The shards that go up to the tokenizer, by source; and by derived source `of`, and its `steps`, each with the
        statistics before and after.
    """
    reached = dict(curated)
    records: dict[str, Record] = {}
    for name, derived in recipe.derived.items():
        steps: list[Record] = []
        for transform, settings in zip(recipe.transforms(name), derived.transform, strict=True):
            reached[name], step = _step(
                name, transform, settings, _taken(derived, name, reached, steps), recipe, out, compute
            )
            steps.append({"pass": f"{len(steps) + 1} {transform.kind}", **step})
        records[name] = {"of": derived.of, "steps": steps}
    return reached, records


def _taken(derived: Derived, name: str, reached: Mapping[str, ShardSet], steps: Sequence[Record]) -> ShardSet:
    return reached[name] if steps else reached[derived.of]


def _step(
    name: str, transform: Transform, settings: Mapping[str, Any], shards: ShardSet, recipe: Recipe, out: Folder, compute: Compute
) -> tuple[ShardSet, Record]:  # fmt: skip
    """One transform of all documents of a source."""
    gathered = None
    if transform.gathers:
        stage = gather_stage(name, transform, settings, shards, recipe.loaded_plugins)
        run_stage(stage, out, compute)
        gathered = stage.outputs["gathered"].folder(out)
    stage = transform_stage(name, transform, settings, shards, gathered, recipe.loaded_plugins)
    manifest = run_stage(stage, out, compute)["documents"]
    folder = stage.outputs["documents"].folder(out)
    record = {
        "transform": transform.model_dump(mode="json"),
        "keeps": list(transform.keeps),
        "folders": [out.relative(each) for each in (gathered, folder) if each],
        "counts": {name: n for name, n in manifest.counts.items() if name != "statistics"},
        "statistics": Statistics.shown(manifest.counts["statistics"]),
    }
    return ShardSet(name, folder, manifest), record


def gather_stage(
    name: str, transform: Transform, settings: Mapping[str, Any], shards: ShardSet, plugins: Sequence[Plugin]
) -> Stage:
    """The stage that finds what a transform has to know of a whole source: one task, for the order of documents counts."""
    what = _what("gather", name, transform, shards)
    shared = _shared(name, settings, shards, plugins)
    job = Job("all", {"files": shards.files, "documents": shards.documents}, shards.text_bytes)
    outputs = {"gathered": Output("gathered", f"{transform.kind}-{name}", what)}
    return Stage(f"gather {name}", outputs, [job], gather_job, shared, memory_per_byte=GATHER_MEMORY_PER_BYTE)


def transform_stage(
    name: str,
    transform: Transform,
    settings: Mapping[str, Any],
    shards: ShardSet,
    gathered: Folder | None,
    plugins: Sequence[Plugin],
) -> Stage:
    """The stage that changes the documents of a source, a task a shard."""
    shared = {**_shared(name, settings, shards, plugins), "gathered": gathered}
    jobs = [
        Job(part["file"].removesuffix(".parquet"), {"file": part["file"]}, part["text_bytes"])
        for part in shards.manifest.parts
    ]
    outputs = {
        "documents": Output("transformed", f"{name}-{transform.kind}", _what("transform", name, transform, shards))
    }
    return Stage(f"{transform.kind} {name}", outputs, jobs, transform_job, shared, lambda _, r: _counts(r))


def _what(stage: str, name: str, transform: Transform, shards: ShardSet) -> dict[str, Any]:
    return {
        "stage": stage,
        "version": VERSION,
        "source": name,
        "transform": transform.what(),
        "shards": shards.fingerprint,
    }


def _shared(name: str, settings: Mapping[str, Any], shards: ShardSet, plugins: Sequence[Plugin]) -> dict[str, Any]:
    return {
        "name": name,
        "settings": dict(settings),
        "shards": shards.folder,
        "plugins": [asdict(plugin) for plugin in plugins],
    }


def _counts(results: Sequence[Result]) -> dict[str, Any]:
    counts = total(results)
    if counts["documents"] != counts["kept"] + sum(counts["dropped"].values()):
        raise AssertionError(f"documents were lost: {counts}")
    return counts


def _transform_of(shared: Mapping[str, Any]) -> Transform:
    return make(shared["settings"], [Plugin(**plugin) for plugin in shared["plugins"]], f"source {shared['name']}")


def gather_job(shared: Mapping[str, Any], spec: Mapping[str, Any], folders: dict[str, Folder]) -> dict[str, Result]:
    """One task: all documents of the source, in order."""
    (folder,) = folders.values()
    table = _transform_of(shared).gather(_documents(shared["shards"], spec["files"]), spec["documents"])
    with folder.draft(GATHERED) as path:
        pq.write_table(table, path, compression="zstd")
    parts = [{"file": GATHERED, "rows": table.num_rows}]
    return {"gathered": {"parts": parts, "counts": {"documents": spec["documents"], "rows": table.num_rows}}}


def _documents(shards: Folder, files: Sequence[str]) -> Iterator[Document]:
    for file in files:
        for table in row_groups(shards, file, ["id", "text"]):
            for id_, text in zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True):
                yield Document(id_, text)


def transform_job(shared: Mapping[str, Any], spec: Mapping[str, Any], folders: dict[str, Folder]) -> dict[str, Result]:
    """One task: one shard."""
    (folder,) = folders.values()
    transform = _transform_of(shared)
    gathered = shared["gathered"]
    known = transform.prepared(_whole(gathered) if gathered else None)
    tally, statistics, changed = Tally(), Statistics(transform, known), 0
    with row_writer(folder, spec["file"], DOCUMENT) as writer:
        for row in _rows(shared["shards"], spec["file"]):
            document = Document(row["id"], row["text"])
            text = transform.checked(document, known)
            statistics.see(document, text)
            changed += text != document.text
            reason = KEPT if text.strip() else NOTHING_LEFT
            tally.see(reason, row["chars"])
            if reason == KEPT:
                bytes_ = len(text.encode("utf8"))
                tally.keep(Edits([], [], {}), len(text), bytes_)
                row |= {"text": text, "chars": len(text), "source": shared["name"]}
                writer.add(row, bytes_ + len(row["meta"] or "") + 200)
    part = {"file": spec["file"], "rows": tally.kept, "text_bytes": tally.bytes_out}
    counts = {**tally.counts(), "changed": changed, "statistics": statistics.sums}
    return {"documents": {"parts": [part], "counts": counts}}


def _whole(gathered: Folder) -> Any:
    with open_parquet(gathered, GATHERED) as file:
        return file.read()  # the columns are the transform's own


def _rows(shards: Folder, file: str) -> Iterator[dict[str, Any]]:
    for table in row_groups(shards, file, DOCUMENT.names):
        yield from table.to_pylist()
