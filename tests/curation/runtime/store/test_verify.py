"""`loam verify` says of every file of an output folder whether it is whole, damaged or unknown."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from damages import DAMAGES, flips, replace

from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.marks import MarkingFolder
from curation.runtime.store.receipts import Result, write_receipt
from curation.runtime.store.verify import CheckedFile, verify

SCORES, CELL = "scores/words-0123456789ab", "cells/a_s0-0123456789ab"
PART, TOKENS = bytes(range(256)) * 8, b"tokens" * 500


def commit(out: Folder, path: str, files: dict[str, bytes]) -> Folder:
    folder = out / path
    marking = MarkingFolder(folder.url)
    for name, content in files.items():
        marking.write(name, content)
    write_receipt(folder, "0", 0.1, Result([]), marking.marks)
    Manifest(path.split("/")[0], "n", {"of": path}, [], files=dict(marking.marks)).save(folder)
    return folder


@pytest.fixture
def whole(out: Folder) -> Folder:
    """A run's record, a page, and two finished stages, of which the second has the first one's tokens under a second name."""
    tokens = commit(out, SCORES, {"0.parquet": PART, "deep/1.parquet": b"", "train.bin": TOKENS})
    cell = commit(out, CELL, {"weights": PART[::-1]})
    os.link(f"{tokens.url}/train.bin", f"{cell.url}/tokens.bin")
    (out / "runs").write_json("small.json", {"kind": "curation"})
    (out / "reports").write("small.html", b"<html>")
    return out


def states(out: Folder) -> dict[str, str]:
    return {each.path: each.state for each in verify(out)}


def one(out: Folder, path: str) -> CheckedFile:
    (found,) = (each for each in verify(out) if each.path == path)
    return found


def test_every_file_is_whole_but_those_that_no_stage_wrote(whole: Folder) -> None:
    assert states(whole) == {
        f"{CELL}/{MANIFEST}": "whole",
        f"{CELL}/tokens.bin": "whole",
        f"{CELL}/weights": "whole",
        "reports/small.html": "unknown",
        "runs/small.json": "unknown",
        f"{SCORES}/0.parquet": "whole",
        f"{SCORES}/deep/1.parquet": "whole",
        f"{SCORES}/{MANIFEST}": "whole",
        f"{SCORES}/train.bin": "whole",
    }
    assert all(each.why for each in verify(whole) if each.state != "whole")
    assert one(whole, f"{SCORES}/0.parquet") == CheckedFile(f"{SCORES}/0.parquet", len(PART), "whole")


def test_an_empty_folder_has_nothing_to_check(out: Folder) -> None:
    assert verify(out) == []


@pytest.mark.parametrize("sort", DAMAGES)
def test_a_damaged_file_is_found_and_no_other(whole: Folder, sort: str) -> None:
    before = states(whole)
    DAMAGES[sort](Path(whole.url, SCORES, "0.parquet"))
    assert states(whole) == {**before, f"{SCORES}/0.parquet": "damaged"}
    assert one(whole, f"{SCORES}/0.parquet").why


def test_600_flipped_bits_of_a_part_are_all_found(out: Folder) -> None:
    commit(out, SCORES, {"0.parquet": PART})
    path = Path(out.url, SCORES, "0.parquet")
    for content in flips(PART, "verify"):
        replace(path, content)
        assert states(out)[f"{SCORES}/0.parquet"] == "damaged"


def test_600_flipped_bits_of_a_manifest_are_all_found(out: Folder) -> None:
    """Nothing that such a manifest lists is called whole."""
    commit(out, SCORES, {"0.parquet": PART})
    path = Path(out.url, SCORES, MANIFEST)
    for content in flips(path.read_bytes(), "verify"):
        replace(path, content)
        found = states(out)
        assert found[f"{SCORES}/{MANIFEST}"] == "damaged"
        assert found[f"{SCORES}/0.parquet"] == "unknown"


def test_a_stage_that_is_not_finished_is_unknown(whole: Folder) -> None:
    """A killed run leaves it, and the next one goes on with it."""
    (whole / SCORES).remove_file(MANIFEST)
    assert one(whole, f"{SCORES}/0.parquet").state == "unknown"
    assert one(whole, f"{SCORES}/0.parquet").why == "its stage is not finished"


def test_a_manifest_of_an_earlier_version_is_unknown_with_its_files(whole: Folder) -> None:
    (whole / SCORES).write_json(MANIFEST, {"version": 1, "stage": "scores", "name": "n", "what": {}, "parts": []})
    assert one(whole, f"{SCORES}/{MANIFEST}").state == "unknown"
    assert "manifest version 1" in one(whole, f"{SCORES}/{MANIFEST}").why
    assert one(whole, f"{SCORES}/0.parquet").state == "unknown"


def test_what_lies_beside_a_stage_is_unknown(whole: Folder) -> None:
    (whole / SCORES).write("notes.txt", b"mine")
    assert one(whole, f"{SCORES}/notes.txt").why == "no manifest lists it"


@pytest.mark.parametrize("path", ["notes.txt", "scores/notes.txt"])
def test_what_lies_beside_the_stages_is_unknown(whole: Folder, path: str) -> None:
    before = states(whole)
    whole.write(path, b"mine")
    assert states(whole) == {**before, path: "unknown"}


def test_a_damaged_record_of_a_run_is_found(whole: Folder) -> None:
    (whole / "runs").write("small.json", b'{"kind": ')
    assert one(whole, "runs/small.json").state == "damaged"


def test_a_hard_link_is_what_its_file_is(whole: Folder) -> None:
    """Cells share their tokens' bytes: a flipped bit in them is one damage under two names."""
    with open(f"{whole.url}/{SCORES}/train.bin", "r+b") as file:
        file.write(b"T")
    assert one(whole, f"{SCORES}/train.bin").state == "damaged"
    assert one(whole, f"{CELL}/tokens.bin").state == "damaged"


