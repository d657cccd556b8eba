"""Edited training code makes every cell another one; those that it leaves equal bit for bit keep their results."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from finished import Finished
from loam import Loam

from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.marks import Mark


@pytest.fixture
def edited(finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the finished study, looked at with other code that trains the same."""
    shutil.copytree(finished.out, tmp_path / "out")
    monkeypatch.setattr("ablations.cells.cells.code_of_training", lambda *_: "other")
    return tmp_path / "out"


def trained(out: Path) -> list[Path]:
    """Folders of cells that are whole."""
    return [path.parent for path in out.glob("cells/*/manifest.json")]


def test_cells_keep_their_results_where_one_of_their_shape_trains_to_the_same_weights(
    finished: Finished, edited: Path, loam: Loam
) -> None:
    """If this fails, tidying the training code costs every finished sweep."""
    where = (finished.study, "--out", edited)
    assert "0 of 6 trained" in loam("ablate", "status", *where).out
    measures = {path.name for path in (edited / "measures").iterdir()}
    ended = loam("ablate", "adopt", *where)
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[-1] == "6 of 6 trained"
    assert {path.name for path in (edited / "measures").iterdir()} == measures, "a measure is of weights, not of code"
    adopted = [path for path in trained(edited) if Manifest.load(Folder(str(path))).adopted]
    assert 0 < len(adopted) < 6
    for path in adopted:
        said = Manifest.load(Folder(str(path))).adopted
        assert (edited / "cells" / said["from"]).exists()
        assert (edited / "cells" / said["equal_weights"]).exists()
    assert loam("verify", edited).code == 0
    assert "nothing to adopt" in loam("ablate", "adopt", *where).out


def test_nothing_is_adopted_where_weights_come_out_otherwise(finished: Finished, edited: Path, loam: Loam) -> None:
    for path in trained(edited):
        record = json.loads((path / "training.json").read_text(encoding="utf8"))
        record["points"][-1]["sha256"] = "0" * 64
        (path / "training.json").write_text(json.dumps(record), encoding="utf8")
        folder = Folder(str(path))
        manifest = Manifest.load(folder)
        mark = Mark.of_bytes((path / "training.json").read_bytes())
        dataclasses.replace(manifest, files={**manifest.files, "training.json": mark}).save(folder)
    ended = loam("ablate", "adopt", finished.study, "--out", edited)
    assert ended.code == 1
    assert "have to be trained again" in ended.out
    assert "adopted" not in "".join(str(path.read_text()) for path in edited.glob("cells/*/manifest.json"))
