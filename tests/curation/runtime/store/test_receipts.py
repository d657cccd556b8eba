"""A job counts as done by its receipt, as it was written; with another one it is done again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from damages import DAMAGES, flips, replace

from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.marks import MarkingFolder
from curation.runtime.store.receipts import RECEIPTS, Result, forget, read_receipts, write_receipt

RESULT = Result([{"file": "0.bin", "rows": 3, "name": "é 한"}], {"documents": 3, "share": 0.25})


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Two jobs that are done: one wrote two files, the other one of its own and one that both wrote."""
    found = Folder(str(tmp_path / "stage"))
    for job, names in (("0", ("0.bin", "both.bin")), ("1", ("1.bin", "both.bin"))):
        marking = MarkingFolder(found.url)
        for name in names:
            marking.write(name, name.encode())
        write_receipt(found, job, 0.123456, RESULT, marking.marks)
    return found


def test_receipts_are_read_as_they_were_written(folder: Folder) -> None:
    found = read_receipts(folder)
    assert list(found) == ["0", "1"]
    assert found["0"].result == RESULT
    assert found["0"].seconds == 0.1235
    assert sorted(found["1"].files) == ["1.bin", "both.bin"]
    assert read_receipts(folder / "nowhere") == {}


@pytest.mark.parametrize("sort", DAMAGES)
def test_a_damaged_receipt_is_none_and_leaves_the_others(folder: Folder, sort: str) -> None:
    path = Path(folder.url, RECEIPTS, "0.json")
    DAMAGES[sort](path)
    if sort == "cut":  # the last byte ends the line and says nothing
        assert list(read_receipts(folder)) == ["0", "1"]
        DAMAGES[sort](path)
    assert list(read_receipts(folder)) == ["1"]


def test_600_flipped_bits_of_a_receipt_are_all_found(folder: Folder) -> None:
    path = Path(folder.url, RECEIPTS, "0.json")
    for content in flips(path.read_bytes(), "receipt"):
        replace(path, content)
        assert list(read_receipts(folder)) == ["1"]


@pytest.mark.parametrize("content", [b"[]", b"3", b"null", b'{"files": {}}', b"\xff", b""])
def test_what_is_no_receipt_is_passed_over(folder: Folder, content: bytes) -> None:
    (folder / RECEIPTS).write("2.json", content)
    assert list(read_receipts(folder)) == ["0", "1"]


def test_forgetting_a_file_forgets_every_job_that_wrote_it_and_the_manifest(folder: Folder) -> None:
    folder.write(MANIFEST, b"{}")
    forget(folder, "0.bin")
    assert folder.names() == ["1.bin", "both.bin", RECEIPTS]
    assert list(read_receipts(folder)) == ["1"]
    forget(folder, "both.bin")
    assert folder.names() == ["1.bin", RECEIPTS]
    assert read_receipts(folder) == {}


def test_forgetting_a_manifest_keeps_the_jobs(folder: Folder) -> None:
    """Their receipts say the same; nothing has to be done twice."""
    folder.write(MANIFEST, b"{}")
    forget(folder, MANIFEST)
    assert not folder.exists(MANIFEST)
    assert list(read_receipts(folder)) == ["0", "1"]


def test_a_receipt_of_an_earlier_version_is_none(folder: Folder) -> None:
    """It did not say what its files hold."""
    (folder / RECEIPTS).write("2.json", json.dumps({"seconds": 1.0, "parts": [], "counts": {}}).encode())
    assert "2" not in read_receipts(folder)
