"""Exact duplicates: a document is dropped only for one that is kept, whatever the buckets, shards and policies."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonl_writer import WriteJsonl

from curation import pipeline
from curation.dedup import exact
from curation.recipes import loading
from curation.runtime.cluster.cluster import Compute
from curation.runtime.store.folder import Folder
from curation.runtime.store.shards import read_columns, row_writer

DOCUMENTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=25)


def _bytes(number: int) -> bytes:
    return bytes([number]) * 16


@given(documents=DOCUMENTS, data=st.data())
def test_edges_are_those_of_a_dictionary(documents: list[tuple[int, int]], data: st.DataObject) -> None:
    ids = data.draw(st.permutations(range(len(documents))))
    rows: list[dict[str, Any]] = [
        {"hash": _bytes(hash_), "id": _bytes(id_), "priority": priority, "shard": f"s{row % 3}", "row": row}
        for row, ((hash_, priority), id_) in enumerate(zip(documents, ids, strict=True))
    ]
    first: dict[bytes, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda r: (r["priority"], r["id"])):
        first.setdefault(row["hash"], row)
    wanted = sorted((r["shard"], r["row"], first[r["hash"]]["id"]) for r in rows if first[r["hash"]] is not r)
    found = exact.duplicate_edges(pa.Table.from_pylist(rows, schema=exact.ROUTED)).to_pylist()
    assert [(r["shard"], r["row"], r["keeper"]) for r in found] == wanted


@given(hash_=st.binary(min_size=16, max_size=16), buckets=st.integers(1, 50))
def test_every_hash_has_one_bucket(hash_: bytes, buckets: int) -> None:
    assert 0 <= exact.bucket_of(hash_, buckets) < buckets


def test_hashes_fill_the_buckets_evenly() -> None:
    rng = random.Random(0)
    counts = [0] * 7
    for _ in range(7000):
        counts[exact.bucket_of(rng.randbytes(16), 7)] += 1
    assert min(counts) > 850


LEAST_CHARS = {"first": 30, "second": 0, "third": 45}


def _texts(seed: int) -> list[str]:
    rng = random.Random(seed)
    words = ["alpha", "beta ", "감마", " delta\n"]
    return [" ".join(rng.choices(words, k=rng.randint(2, 3))) * rng.randint(1, 4) for _ in range(120)]


@pytest.mark.parametrize("per_bucket", [4_000_000, 50])
def test_a_duplicate_is_dropped_only_for_a_keeper_that_is_kept(
    per_bucket: int,
    write_jsonl: WriteJsonl,
    out: Folder,
    compute: Compute,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Sources have policies of their own: if one's rejected documents could keep another's out, text would vanish."""
    monkeypatch.setattr(exact, "DOCUMENTS_PER_BUCKET", per_bucket)
    texts = {name: _texts(seed) for seed, name in enumerate(LEAST_CHARS)}
    for name in texts:
        write_jsonl(f"{name}.jsonl", [{"text": text} for text in texts[name]])
    keep = {name: {"keep": {"char_classes": {"chars": {"min": least}}}} for name, least in LEAST_CHARS.items()}
    made = loading.from_mapping(
        {
            "data_root": str(tmp_path),
            "shard_bytes": 2_000,
            "sources": {name: {"kind": "files", "path": f"{name}.jsonl"} for name in texts},
            "passes": [
                {
                    "name": "only",
                    "annotators": ["char_classes", "exact_hash"],
                    "policy": {"defaults": {"duplicates": "exact_hash"}, "sources": keep},
                }
            ],
        },
        str(tmp_path / "r.yaml"),
    )
    curated = pipeline.curate(made, out, compute)
    found: dict[str, list[tuple[bytes, str, str, bytes | None]]] = {name: [] for name in texts}
    for name, stages in curated.record["stages"].items():
        folder, shards = out / stages["passes"]["only"]["decide"], out / stages["read"]
        files = [file for file in folder.names() if file.endswith(".parquet")]
        assert len(files) > 2
        for file in files:
            decisions = read_columns(folder, file, ["id", "reason", "duplicate_of"]).to_pylist()
            for text, row in zip(read_columns(shards, file, ["text"])["text"].to_pylist(), decisions, strict=True):
                found[name].append((row["id"], text, row["reason"], row["duplicate_of"]))

    best: dict[str, bytes] = {}
    for name in texts:
        for id_, text, *_ in sorted(found[name]):
            if len(text) >= LEAST_CHARS[name]:
                best.setdefault(" ".join(text.split()), id_)
    for name in texts:
        assert [text for _, text, *_ in found[name]] == texts[name]
        for id_, text, reason, keeper in found[name]:
            wording = " ".join(text.split())
            if len(text) < LEAST_CHARS[name]:
                assert (reason, keeper) == ("char_classes.chars:low", None)
            elif best[wording] == id_:
                assert (reason, keeper) == ("", None)
            else:
                assert (reason, keeper) == ("exact_duplicate", best[wording])
    assert {reason for rows in found.values() for *_, reason, _ in rows} == {
        "",
        "exact_duplicate",
        "char_classes.chars:low",
    }


def test_a_bucket_of_more_than_a_million_documents_is_one_row_group(out: Folder) -> None:
    """Buckets are read by the number of their row group: two groups for one bucket lose the second one's duplicates."""
    schema = pa.schema([pa.field("row", pa.int64())])
    with row_writer(out, "a.parquet", schema) as writer:
        writer.add_table(pa.table({"row": pa.array(range(2**20 + 1), pa.int64())}))
    import pyarrow.parquet as pq

    assert pq.read_metadata(f"{out.url}/a.parquet").num_row_groups == 1
