"""Checkpoints: a killed cell goes on from the newest whole one, and never from one of another training."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cells import Killed, contents, edit, killed_at, write_cell, write_control
from safetensors.numpy import load_file, save_file
from spec_fields import leaves, with_other

from ablations.core.__main__ import main
from ablations.core.cell import Progress, run_cell, train_cell
from ablations.core.training import checkpoint
from ablations.core.training.checkpoint import BEFORE, FILE
from ablations.core.training.members import read_whole
from ablations.core.training.weights import Trained
from curation.runtime.errors import ConfigError, InputError

SMALL = {"layers": 1, "width": 8, "heads": 2}


def write_small(folder: Path) -> None:
    write_cell(folder, model=SMALL)
    (folder / "measuring.json").unlink()


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unbroken")
    write_small(folder)
    train_cell(folder)
    return folder


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """After checkpoints at the steps 3 and 6, of 12."""
    write_small(tmp_path)
    with pytest.raises(Killed):
        train_cell(tmp_path, killed_at("checkpoint", 2))
    assert (tmp_path / FILE).exists()
    assert (tmp_path / BEFORE).exists()
    return tmp_path


def resumed_at(folder: Path) -> list[int]:
    """Runs a cell to its end; the steps at which it went on."""
    steps: list[int] = []

    def tell(progress: Progress) -> None:
        if progress.event == "resumed":
            steps.append(progress.step)

    run_cell(folder, tell)
    return steps


def flipped(content: bytes) -> bytes:
    place = len(content) // 2
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


damages: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda content: content[: len(content) // 2],
    "cut by one byte": lambda content: content[:-1],
    "a bit flipped": flipped,
    "longer": lambda content: content + b"x",
    "empty": lambda content: b"",
}
each_damage = pytest.mark.parametrize("damage", damages.values(), ids=damages)


@pytest.mark.parametrize("every", [1, 5, 100])
def test_how_often_checkpoints_are_written_may_change_at_any_time(killed: Path, unbroken: Path, every: int) -> None:
    """If this fails, a user who wants checkpoints less often loses the run, or ends with another result."""
    edit(killed / "cell.json", "checkpoint_every_steps", to=every)
    edit(killed / "cell.json", "defaults", to=["model.rope_base"])
    assert resumed_at(killed) == [6]
    assert contents(killed) == contents(unbroken)
    assert not list(killed.glob("checkpoint*"))


@each_damage
def test_a_damaged_checkpoint_is_one_line_and_the_one_before_it_goes_on(
    killed: Path, unbroken: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[bytes], bytes]
) -> None:
    (killed / FILE).write_bytes(damage((killed / FILE).read_bytes()))
    assert resumed_at(killed) == [3]
    told = capsys.readouterr().err
    assert told.startswith(f"{killed / FILE}: cut off or changed")
    assert told.count("\n") == 1
    assert contents(killed) == contents(unbroken)


def test_a_kill_between_two_checkpoints_leaves_the_one_before(killed: Path, unbroken: Path) -> None:
    (killed / FILE).unlink()
    assert resumed_at(killed) == [3]
    assert contents(killed) == contents(unbroken)


def test_a_damaged_checkpoint_never_takes_the_place_of_a_whole_one(killed: Path, unbroken: Path) -> None:
    """If this fails, a second kill at the wrong moment takes everything."""
    (killed / FILE).write_bytes(b"damaged")
    with pytest.raises(Killed):
        train_cell(killed, killed_at("checkpoint", 1))
    (killed / FILE).unlink()
    assert resumed_at(killed) == [3]
    assert contents(killed) == contents(unbroken)


def test_without_a_whole_checkpoint_a_cell_starts_afresh(
    killed: Path, unbroken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (FILE, BEFORE):
        (killed / name).write_bytes(flipped((killed / name).read_bytes()))
    assert resumed_at(killed) == []
    assert capsys.readouterr().err.count("cut off or changed") == 2
    assert contents(killed) == contents(unbroken)


def test_a_checkpoint_whose_kept_weights_are_gone_starts_afresh(killed: Path, unbroken: Path) -> None:
    (killed / "points/00000004.safetensors").unlink()
    assert resumed_at(killed) == []
    assert contents(killed) == contents(unbroken)


def test_a_checkpoint_of_another_torch_starts_afresh(
    killed: Path, unbroken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bits would not be those of this one."""
    monkeypatch.setattr(torch, "__version__", "0.1")
    assert resumed_at(killed) == []
    assert contents(killed) == contents(unbroken)


def other_texts(folder: Path) -> None:
    write_control(folder, "tokens/glossary.train", "glossary", 9, 64, 40)


