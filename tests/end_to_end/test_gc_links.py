"""`loam gc` removes what lies in the output folder, and nothing that lies behind a link."""

from __future__ import annotations

from pathlib import Path

import pytest
from loam import Loam

from curation.runtime.errors import InputError
from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.gc import links, unused

STALE = "old-0123456789ab"


def stage_folder(path: Path) -> Path:
    """A stage's folder as a run leaves it, of 3000 bytes and a little."""
    for name, size in ((MANIFEST, 2), ("00000.parquet", 3000), ("receipts/00000.json", 2)):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(b"x" * size)
    return path


def files(path: Path) -> list[str]:
    return sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file())


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An output folder with one stale result, and a link in each place where results are looked for."""
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    (out / "runs").mkdir(parents=True)
    stage_folder(out / "scores" / STALE)
    (out / "scores" / "linked-0123456789ab").symlink_to(stage_folder(elsewhere / "shared-0123456789ab"))
    stage_folder(elsewhere / "decide" / STALE)
    (out / "decide").symlink_to(elsewhere / "decide")
    return out


def test_what_lies_behind_a_link_is_neither_measured_nor_removed(out: Path, loam: Loam) -> None:
    """Large results are kept on another disk and shared by links; a clean-up of one study must not eat another's."""
    before = files(out.parent / "elsewhere")
    listed = loam("gc", "--out", out)
    assert "1 unused results, 0.0 MB" in listed.out
    assert "left alone: decide is a link" in listed.out
    assert "left alone: scores/linked-0123456789ab is a link" in listed.out
    removed = loam("gc", "--out", out, "--yes")
    assert removed.code == 0, removed.err
    assert "1 unused results removed" in removed.out
    assert not (out / "scores" / STALE).exists()
    assert files(out.parent / "elsewhere") == before
    assert (out / "decide").is_symlink()
    assert (out / "scores" / "linked-0123456789ab").is_symlink()


def test_a_link_to_nowhere_is_left_alone_too(out: Path, loam: Loam) -> None:
    (out / "read").symlink_to(out / "gone")
    (out / "scores" / "dangling-0123456789ab").symlink_to(out / "gone")
    removed = loam("gc", "--out", out, "--yes")
    assert removed.code == 0, removed.err
    assert "scores/dangling-0123456789ab is a link" in removed.out


def test_links_within_a_result_are_removed_and_not_followed(out: Path) -> None:
    elsewhere = out.parent / "elsewhere"
    before = files(elsewhere)
    (out / "scores" / STALE / "more").symlink_to(elsewhere / "decide")
    (out / "scores" / STALE / "part").symlink_to(elsewhere / "decide" / STALE / "00000.parquet")
    (found,) = unused(Folder(str(out)))
    assert 3000 < found.bytes < 3500, "its own files and the names of the links"
    (Folder(str(out)) / found.path).remove()
    assert files(elsewhere) == before


@pytest.mark.parametrize("name", ["receipts", MANIFEST])
def test_receipts_and_manifest_that_are_links_are_removed_as_links(out: Path, name: str) -> None:
    """They go first, so they are what a link is followed by most easily."""
    target = stage_folder(out.parent / "elsewhere" / "third-0123456789ab")
    stale = out / "scores" / STALE
    Folder(str(stale / name)).remove() if name == "receipts" else (stale / name).unlink()
    (stale / name).symlink_to(target / name)
    before = files(target)
    Folder(str(stale)).remove()
    assert not stale.exists()
    assert files(target) == before


def test_a_folder_that_is_a_link_is_not_removed_by_whoever_asks(out: Path) -> None:
    """The list may be older than the link."""
    before = files(out.parent / "elsewhere")
    assert "decide" in links(Folder(str(out)))
    for path in (out / "scores" / "linked-0123456789ab", f"{out / 'decide'}/"):
        with pytest.raises(InputError, match="is a link to another folder"):
            Folder(str(path)).remove()
    assert files(out.parent / "elsewhere") == before
