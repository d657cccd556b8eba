"""Kept weights: known by their hash, never used when they are others, and missed without harm where they are not needed."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from cells import contents, measure_of, write_cell

from ablations.core.__main__ import main
from ablations.core.cell import run_cell
from ablations.core.model.model import Model
from ablations.core.training.members import read_whole
from ablations.core.training.weights import Trained, save_weights
from curation.runtime.errors import InputError

FINAL, POINT = "model.safetensors", "points/00000004.safetensors"
LABEL = "bits_per_byte"


def write_small(folder: Path, **changes: Any) -> None:
    model = {"layers": 1, "width": 8, "heads": 2, **changes}
    write_cell(folder, model=model, metrics=[LABEL], tasks=[], effort={"windows": 4, "curve_windows": 2})


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    write_small(folder)
    run_cell(folder)
    return folder


@pytest.fixture
def cell(original: Path, tmp_path: Path) -> Path:
    """Trained, and its measure gone."""
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "measures")
    return tmp_path


def trained(folder: Path) -> Trained:
    found = Trained.read(folder, read_whole(folder).training)
    assert found
    return found


def flipped(content: bytes) -> bytes:
    return content[:-2] + bytes([content[-2] ^ 1]) + content[-1:]


damages: dict[str, Callable[[bytes], bytes]] = {
    "a bit flipped": flipped,
    "cut": lambda content: content[: len(content) // 2],
    "cut by one byte": lambda content: content[:-1],
    "longer": lambda content: content + b"\0",
    "empty": lambda content: b"",
}
each_damage = pytest.mark.parametrize("damage", damages.values(), ids=damages)
each_file = pytest.mark.parametrize("name", [FINAL, POINT])


@each_file
@each_damage
def test_damaged_weights_are_named_and_nothing_is_measured_of_them(
    cell: Path, capsys: pytest.CaptureFixture[str], name: str, damage: Callable[[bytes], bytes]
) -> None:
    """If this fails, a number is published of a model that nobody trained."""
    (cell / name).write_bytes(damage((cell / name).read_bytes()))
    assert main([str(cell)]) == 2
    told = capsys.readouterr().err
    assert f"{cell / name}: damaged: not the weights that were trained. Train the cell again." in told
    assert told.count("\n") == 1
    assert not list((cell / "measures").glob("*"))


@each_file
def test_whole_weights_of_another_model_are_not_those_that_were_trained(cell: Path, name: str) -> None:
    """They load without a complaint; only the hash tells."""
    save_weights(Model(read_whole(cell).training.model, 7), cell / name)
    found = trained(cell)
    point = next(point for point in found.points if point.file == name)
    with pytest.raises(InputError, match=re.escape(f"{cell / name}: damaged: not the weights that were trained")):
        found.model_at(point)
    with pytest.raises(InputError, match="damaged"):
        found.content(point)


def test_the_weights_of_the_end_are_checked_alone(cell: Path) -> None:
    trained(cell).check()
    (cell / POINT).write_bytes(b"")
    trained(cell).check()
    (cell / FINAL).write_bytes(b"")
    with pytest.raises(InputError, match="damaged"):
        trained(cell).check()


def test_weights_along_the_way_that_are_gone_give_no_point_of_a_curve(cell: Path, original: Path) -> None:
    (cell / POINT).unlink()
    assert [trained(cell).has(point) for point in trained(cell).points] == [True, False, True, True]
    run_cell(cell)
    whole, found = measure_of(original, LABEL), measure_of(cell, LABEL)
    assert [point["step"] for point in found["curve"]] == [0, 8, 12]
    assert found["curve"] == [point for point in whole["curve"] if point["step"] != 4]
    assert found["final"] == whole["final"]


def test_without_the_weights_of_the_end_nothing_is_measured_and_one_line_says_so(
    cell: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (cell / FINAL).unlink()
    assert main([str(cell)]) == 2
    told = capsys.readouterr().err
    assert f"{cell / FINAL}: cannot be measured again here: its weights are elsewhere. Train the cell again." in told
    assert told.count("\n") == 1
    assert not list((cell / "measures").glob("*"))


def test_a_cell_that_was_measured_needs_its_weights_no_more(original: Path, tmp_path: Path) -> None:
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "points")
    (tmp_path / FINAL).unlink()
    assert main([str(tmp_path)]) == 0
    whole = contents(original)
    assert contents(tmp_path) == {name: whole[name] for name in whole if not name.endswith(".safetensors")}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"spec_digest": 3}', b'"text"'])
def test_a_record_that_is_none_is_one_line(cell: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    (cell / "training.json").write_bytes(content)
    assert main([str(cell)]) == 2
    told = capsys.readouterr().err
    assert "training.json" in told
    assert told.count("\n") == 1
    assert (cell / "training.json").read_bytes() == content


@pytest.mark.parametrize("changes", [{}, {"tied": True}, {"attention": False}, {"mlp_ratio": 0}], ids=str)
def test_kept_weights_are_those_of_their_step(tmp_path: Path, changes: dict[str, Any]) -> None:
    write_small(tmp_path, **changes)
    (tmp_path / "measuring.json").unlink()
    run_cell(tmp_path)
    found = trained(tmp_path)
    assert [point.step for point in found.points] == found.spec.evaluation_steps()
    assert found.final.file == FINAL
    new = Model(found.spec.model, found.spec.seeds.init)
    first, last = found.model_at(found.points[0]), found.model_at(found.final)
    assert not last.training
    for (name, a), (_, b) in zip(new.named_parameters(), first.named_parameters(), strict=True):
        assert torch.equal(a, b), name
    assert any(not torch.equal(a, b) for a, b in zip(new.parameters(), last.parameters(), strict=True))
    assert len({point.sha256 for point in found.points}) == len(found.points)
    again = save_weights(last, tmp_path / "again.safetensors")
    assert again == found.final.sha256
    assert json.loads((tmp_path / "training.json").read_text())["points"][-1]["sha256"] == again
