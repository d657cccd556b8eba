"""A file of a finished stage is what its manifest lists, or it is refused by name."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest
from damages import DAMAGES, flips, replace

from curation.runtime.errors import DamagedError, InputError
from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.manifest import VERSION, Manifest, damage, damage_at_start, finished
from curation.runtime.store.marks import Mark, MarkingFolder, is_sealed, sealed
from curation.runtime.store.parts import checked, read_checked

WHAT = {"of": "parts"}
NAME = "deep/0.bin"
PART = bytes(range(256))


def committed(folder: Folder, content: bytes = PART) -> Folder:
    """A finished stage of two files."""
    marking = MarkingFolder(folder.url)
    marking.write(NAME, content)
    marking.write("empty.bin", b"")
    Manifest("numbers", "all", WHAT, [{"file": NAME, "rows": 1}], files=dict(marking.marks)).save(folder)
    return folder


@pytest.fixture
def stage(tmp_path: Path) -> Folder:
    return committed(Folder(str(tmp_path / "stage")))


def test_a_whole_file_is_read(stage: Folder) -> None:
    assert read_checked(stage, NAME) == PART
    assert read_checked(stage, "empty.bin") == b""
    with checked(stage, NAME) as path:
        assert Path(path).read_bytes() == PART
    assert damage(stage, Manifest.load(stage).files) == []


@pytest.mark.parametrize(("sort", "found"), [
    ("gone", "the file is gone"), ("cut", "has 255 bytes instead of 256"), ("grown", "has 257 bytes instead of 256"),
    ("emptied", "has 0 bytes instead of 256"), ("flipped", "its content is not the one that was written"),
])  # fmt: skip
def test_a_damaged_file_is_refused_by_name(stage: Folder, sort: str, found: str) -> None:
    read_checked(stage, NAME)  # what was whole a moment ago must not count
    DAMAGES[sort](Path(stage.url, NAME))
    with pytest.raises(DamagedError, match=found) as caught:
        read_checked(stage, NAME)
    assert (caught.value.folder, caught.value.file) == (stage.url, NAME)
    assert "\n" not in str(caught.value)
    files = Manifest.load(stage).files
    by_size = [each.found for each in damage(stage, files)]
    assert by_size == ([] if sort == "flipped" else [found]), "a look at the sizes finds all but flipped bits"
    assert [each.found for each in damage_at_start(stage, files)] == [found]


def test_no_sort_of_damage_is_left_out_above() -> None:
    assert set(DAMAGES) == {"gone", "cut", "grown", "emptied", "flipped"}


def test_600_flipped_bits_of_a_part_are_all_found(stage: Folder) -> None:
    for content in flips(PART, "part"):
        replace(Path(stage.url, NAME), content)
        with pytest.raises(DamagedError, match="its content is not the one"):
            read_checked(stage, NAME)


def test_600_flipped_bits_of_a_manifest_are_all_found(stage: Folder) -> None:
    """Whoever reads it is told that it is damaged; nobody takes it for another version, or for another computation."""
    path = Path(stage.url, MANIFEST)
    for content in flips(path.read_bytes(), "manifest"):
        replace(path, content)
        with pytest.raises(DamagedError):
            Manifest.load(stage)
        with pytest.raises(DamagedError):
            finished(stage, WHAT)
        with pytest.raises(DamagedError):
            read_checked(stage, NAME)


@pytest.mark.parametrize("sort", ["cut", "grown", "emptied"])
def test_a_manifest_of_another_length_is_damaged(stage: Folder, sort: str) -> None:
    DAMAGES[sort](Path(stage.url, MANIFEST))
    if sort == "cut":  # the last byte ends the line and says nothing
        assert Manifest.load(stage).what == WHAT
        DAMAGES[sort](Path(stage.url, MANIFEST))
    with pytest.raises(DamagedError):
        Manifest.load(stage)


def test_a_manifest_of_an_earlier_version_is_old_and_not_damaged(stage: Folder) -> None:
    """It had neither seal nor marks; a run makes its results anew beside it."""
    value = json.loads(stage.read(MANIFEST))
    old = {key: part for key, part in value.items() if key not in ("seal", "files", "away")} | {"version": 1}
    stage.write_json(MANIFEST, old)
    with pytest.raises(InputError, match=f"manifest version 1, this program reads {VERSION}") as caught:
        Manifest.load(stage)
    assert not isinstance(caught.value, DamagedError)


def test_an_edited_manifest_is_refused_even_if_it_is_json(stage: Folder) -> None:
    value = json.loads(stage.read(MANIFEST))
    assert is_sealed(value)
    stage.write_json(MANIFEST, {**value, "counts": {"documents": 7}})
    with pytest.raises(DamagedError, match="is not as it was written"):
        Manifest.load(stage)
    stage.write_json(MANIFEST, sealed({**value, "counts": {"documents": 7}}))
    assert Manifest.load(stage).counts == {"documents": 7}, "a seal is no signature"


def test_a_file_that_no_manifest_lists_is_refused(stage: Folder) -> None:
    stage.write("more.bin", b"more")
    with pytest.raises(DamagedError, match="is not listed"):
        read_checked(stage, "more.bin")


def test_a_folder_without_a_manifest_is_read_as_it_is(tmp_path: Path) -> None:
    """A job reads what it has just written, and a user's own model lies in any folder."""
    folder = Folder(str(tmp_path))
    folder.write("a", b"a")
    assert read_checked(folder, "a") == b"a"
    with pytest.raises(InputError, match="no such file") as caught:
        read_checked(folder, "b")
    assert not isinstance(caught.value, DamagedError), "no run makes it again"


def test_a_stage_that_was_made_again_is_held_against_its_new_manifest(stage: Folder) -> None:
    """Marks are kept for the process; those of the manifest before would refuse what is right."""
    read_checked(stage, NAME)
    stage.remove_file(MANIFEST)
    committed(stage, b"new")
    assert read_checked(stage, NAME) == b"new"


def test_an_error_of_the_reader_is_not_taken_for_a_missing_part(stage: Folder, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), checked(stage, NAME):
        (tmp_path / "of the reader").read_bytes()


def test_an_object_store_is_checked_too() -> None:
    folder = committed(Folder(f"memory://{uuid.uuid4().hex}/stage"))
    assert read_checked(folder, NAME) == PART
    for content in list(flips(PART, "store"))[:20]:
        folder.write(NAME, content)
        with pytest.raises(DamagedError, match="its content is not the one"):
            read_checked(folder, NAME)
    folder.remove_file(NAME)
    with pytest.raises(DamagedError, match="the file is gone"):
        read_checked(folder, NAME)
    assert Mark.of_bytes(PART) == Manifest.load(folder).files[NAME]
