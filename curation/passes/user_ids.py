"""Ids that a source gives to several documents. All of those stay, since we name documents by their place; a warning names them.

As with duplicates only the ids travel, in buckets by hash, so that memory is bounded however many documents there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from curation.runtime.cluster.cluster import Compute
from curation.runtime.stages.job_specs import BucketJob, bucket_jobs
from curation.runtime.stages.stage import Output, Stage
from curation.runtime.stages.stages import run_stages
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.receipts import Result
from curation.runtime.store.shards import ShardSet, open_parquet, row_writer

VERSION = 2
FOLDER = "user_ids"
BYTES_PER_BUCKET = 4 * 2**30  # of input
BYTES_PER_ID = 100  # while they are counted
USER_ID = pa.schema([pa.field("user_id", pa.string())])
REPEATED = pa.schema([pa.field("user_id", pa.string()), pa.field("documents", pa.int64())])


def buckets(input_bytes: int) -> int:
    return 1 + input_bytes // BYTES_PER_BUCKET


def write(folder: Folder, shard: str, ids: Sequence[str], buckets: int) -> None:
    """The ids of one shard, a row group for each bucket; no file when there are none."""
    if not ids:
        return
    array = pa.array(ids, pa.string())
    bucket = np.fromiter((xxhash.xxh3_64_intdigest(id_.encode()) * buckets >> 64 for id_ in ids), np.int64, len(ids))
    with row_writer(folder, f"{FOLDER}/{shard}", USER_ID) as writer:
        for b in range(buckets):
            writer.add_table(pa.table([array.take(np.flatnonzero(bucket == b))], schema=USER_ID))


def find_repeated(raw: Mapping[str, ShardSet], out: Folder, compute: Compute) -> dict[str, tuple[Folder, Manifest]]:
    """For each source whose rows have ids: the ids that several of its documents have. Counts: `ids`, `documents`."""
    stages = {name: _stage(shards) for name, shards in raw.items() if any(p["user_ids"] for p in shards.manifest.parts)}
    manifests = run_stages(list(stages.values()), out, compute, "ids")
    return {
        name: (stage.outputs["repeated"].folder(out), manifest["repeated"])
        for (name, stage), manifest in zip(stages.items(), manifests, strict=True)
    }


@dataclass(frozen=True)
class IdsShared:
    """The files of ids of all shards, each with a row group for every bucket."""

    folder: Folder
    files: Sequence[str]


def _stage(shards: ShardSet) -> Stage[IdsShared, BucketJob]:
    n = shards.manifest.what["id_buckets"]
    files = [f"{FOLDER}/{part['file']}" for part in shards.manifest.parts if part["user_ids"]]
    total = sum(part["user_ids"] for part in shards.manifest.parts)
    what = {"stage": "repeated_ids", "version": VERSION, "read": shards.fingerprint}
    jobs, shared = bucket_jobs(n, total // n), IdsShared(shards.folder, files)
    outputs = {"repeated": Output("repeated_ids", shards.source, what)}
    return Stage(f"ids of {shards.source}", outputs, jobs, count_job, shared, memory_per_byte=BYTES_PER_ID)


def count_job(shared: IdsShared, spec: BucketJob, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: the ids of one bucket that occur more than once."""
    groups = [_row_group(shared.folder, file, spec.number) for file in shared.files]
    table = repeated(pa.concat_tables(groups))
    with row_writer(folders["repeated"], spec.file, REPEATED) as writer:
        writer.add_table(table)
    part = {
        "file": spec.file,
        "rows": table.num_rows,
    }  # no id itself: they may name people, and manifests are passed on
    documents = pc.sum(table["documents"]).as_py() or 0
    return {"repeated": Result([part], {"ids": table.num_rows, "documents": documents})}


def repeated(ids: pa.Table) -> pa.Table:
    """Ids of more than one row, in their order, with the number of their rows."""
    counted = ids.group_by("user_id").aggregate([([], "count_all")]).rename_columns(REPEATED.names)
    return counted.filter(pc.field("documents") > 1).sort_by("user_id").cast(REPEATED)


def _row_group(folder: Folder, name: str, bucket: int) -> pa.Table:
    with open_parquet(folder, name) as file:
        return file.read_row_group(bucket)
