"""A node that leaves a cluster takes its tasks with it; others do them again, and the results are the same."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray_scripts import script
from small_study import write_corpora

from curation import pipeline
from curation.recipes import loading
from curation.runtime.cluster.cluster import Compute
from curation.runtime.store.folder import open_out

STAGES = ("scores/exact_hash-*", "duplicates/select_routed-*")  # annotating, shuffling


def write_recipe(folder: Path) -> Path:
    """Two sources in many small shards, so that a stage lasts long enough to lose a node in it."""
    write_corpora(folder, documents=250)
    sources = {name: {"kind": "files", "path": f"{name}.jsonl"} for name in ("english", "korean")}
    annotators = ["gopher_words", "char_classes", "repeated_lines", "exact_hash"]
    rules = {"keep": {"gopher_words": {"words": {"min": 100}}}, "cut": {"repeated_lines": "all"}}
    policy = {"defaults": {**rules, "duplicates": "exact_hash"}}
    passes = [{"name": "select", "annotators": annotators, "policy": policy}]
    value = {"data_root": str(folder), "sources": sources, "passes": passes, "shard_bytes": 8000}
    path = folder / "nodes.yaml"
    path.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf8")
    return path


def contents(out: Path) -> dict[str, str]:
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in out.rglob("*.parquet")
    }


def funnel(out: Path) -> Any:
    return json.loads((out / "runs" / "nodes.json").read_text(encoding="utf8"))["funnel"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nodes_that_leave_change_no_byte(tmp_path: Path, compute: Compute) -> None:
    """Nodes of a shared cluster are taken away all the time; if this fails, results depend on when."""
    recipe = write_recipe(tmp_path)
    pipeline.curate(loading.load_recipe(str(recipe)), open_out(str(tmp_path / "whole")), compute)
    expected = contents(tmp_path / "whole")
    found = script("leaving_nodes.py", recipe, tmp_path / "out", *STAGES)
    assert found["nodes"] == 2
    for stage in STAGES:
        assert not found["lost"][stage]["whole"], f"the node left too late to be missed in {stage}"
    assert contents(tmp_path / "out") == expected
    assert funnel(tmp_path / "out") == funnel(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_jobs_that_only_the_lost_node_could_hold_do_not_wait_for_ever(tmp_path: Path) -> None:
    """Ray keeps a task that no node can hold, silently; a cluster that shrinks at night must not stand still."""
    assert script("largest_node.py", tmp_path) == [0, 1, 2, 3]