def other_ids(folder: Path) -> None:
    path = folder / "tokens/glossary.train.documents.safetensors"
    arrays = load_file(path)
    save_file({**arrays, "ids": arrays["ids"][::-1].copy()}, path)


@pytest.mark.parametrize("change", [other_texts, other_ids])
def test_other_tokens_are_never_trained_on_behind_a_checkpoint(
    killed: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Path], None]
) -> None:
    """If this fails, one half of a run saw other text than the other half."""
    change(killed)
    kept = contents(killed)
    assert main([str(killed)]) == 2
    told = capsys.readouterr().err
    assert "its token files have changed since its checkpoint was made. Restore them, or remove" in told
    assert told.count("\n") == 1
    assert contents(killed) == kept


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("optimizer",), {"learning_rate": 0.001}),
        (("evaluations",), 3),
        (("schedule", "warmup_steps"), 3),
        (("seeds", "subset"), 6),
        (("train",), [{"source": "other", "tokens": "tokens/glossary.train"}]),
    ],
)
def test_a_changed_training_is_refused_beside_a_checkpoint_and_after_it(
    killed: Path, capsys: pytest.CaptureFixture[str], path: tuple[str, ...], to: object
) -> None:
    original = (killed / "cell.json").read_text()
    edit(killed / "cell.json", "training", *path, to=to)
    kept = {file: file.read_bytes() for file in killed.rglob("*") if file.is_file()}
    assert main([str(killed)]) == 2
    told = capsys.readouterr().err
    assert (
        f"cell.json is not the one that its checkpoint was made with. Restore it, or remove {FILE} and {BEFORE}."
        in told
    )
    assert told.count("\n") == 1
    assert {file: file.read_bytes() for file in killed.rglob("*") if file.is_file()} == kept
    changed = (killed / "cell.json").read_text()
    (killed / "cell.json").write_text(original)
    train_cell(killed)
    kept = {file: file.read_bytes() for file in killed.rglob("*") if file.is_file() and file.name != "cell.json"}
    (killed / "cell.json").write_text(changed)
    assert main([str(killed)]) == 2
    told = capsys.readouterr().err
    assert "cell.json is not the one that its weights were trained with. Restore it, or remove training.json" in told
    assert told.count("\n") == 1
    assert {file: file.read_bytes() for file in kept} == kept


def test_every_value_of_a_training_is_held_against_its_weights_and_its_checkpoint(
    unbroken: Path, tmp_path: Path
) -> None:
    spec = read_whole(unbroken).training
    checkpoint.save(tmp_path, {"spec": spec.digest(), "tokens": "t", "torch": "1"}, {"step": 7})
    for path in leaves(spec):
        other = with_other(spec, path)
        with pytest.raises(ConfigError, match=r"cell\.json is not the one that its weights were trained with"):
            Trained.read(unbroken, other)
        with pytest.raises(ConfigError, match=r"cell\.json is not the one that its checkpoint was made with"):
            checkpoint.load(tmp_path, {"spec": other.digest(), "tokens": "t", "torch": "1"})


def test_what_is_no_part_of_a_training_may_change_after_it(unbroken: Path, tmp_path: Path) -> None:
    write_small(tmp_path)
    for name, content in contents(unbroken).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    for key, to in {"checkpoint_every_steps": 7, "defaults": ["bos"], "arm": "renamed", "seed": 5}.items():
        edit(tmp_path / "cell.json", key, to=to)
        assert train_cell(tmp_path).record == train_cell(unbroken).record
    assert contents(tmp_path) == contents(unbroken)


def test_a_checkpoint_is_its_state_and_a_seal(tmp_path: Path) -> None:
    who = {"spec": "s", "tokens": "t", "torch": "1"}
    assert checkpoint.load(tmp_path, who) is None
    for step in (1, 2, 3):
        checkpoint.save(tmp_path, who, {"step": step, "weights": torch.arange(step)})
    content = (tmp_path / FILE).read_bytes()
    assert hashlib.sha256(content[:-32]).digest() == content[-32:]
    newest = checkpoint.load(tmp_path, who)
    assert newest
    assert (newest["step"], newest["weights"].tolist()) == (3, [0, 1, 2])
    assert checkpoint.load(tmp_path, {**who, "torch": "2"}) is None
    with pytest.raises(InputError, match="its token files have changed"):
        checkpoint.load(tmp_path, {**who, "tokens": "u"})
    (tmp_path / FILE).unlink()
    before = checkpoint.load(tmp_path, who)
    assert before
    assert before["step"] == 2
    checkpoint.remove(tmp_path)
    assert list(tmp_path.iterdir()) == []
