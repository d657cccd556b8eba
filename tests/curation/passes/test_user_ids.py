"""Ids that several documents have are found whichever shards they lie in."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from curation.passes import user_ids
from curation.runtime.cluster.cluster import Compute
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.shards import ShardSet, read_columns

IDS = st.lists(st.lists(st.sampled_from(["a", "b", "", "한", "x" * 90, *map(str, range(20))]), max_size=9), max_size=4)


@given(shards=IDS, buckets=st.integers(1, 5))
def test_repeated_ids_are_those_a_counter_finds(shards: list[list[str]], buckets: int, out: Folder) -> None:
    """The oracle holds all ids in memory, which the stage never does."""
    for n, ids in enumerate(shards):
        user_ids.write(out, f"{n}.parquet", ids, buckets)
    files = [f"user_ids/{n}.parquet" for n, ids in enumerate(shards) if ids]
    found: dict[str, int] = {}
    for bucket in range(buckets) if files else ():
        groups = [user_ids._row_group(out, file, bucket) for file in files]
        table = user_ids.repeated(pa.concat_tables(groups))
        found |= dict(zip(table["user_id"].to_pylist(), table["documents"].to_pylist(), strict=True))
    counted = Counter(id_ for ids in shards for id_ in ids)
    assert found == {id_: n for id_, n in counted.items() if n > 1}


def test_a_source_is_counted_bucket_by_bucket_and_one_without_ids_not_at_all(out: Folder, compute: Compute) -> None:
    here = out / "read"
    shards = {"0.parquet": ["a", "b", "c"], "1.parquet": ["c", "b", "b"], "2.parquet": []}
    for file, ids in shards.items():
        user_ids.write(here, file, ids, 3)
    parts = [{"file": file, "user_ids": len(ids)} for file, ids in shards.items()]
    web = ShardSet("web", here, Manifest("read", "web", {"id_buckets": 3}, parts))
    none = ShardSet("none", here, Manifest("read", "none", {"id_buckets": 1}, parts[2:]))
    found = user_ids.find_repeated({"web": web, "none": none}, out, compute)
    (folder, manifest) = found.pop("web")
    assert not found
    assert manifest.counts == {"ids": 2, "documents": 5}
    files = [f"0000{b}.parquet" for b in range(3)]
    rows = [read_columns(folder, file, ["user_id"])["user_id"].to_pylist() for file in files]
    assert sorted(id_ for of_bucket in rows for id_ in of_bucket) == ["b", "c"]
    counted = [len(of_bucket) for of_bucket in rows]
    assert manifest.parts == [{"file": f"0000{b}.parquet", "rows": n} for b, n in enumerate(counted)], "no id in it"
