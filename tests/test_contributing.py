"""What CONTRIBUTING shows beside members of registries works as shown: a stage, a level, a model and a watcher of one's own.

Members are in `test_one_file.py`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from cells import write_cell
from contributing import ROOT, block, contributed
from damages import DAMAGES
from jsonl_writer import WriteJsonl
from safetensors.torch import load_file
from shown_modules import shown_module

from ablations.core.cell import train_cell
from ablations.core.model.model import Model
from ablations.core.spec.cell_spec import read_spec
from ablations.core.spec.model_spec import ModelSpec, PositionsSpec
from ablations.core.spec.strict import build
from ablations.core.spec.training_spec import TrainingSpec
from ablations.core.training.step_time import time_steps
from ablations.core.training.weights import FINAL
from curation import dry_run, pipeline
from curation.passes import levels
from curation.questions.explain import explain_document
from curation.questions.run_record import load_record
from curation.recipes import loading
from curation.recipes.recipe import Recipe
from curation.runtime.cluster.cluster import Compute, Idle
from curation.runtime.registry import Plugin
from curation.runtime.stages.stages import mended, run_stage
from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.gc import unused
from curation.runtime.store.receipts import RECEIPTS
from curation.runtime.store.shards import read_columns


@pytest.fixture
def recipe(tmp_path: Path, write_jsonl: WriteJsonl) -> Recipe:
    """Twelve documents in several shards; every second one has the id of the one before."""
    rows = [{"text": f"document {i} " * 60, "id": str(i // 2)} for i in range(12)]
    write_jsonl("forum.jsonl", rows)
    value: dict[str, Any] = {
        "name": "small",
        "data_root": str(tmp_path),
        "shard_bytes": 3_500,
        "sources": {"forum": {"kind": "files", "path": "forum.jsonl"}},
        "passes": [
            {"name": "only", "annotators": ["exact_hash"], "policy": {"defaults": {"duplicates": "exact_hash"}}}
        ],
    }
    return loading.from_mapping(value, str(tmp_path / "r.yaml"))


def test_the_stage_of_contributing_counts_resumes_and_mends(recipe: Recipe, out: Folder, compute: Compute) -> None:
    """Each sentence of the section: resume by receipts, one manifest, mending of one job, another folder for another version."""
    example = shown_module("shown_stage", contributed_function("count_stage"))
    shards = pipeline.read_sources(recipe, out, compute)["forum"]
    stage = example.count_stage(shards)
    manifest = run_stage(stage, out, compute)["counts"]
    assert manifest.counts == {"characters": sum(60 * len(f"document {i} ") for i in range(12)), "documents": 12}
    assert len(manifest.parts) == len(shards.files) > 2
    assert run_stage(stage, out, Idle())["counts"] == manifest, "a stage that is whole starts nothing"
    folder = Path(stage.outputs["counts"].folder(out).url)
    assert folder.name == f"forum-{manifest.fingerprint[:12]}"

    written = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")}
    (folder / MANIFEST).unlink()
    (folder / RECEIPTS / "00001.json").unlink()
    run_stage(stage, out, compute)
    assert changed(folder, written) == {f"{Path(shards.files[1]).stem}.json", MANIFEST}, "one job was left to do"

    written = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")}
    part = f"{Path(shards.files[0]).stem}.json"
    DAMAGES["cut"](folder / part)
    mended(lambda: run_stage(stage, out, compute), out, compute)
    assert changed(folder, written) == {part, MANIFEST}

    example.VERSION = 2
    assert example.count_stage(shards).outputs["counts"].folder(out) != stage.outputs["counts"].folder(out)


def contributed_function(name: str) -> str:
    return block("CONTRIBUTING.md", "python", f"def {name}(")


def changed(folder: Path, written: dict[str, int]) -> set[str]:
    """Files that are others than they were."""
    return {path.name for path in folder.glob("*.json") if written.get(path.name) != path.stat().st_mtime_ns}


def test_the_level_of_contributing_is_one_file_and_its_place(
    recipe: Recipe, out: Folder, compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = shown_module("shown_level", contributed("RepeatedIds"))
    monkeypatch.setattr(levels, "LEVELS", (*levels.LEVELS, example.RepeatedIdsLevel()))
    assert "repeated ids: each shard of 1 sources" in dry_run.dry_run_text(dry_run.describe_run(recipe))
    curated = pipeline.curate(recipe, out, compute)
    dropped = curated.funnel["forum"].dropped["only: repeated_id"]
    assert 0 < dropped <= 6, "pairs in one shard"
    assert curated.funnel["forum"].curated == 12 - dropped
    shards = pipeline.read_sources(recipe, out, compute)["forum"]
    ids = read_columns(shards.folder, shards.files[0], ["id"])["id"].to_pylist()
    first, second = (explain_document(load_record(out.url), each.hex())["passes"]["only"] for each in ids[:2])
    assert (first["reason"], second["reason"], second["duplicate_of"]) == ("kept", "repeated_id", ids[0].hex())
    assert not [each for each in unused(out) if each.path.startswith("repeated_ids/")], "the record names its folders"


def test_the_positions_of_contributing_tell_a_model_the_order_of_tokens() -> None:
    """Without positions the last token of one layer sees the earlier ones as a bag: their order changes nothing."""
    plugin = Plugin("sinusoidal.py", contributed("Sinusoidal"))
    tokens, moved = torch.tensor([[1, 2, 3, 4, 5]]), torch.tensor([[4, 1, 3, 2, 5]])
    for kind in ("nope", "sinusoidal"):
        positions = PositionsSpec(kind=kind)
        spec = ModelSpec(vocab_size=16, layers=1, width=16, heads=2, context=8, positions=positions)
        model, generator = Model(spec, 0, [plugin]), torch.Generator().manual_seed(1)
        with torch.no_grad():
            for weight in model.parameters():
                weight.copy_(torch.randn(weight.shape, generator=generator))
            same = torch.allclose(model(tokens)[0, -1], model(moved)[0, -1], atol=1e-4)
        assert same == (kind == "nope")


def test_a_part_of_a_plugin_is_timed_for_an_estimate() -> None:
    """As `--dry-run` does before anything is laid out."""
    plugin = Plugin("sinusoidal.py", contributed("Sinusoidal"))
    made = {
        "seeds": {"init": 1, "order": 1, "subset": 1},
        "train": [{"source": "random", "tokens": "none"}],
        "model": {
            "vocab_size": 8, "layers": 1, "width": 8, "heads": 2, "context": 8, "positions": {"kind": "sinusoidal"}
        },
        "schedule": {"tokens": 800, "batch": 2},
    }  # fmt: skip
    assert time_steps(build(TrainingSpec, made, "training"), [plugin], steps=7).step_seconds > 0


def test_the_watcher_of_contributing_sees_every_point_and_changes_nothing(tmp_path: Path) -> None:
    example = shown_module("shown_watcher", contributed_function("watched"))
    write_cell(tmp_path)
    watcher = example.watched(tmp_path)
    assert [step for step, _ in watcher.curve] == read_spec(tmp_path).training.evaluation_steps()
    assert watcher.curve[0][1] < watcher.curve[-1][1]
    train_cell(tmp_path)
    kept = load_file(tmp_path / FINAL)
    weights = dict(watcher.training.model.named_parameters())
    assert all(torch.equal(kept[name], weight) for name, weight in weights.items())


def test_every_block_of_contributing_is_run_by_a_test() -> None:
    """A block whose class or function no test names is a memory."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf8"), re.DOTALL)
    tests = "\n".join(path.read_text(encoding="utf8") for path in (ROOT / "tests").rglob("*.py"))
    for text in blocks:
        defined = re.findall(r"^(?:class|def) (\w+)", text, re.MULTILINE)
        assert any(f'"{name}"' in tests for name in defined), defined
    assert len(blocks) >= 18


def test_every_section_that_contributing_links_to_is_there() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf8")
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    anchors = {re.sub(r"[^a-z -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= anchors
