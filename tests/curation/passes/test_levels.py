"""Levels of deduplication speak one protocol: what is true of every level, and what one more level takes."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest
from jsonl_writer import WriteJsonl
from ray import cloudpickle

from curation import dry_run, pipeline
from curation.annotators.base import Annotator
from curation.dedup.level import Drop, Dropped, Level
from curation.passes import levels
from curation.policy.eligibility import eligible
from curation.policy.judging import JudgedPass, read_judged
from curation.policy.policy import Rules
from curation.questions.explain import explain_document
from curation.questions.run_record import load_record
from curation.recipes import loading
from curation.recipes.recipe import Recipe
from curation.runtime.cluster.cluster import Compute
from curation.runtime.store.folder import Folder
from curation.runtime.store.gc import unused

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import tests

WORDS = [f"{a}{b}" for a in ("ri", "ver", "moun", "tain") for b in ("va", "ter", "lit", "tle", "go", "es")]
SOURCES = ("first", "second", "third")


def _text(seed: int, words: int = 90) -> list[str]:
    rng = np.random.default_rng(seed)
    return [WORDS[i] for i in rng.integers(0, len(WORDS), words)]


@pytest.fixture
def recipe(tmp_path: Path, write_jsonl: WriteJsonl) -> Recipe:
    """Three sources; the second has a copy and a near copy of two documents of the first, the third asks for no level."""
    texts = {name: [_text(10 * number + i) for i in range(6)] for number, name in enumerate(SOURCES)}
    texts["second"][0] = texts["first"][0]
    texts["second"][1] = [*texts["first"][1][:-1], "other"]
    texts["third"][0] = texts["first"][0]
    for name, of_source in texts.items():
        write_jsonl(
            f"{name}.jsonl", [{"text": " ".join(words), "id": f"{name}-{i}"} for i, words in enumerate(of_source)]
        )
    policy: dict[str, Any] = {
        "defaults": {"duplicates": "exact_hash", "near_duplicates": {"jaccard": 0.8}},
        "sources": {"third": {"duplicates": None, "near_duplicates": None}},
    }
    value = {
        "name": "levels",
        "data_root": str(tmp_path),
        "shard_bytes": 1_500,
        "sources": {name: {"kind": "files", "path": f"{name}.jsonl"} for name in SOURCES},
        "passes": [{"name": "only", "annotators": ["exact_hash", "min_hash"], "policy": policy}],
    }
    return loading.from_mapping(value, str(tmp_path / "r.yaml"))


def judged(recipe: Recipe, out: Folder, compute: Compute) -> JudgedPass:
    return pipeline.judge_sources(recipe, recipe.passes[0], pipeline.read_sources(recipe, out, compute), out, compute)


def test_what_a_level_says_of_shards_is_what_it_says_altogether(recipe: Recipe, out: Folder, compute: Compute) -> None:
    """Later levels ask for all keepers, the decision for each shard: if they differ, a text is lost to one that is dropped."""
    sources = judged(recipe, out, compute)
    dropped = levels.find_duplicates(sources, out, compute)
    assert [each.level for each in dropped] == ["duplicates", "near_duplicates"]
    seen: Counter[tuple[str, int]] = Counter()
    for each in dropped:
        by_shard = Counter[tuple[str, bytes]]()
        for source in sources.sources:
            for file in source.shards.files:
                drops = list(each.of(source.name, file))
                by_shard.update((source.shard(file), drop.keeper) for drop in drops)
                seen.update((source.shard(file), drop.row) for drop in drops)
        altogether = [row for table in each.keepers() for row in table.to_pylist()]
        assert by_shard == Counter((row["shard"], row["keeper"]) for row in altogether)
        assert by_shard.total() == 1
        assert each.sources == ["first", "second"]
    assert set(seen.values()) == {1}, "a document that one level has dropped is nobody's duplicate any more"


@dataclass(frozen=True)
class FirstOfShard(Dropped):
    """Every eligible document of a shard but its first."""

    level: ClassVar[str] = "first_of_shard"
    reason: ClassVar[str] = "not_the_first"
    drops: Mapping[str, Sequence[Drop]]

    def of_shard(self, shard: str) -> Iterator[Drop]:
        return iter(self.drops[shard])

    def keepers(self) -> Iterator[pa.Table]:
        for shard, drops in self.drops.items():
            yield pa.table({"shard": [shard] * len(drops), "keeper": [drop.keeper for drop in drops]})


class FirstOfShardLevel(Level):
    def described(self, rules: Mapping[str, Rules], annotators: Mapping[str, Annotator]) -> str | None:
        return f"the first document of each shard of {len(rules)} sources"

    def find(self, judged: JudgedPass, earlier: Sequence[Dropped], out: Folder, compute: Compute) -> Dropped | None:
        drops = {}
        for source in judged.sources:
            for file in source.shards.files:
                table = read_judged(source.judged, file)
                gone = [drop.row for each in earlier for drop in each.of(source.name, file)]
                rows = np.setdiff1d(np.flatnonzero(eligible(table)), gone).tolist()
                ids = table["id"].to_pylist()
                drops[source.shard(file)] = [Drop(row, ids[rows[0]], 0.25) for row in rows[1:]]
        (out / "first_of_shard/only-0123456789ab").write_json("drops.json", {})
        folders = {"drops": out / "first_of_shard/only-0123456789ab"}
        return FirstOfShard([source.name for source in judged.sources], folders, "of all", drops)


def test_one_more_level_is_one_class_and_its_place_in_the_list(
    recipe: Recipe, out: Folder, compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dry run, the decision with its evidence, the funnel, the record and `loam gc` know a level by its protocol alone."""
    plain = pipeline.curate(recipe, out, compute)
    monkeypatch.setattr(levels, "LEVELS", (*levels.LEVELS, FirstOfShardLevel()))
    assert (
        "    the first document of each shard of 3 sources"
        in dry_run.dry_run_text(dry_run.describe_run(recipe)).splitlines()
    )
    curated = pipeline.curate(recipe, out, compute)
    assert curated.record["fingerprint"] != plain.record["fingerprint"]
    for name, of_source in curated.funnel.items():
        before, after = plain.funnel[name].dropped, of_source.dropped
        assert after.pop("only: not_the_first") == plain.funnel[name].curated - of_source.curated > 0
        assert after == before, "earlier levels drop what they dropped"
    passed = explain_document(load_record(out.url), "third-1")["passes"]["only"]
    assert (passed["reason"], passed["similarity"]) == ("not_the_first", 0.25)
    assert passed["duplicate_of"] == explain_document(load_record(out.url), "third-0")["id"]
    assert not [each for each in unused(out) if each.path.startswith("first_of_shard/")]
