"""A node that runs other code is refused by name before it does anything; one that is allowed makes other results."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from small_study import write_corpora

from curation import pipeline
from curation.recipes import loading
from curation.runtime.cluster.cluster import Compute
from curation.runtime.stages.code import PACKAGES
from curation.runtime.store.folder import MANIFEST, open_out

ROOT = Path(__file__).parents[2]
SAYS = "found: "
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def two_codes(*arguments: object) -> dict[str, Any]:
    """What the script two_codes.py printed; it has a Ray of its own."""
    with tempfile.TemporaryDirectory(dir="/tmp") as ray:  # its sockets need a short path
        ended = subprocess.run(
            [sys.executable, Path(__file__).with_name("support") / "two_codes.py", *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
            env={**os.environ, "RAY_TMPDIR": ray, "PYTHONPATH": str(ROOT)},
            cwd=ray,  # Ray's workers look for modules where the driver stands, before anywhere else
        )
    assert ended.returncode == 0, ended.stderr
    (said,) = (line for line in ended.stdout.splitlines() if line.startswith(SAYS))
    return dict(json.loads(said.removeprefix(SAYS)))


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """Enough shards for both nodes."""
    write_corpora(tmp_path, documents=60)
    sources = {name: {"kind": "files", "path": f"{name}.jsonl"} for name in ("english", "korean")}
    passes = [{"name": "select", "annotators": ["char_classes"], "policy": {"defaults": {}}}]
    value = {"data_root": str(tmp_path), "sources": sources, "passes": passes, "shard_bytes": 4000}
    path = tmp_path / "codes.yaml"
    path.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf8")
    return path


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A copy of our packages, as an installation that has been used before."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / "code" / package)
    return tmp_path / "code"


def edit(code: Path) -> None:
    path = code / "curation" / "annotators" / "char_classes.py"
    path.write_text(path.read_text(encoding="utf8") + "\n# another version\n", encoding="utf8")


def written(out: Path) -> list[str]:
    """Files of results."""
    return [
        str(p.relative_to(out))
        for p in out.rglob("*")
        if p.is_file() and p.parent != out / "runs" and p.name != ".lock"
    ]


def whats(out: Path) -> dict[str, dict[str, Any]]:
    """Stage and name -> everything that its fingerprint holds."""
    found = (json.loads(path.read_text(encoding="utf8")) for path in out.glob(f"*/*/{MANIFEST}"))
    return {f"{each['stage']} {each['name']}": each["what"] for each in found}


def test_a_node_with_other_code_is_refused_before_a_byte_is_written(recipe: Path, code: Path, tmp_path: Path) -> None:
    """If this fails, half of a corpus is made by another version, under fingerprints that say it was not."""
    edit(code)
    found = two_codes(recipe, tmp_path / "out", code)
    assert found["code"] == 2
    (line,) = [line for line in found["said"].splitlines() if line.startswith("loam: ")]
    assert line.startswith(f"loam: node {found['host']} (")
    assert "runs other code than this program: loam " in line
    assert "--allow-other-code" in line
    assert written(tmp_path / "out") == []


def test_a_node_that_is_allowed_makes_results_of_its_own(
    recipe: Path, code: Path, tmp_path: Path, compute: Compute
) -> None:
    """Whoever knows that a difference is harmless may go on; nobody takes the results for those of this code."""
    pipeline.curate(loading.load_recipe(str(recipe)), open_out(str(tmp_path / "uniform")), compute)
    edit(code)
    found = two_codes(recipe, tmp_path / "out", code, "yes")
    assert found["code"] == 0, found["said"]
    uniform, mixed = whats(tmp_path / "uniform"), whats(tmp_path / "out")
    assert set(uniform) == set(mixed)
    assert not any("other_code" in what for what in uniform.values())
    for what in mixed.values():
        (difference,) = what["other_code"]
        assert difference.startswith("loam ")
    folders = [{p.parent.name for p in (tmp_path / name).glob(f"*/*/{MANIFEST}")} for name in ("uniform", "out")]
    assert not folders[0] & folders[1], "every folder has another name"


def test_a_node_that_is_not_there_cannot_be_allowed(recipe: Path, code: Path, tmp_path: Path) -> None:
    found = two_codes(recipe, tmp_path / "out", code, "nobody")
    assert found["code"] == 2
    assert "--allow-other-code nobody: no node of the cluster. Known: " in found["said"]
    assert written(tmp_path / "out") == []


def test_the_same_code_in_another_place_is_the_same(recipe: Path, code: Path, tmp_path: Path, compute: Compute) -> None:
    """Nodes have their own disks; and a node that is allowed although it runs the same changes no fingerprint."""
    pipeline.curate(loading.load_recipe(str(recipe)), open_out(str(tmp_path / "uniform")), compute)
    found = two_codes(recipe, tmp_path / "out", code, "yes")
    assert found["code"] == 0, found["said"]
    assert whats(tmp_path / "out") == whats(tmp_path / "uniform")
