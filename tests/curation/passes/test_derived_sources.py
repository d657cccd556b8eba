"""Derived sources in a run: curated once, every document accounted for, the same bytes whatever the workers."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from curation import dry_run, pipeline
from curation.questions import run_record
from curation.recipes import loading
from curation.recipes.recipe import Recipe
from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import ConfigError
from curation.runtime.store.folder import Folder, open_out
from tokenizer.runs import shard_sets

SOURCES: dict[str, Any] = {
    "glossary": {"kind": "controls", "corpus": "glossary", "documents": 60},
    "encyclopedia": {"kind": "controls", "corpus": "encyclopedia", "documents": 60, "transform": "fresh_names"},
    "broken": {"of": "glossary", "transform": ["unduplicate", {"kind": "break_repeats", "seed": 3}]},
    "renamed": {"of": "broken", "transform": "fresh_names"},
}
PASSES = [{"name": "select", "annotators": ["exact_hash"], "policy": {"defaults": {"duplicates": "exact_hash"}}}]


def recipe_of(**changes: Any) -> Recipe:
    value = {"name": "small", "sources": {**SOURCES, **changes}, "passes": PASSES, "shard_bytes": 10_000}
    return loading.from_mapping(value, "/recipes/small.yaml")


def texts_in(folder: Folder, files: list[str]) -> dict[bytes, str]:
    rows = [row for file in files for row in pq.read_table(f"{folder.url}/{file}").to_pylist()]
    return {row["id"]: row["text"] for row in rows}


def test_derived_sources_are_their_origins_documents_and_add_up(compute: Compute, out: Folder) -> None:
    curated = pipeline.curate(recipe_of(), out, compute)
    assert list(curated.shards) == ["glossary", "encyclopedia", "broken", "renamed"]
    texts = {name: texts_in(shards.folder, shards.files) for name, shards in curated.shards.items()}
    assert texts["broken"].keys() == texts["glossary"].keys() == texts["renamed"].keys()
    for id_, text in texts["broken"].items():
        assert sorted(text.split()) == sorted(texts["glossary"][id_].split())
    assert all(shards.documents == 60 for shards in curated.shards.values())
    assert curated.funnel["broken"].rows == 60
    assert list(curated.funnel["broken"].passes) == ["1 unduplicate", "2 break_repeats"]
    assert curated.funnel["encyclopedia"].curated == 60
    (step,) = curated.record["transforms"]["encyclopedia"]["steps"]
    before, after = step["statistics"]["share of names that the word before tells"]
    assert before > 3 * after
    assert step["statistics"]["words a document"] == [127.0, 127.0]
    record = run_record.load_record(f"{out.url}/runs/small.json")
    found = {name: shards.fingerprint for name, shards in shard_sets(record).items()}
    assert found == {name: shards.fingerprint for name, shards in curated.shards.items()}
    assert record.recipe.names == list(SOURCES)


def test_one_worker_and_two_give_the_same_bytes(compute: Compute, tmp_path: Path) -> None:
    def digests(workers: int) -> dict[str, str]:
        out = open_out(str(tmp_path / str(workers)))
        curated = pipeline.curate(recipe_of(), out, Compute(workers=workers))
        files = [(f"{s.folder.url}/{file}", f"{name}/{file}") for name, s in curated.shards.items() for file in s.files]
        return {name: hashlib.sha256(Path(path).read_bytes()).hexdigest() for path, name in files}

    assert digests(1) == digests(2)


def test_the_plan_names_what_is_derived() -> None:
    loaded = recipe_of()
    told = list(dry_run.tree(loaded, []))
    assert "  transform broken: documents of glossary, unduplicate, break_repeats" in told
    assert "  transform encyclopedia: documents of encyclopedia, fresh_names" in told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"broken": {"of": "glosary", "transform": "break_repeats"}}, "source broken: of: unknown source 'glosary'"),
        ({"broken": {"of": "renamed", "transform": "break_repeats"}}, "one that is derived further up"),
        ({"broken": {"of": "glossary", "transform": "repeats"}}, "unknown transform 'repeats'"),
        ({"broken": {"of": "glossary"}}, "derived.broken.transform: Field required"),
        ({"broken": {"of": "glossary", "transform": []}}, "derived.broken.transform"),
        ({"broken": {"of": "glossary", "transform": {"kind": "break_repeats", "sed": 1}}}, "unknown key 'sed'"),
    ],
)
def test_a_derived_source_that_cannot_be_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as raised:
        recipe_of(**changes)
    assert told in str(raised.value)