def test_a_copy_under_another_name_stays_unknown(whole: Folder) -> None:
    (whole / CELL).write("copy.bin", TOKENS)
    assert one(whole, f"{CELL}/copy.bin").state == "unknown"


def test_drafts_and_hidden_files_are_not_looked_at(whole: Folder) -> None:
    """The process that writes a draft may still be at work; the lock of a run is no result."""
    before = states(whole)
    whole.write(".lock", b"17")
    whole.write(".git/objects/00", b"of the user")
    for name in (".draft-1", "deep/.draft-2"):
        Path(whole.url, SCORES, name).write_bytes(b"half")
    Path(whole.url, "runs", ".draft-3").write_bytes(b"half")
    assert states(whole) == before


def test_links_within_a_stage_are_not_followed(whole: Folder, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    commit(Folder(str(elsewhere)), SCORES, {"0.parquet": PART})
    before = states(whole)
    Path(whole.url, SCORES, "more").symlink_to(elsewhere)
    Path(whole.url, SCORES, "loop").symlink_to(whole.url)
    Path(whole.url, SCORES, "nowhere").symlink_to(elsewhere / "gone")
    assert states(whole) == before


def test_a_part_that_has_become_a_link_is_not_there(whole: Folder, tmp_path: Path) -> None:
    """What lies behind it is somebody's, and may be another file tomorrow."""
    path = Path(whole.url, SCORES, "0.parquet")
    path.rename(tmp_path / "moved")
    path.symlink_to(tmp_path / "moved")
    assert one(whole, f"{SCORES}/0.parquet").state == "damaged"


@pytest.mark.parametrize("path", ["scores/linked-0123456789ab", "linked", "scores/nowhere-0123456789ab"])
def test_links_in_place_of_stages_are_named_and_not_followed(whole: Folder, tmp_path: Path, path: str) -> None:
    """`loam gc` leaves them alone too: what they point at is not of this folder."""
    elsewhere = Folder(str(tmp_path / "elsewhere"))
    stage = commit(elsewhere, SCORES, {"0.parquet": PART})
    DAMAGES["cut"](Path(stage.url, "0.parquet"))
    targets = {"linked": f"{elsewhere.url}/scores", "scores/linked-0123456789ab": stage.url}
    before = states(whole)
    Path(whole.url, path).symlink_to(targets.get(path, f"{elsewhere.url}/gone"))
    assert states(whole) == {**before, path: "unknown"}
    assert "link" in one(whole, path).why


def test_a_large_folder_is_checked_at_the_speed_of_its_disk(out: Folder) -> None:
    """Not asserted: shared machines are slow at times. Shown with `pytest -s`."""
    content = os.urandom(20 * 2**20)
    commit(out, SCORES, {f"{n}.bin": content for n in range(10)})
    begun = time.monotonic()
    found = verify(out)
    seconds = time.monotonic() - begun
    size = sum(each.bytes for each in found)
    assert {each.state for each in found} == {"whole"}
    print(f"verify: {size / 1e6:.0f} MB in {seconds:.2f} s, {size / 1e6 / seconds:.0f} MB/s")
