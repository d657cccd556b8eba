"""Near-duplicates of two crawls of the same pages: the share of pairs found, by true similarity, and the seconds it took.

`LOAM_BENCH_DATA=FOLDER python -m benchmarks.recrawl OLD NEW` where FOLDER holds OLD.jsonl.zst and NEW.jsonl.zst, whose rows have
`url` (the same for the same page) and `text`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from curation import pipeline
from curation.dedup.near.edges import EDGE
from curation.dedup.near.near_duplicates import NearDropped
from curation.dedup.near.resolve import read_all
from curation.questions.run_record import RunRecord
from curation.questions.what_if_near import compared_shards
from curation.recipes import loading
from curation.runtime.cluster.cluster import Compute
from curation.runtime.store.folder import Folder, open_out
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.shards import read_columns
from curation.text.batch import Batch
from curation.text.shingles import Shingles

BINS = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0)
Place = tuple[int, int]


def curated(data: str, names: tuple[str, str], out: Folder) -> RunRecord:
    policy = {"defaults": {"duplicates": "exact_hash", "near_duplicates": {"jaccard": 0.8}}}
    annotators = ["char_classes", "exact_hash", "min_hash"]
    value = {
        "name": "recrawl",
        "data_root": data,
        "sources": {name: {"kind": "files", "path": f"{name}.jsonl.zst"} for name in names},
        "passes": [{"name": "only", "annotators": annotators, "policy": policy}],
    }
    made = loading.from_mapping(value, str(Path(data, "recrawl.yaml")))
    return RunRecord(out, pipeline.curate(made, out, Compute(workers=os.cpu_count() or 1)).record)


def documents(run: RunRecord) -> dict[str, dict[str, tuple[Place, str, str]]]:
    """For each source: page -> its place, text and reason."""
    found: dict[str, dict[str, tuple[Place, str, str]]] = {source: {} for source in run.sources()}
    for shard in compared_shards(run, "only"):
        table = read_columns(run.folder(shard.source, "only", "shards"), shard.file, ["text", "meta"]).to_pylist()
        reasons = read_columns(run.folder(shard.source, "only", "decide"), shard.file, ["reason"])["reason"].to_pylist()
        for row, (document, reason) in enumerate(zip(table, reasons, strict=True)):
            page = str(json.loads(document["meta"])["url"])
            found[shard.source][page] = ((shard.number, row), document["text"], reason)
    return found


def table(run: RunRecord) -> list[tuple[str, int, int, int]]:
    """Rows (similarity, pairs of the same page, pairs found, later ones dropped)."""
    old, new = documents(run).values()
    folders = run.level(run.sources()[0], "only", NearDropped.level)
    parts = [shard.part for shard in compared_shards(run, "only")]
    edges: set[tuple[Place, Place]] = set()
    for row in read_all(folders["edges"], parts, EDGE).to_pylist():
        edges.add(((row["shard"], row["row"]), (row["home_shard"], row["home_row"])))
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    for page in sorted(set(old) & set(new)):
        (left, left_text, _), (right, right_text, reason) = old[page], new[page]
        shingles = Shingles.of(Batch.of([left_text, right_text]), 5)
        one, other = (set(shingles.hashes[shingles.document == d].tolist()) for d in (0, 1))
        similarity = len(one & other) / max(1, len(one | other))
        bin_ = max(i for i, least in enumerate(BINS) if similarity >= least)
        for i, counted in enumerate((True, (left, right) in edges, bool(reason))):
            counts[bin_][i] += counted
    of_bins = ((bin_, *counts[bin_]) for bin_ in sorted(counts))
    return [(f"from {BINS[bin_]:.2f}", pairs, found, dropped) for bin_, pairs, found, dropped in of_bins]


def seconds(run: RunRecord) -> dict[str, Any]:
    """Work of each step, and of the signatures."""
    folders = {**run.level(run.sources()[0], "only", NearDropped.level)}
    found = {step: Manifest.load(folder) for step, folder in folders.items()}
    signatures = [Manifest.load(run.scores(source, "only")["min_hash"]) for source in run.sources()]
    work = {step: manifest.cost["work_seconds"] for step, manifest in found.items()}
    counts = {step: manifest.counts for step, manifest in found.items()}
    return {"signatures": sum(m.cost["work_seconds"] for m in signatures), **work, "counts": counts}


def main() -> None:
    data, names = os.environ["LOAM_BENCH_DATA"], (sys.argv[1], sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        run = curated(os.path.abspath(data), names, open_out(folder))
        print(f"{'similarity':12}{'pairs':>8}{'found':>8}{'dropped':>9}")
        for similarity, pairs, found, dropped in table(run):
            print(f"{similarity:12}{pairs:8}{found:8}{dropped:9}")
        print(json.dumps(seconds(run), indent=1))
        print(json.dumps({source: of["dropped"] for source, of in run.value["funnel"].items()}))


if __name__ == "__main__":
    main()
