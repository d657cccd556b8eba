"""What exists in a folder is whole: drafts are never seen, whatever happens while they are written."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from curation.runtime.errors import ConfigError, InputError
from curation.runtime.identity import canonical, document_id, fingerprint, seed, share
from curation.runtime.store.folder import MANIFEST, Folder, open_out
from curation.runtime.store.manifest import Manifest, finished, stage_folder
from curation.runtime.store.marks import sealed


@pytest.fixture(params=["disk", "object store"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    return Folder(str(tmp_path / "f")) if request.param == "disk" else Folder(f"memory://{uuid.uuid4().hex}/f")


def test_what_is_written_is_read_again(folder: Folder) -> None:
    assert not folder.exists()
    assert folder.names() == []
    folder.write("a.bin", b"\x00\xff")
    (folder / "deep").write_json("b.json", {"k": "한", "n": [1, None]})
    assert folder.read("a.bin") == b"\x00\xff"
    assert folder.read_json("deep/b.json") == {"k": "한", "n": [1, None]}
    assert folder.names() == ["a.bin", "deep"]
    assert folder.exists("a.bin")
    assert not folder.exists("b.json")
    assert folder.bytes_used() > 2
    with folder.local("a.bin") as path, open(path, "rb") as file:
        assert file.read() == b"\x00\xff"
    folder.remove()
    assert folder.names() == []
    assert not folder.exists()


def test_a_draft_is_not_seen_until_its_block_ends_well(folder: Folder) -> None:
    """A reader that comes between must see the old file or none, never half of the new one."""
    folder.write("a", b"old")
    with folder.draft("a") as path:
        Path(path).write_bytes(b"ne")
        assert folder.names() == ["a"]
        assert folder.read("a") == b"old"
        Path(path).write_bytes(b"new")
    assert folder.read("a") == b"new"


def test_a_draft_whose_block_fails_leaves_nothing(folder: Folder) -> None:
    paths = []

    def write_half() -> None:
        with folder.draft("a") as path:
            paths.append(path)
            Path(path).write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert folder.names() == []
    assert not os.path.exists(paths[0])


def test_two_drafts_of_one_name_do_not_meet(folder: Folder) -> None:
    """A killed run's last process may still write while the next run works."""
    with folder.draft("a") as one, folder.draft("a") as two:
        assert one != two
        Path(one).write_bytes(b"one")
        Path(two).write_bytes(b"two")
    assert folder.read("a") in (b"one", b"two")


def test_a_json_file_that_is_missing_or_damaged_is_an_error_with_its_place(folder: Folder) -> None:
    with pytest.raises(InputError, match=r"none\.json: no such file"):
        folder.read_json("none.json")
    folder.write("bad.json", b"{")
    with pytest.raises(InputError, match=r"bad\.json: not JSON"):
        folder.read_json("bad.json")


def test_an_output_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="Name a folder that can be written"):
        open_out(str(tmp_path / "file"))
    assert open_out(str(tmp_path / "a/b")).names() == []


def test_a_manifest_comes_back_as_it_was(folder: Folder) -> None:
    what = {"stage": "s", "n": 1}
    manifest = Manifest("s", "n", what, [{"file": "a", "rows": 1}], {"documents": 1}, {"wall_seconds": 0.1})
    here = stage_folder(folder, "s", "n", what)
    assert finished(here, what) is None
    manifest.save(here)
    assert finished(here, what) == manifest
    assert here.url.endswith(f"/s/n-{fingerprint(what)[:12]}")


def test_a_folder_with_another_computation_is_refused(folder: Folder) -> None:
    """Folders show 12 digits of 64: a clash must not pass for a result."""
    Manifest("s", "n", {"n": 1}, []).save(folder)
    with pytest.raises(InputError, match="another computation"):
        finished(folder, {"n": 2})
    folder.write_json(MANIFEST, sealed({**folder.read_json(MANIFEST), "version": 99}))
    with pytest.raises(InputError, match="manifest version 99"):
        finished(folder, {"n": 1})


def test_fingerprints_do_not_depend_on_the_order_of_keys_and_depend_on_all_else() -> None:
    assert fingerprint({"a": 1, "b": [1, 2]}) == fingerprint({"b": [1, 2], "a": 1})
    assert len({fingerprint(what) for what in ({"a": 1}, {"a": 1.5}, {"a": "1"}, {"a": [1]}, {"b": 1}, {})}) == 6
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical(float("nan"))


def test_ids_seeds_and_shares_are_the_same_for_ever() -> None:
    """Golden values: old results are found by them, and held-out documents stay held out."""
    assert document_id("web", "a/b.jsonl", 17).hex() == "c251e892f89fab6757cd4a4c5ab064b5"
    assert seed("shuffle", 3) == 8583522668183272768
    assert share(bytes(16), "heldout") == 0.4471223474706474
    assert 0 <= share(os.urandom(16), "x") < 1
    assert document_id("web", "a", 1) != document_id("web", "a", 2) != document_id("we", "ba", 2)
