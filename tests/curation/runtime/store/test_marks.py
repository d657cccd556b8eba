"""By its mark a damaged file is known, by its seal a damaged record: no accident passes."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path
from typing import Any

import pytest
from damages import flips, replace
from hypothesis import given
from hypothesis import strategies as st

from curation.runtime.store.folder import Folder
from curation.runtime.store.marks import SEAL, Mark, MarkingFolder, is_sealed, marks_in, seal, sealed

PART = bytes(range(256)) * 3
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1, 1) | st.text("aé한", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3),
)


@pytest.fixture(params=["disk", "object store"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> MarkingFolder:
    return MarkingFolder(str(tmp_path / "f") if request.param == "disk" else f"memory://{uuid.uuid4().hex}/f")


@pytest.mark.parametrize("content", [b"", b"a", PART], ids=len)
def test_a_file_and_its_bytes_have_one_mark(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert Mark.of_file(str(tmp_path / "a")) == Mark.of_bytes(content)


def test_the_hash_is_the_same_for_ever() -> None:
    """Golden: manifests of years ago are held against it."""
    assert Mark.of_bytes(b"") == Mark(0, "99aa06d3014798d86001c324468d497f")
    assert Mark.of_bytes(PART) == Mark(768, "a9ee10cbf43517e44066a57f4496584a")


def test_every_flipped_bit_of_a_part_makes_another_mark() -> None:
    assert Mark.of_bytes(PART) not in {Mark.of_bytes(each) for each in flips(PART, "part")}


def test_a_file_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    """Marks are kept for the process; one of an older file would let a newer, damaged one through."""
    path = tmp_path / "a"
    path.write_bytes(PART)
    assert Mark.of_file(str(path)) == Mark.of_bytes(PART)
    for content in list(flips(PART, "replaced"))[:50]:
        replace(path, content)
        assert Mark.of_file(str(path)) == Mark.of_bytes(content)


def test_whatever_is_written_below_a_folder_is_marked_under_its_path(folder: MarkingFolder) -> None:
    folder.write("a.bin", b"old")
    folder.write("a.bin", PART)
    (folder / "deep").write_json("b.json", {"k": "한"})
    with (folder / "deep" / "er").draft("c") as path:
        Path(path).write_bytes(b"c")
    assert folder.marks == {name: Mark.of_bytes(folder.read(name)) for name in ("a.bin", "deep/b.json", "deep/er/c")}


def test_a_draft_that_failed_is_not_marked(folder: MarkingFolder) -> None:
    def write_half() -> None:
        with folder.draft("a") as path:
            Path(path).write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert folder.marks == {}


def test_marks_come_back_from_json() -> None:
    marks = {"a": Mark.of_bytes(PART)}
    assert marks_in(json.loads(json.dumps({name: list(mark) for name, mark in marks.items()}))) == marks


@given(value=st.dictionaries(st.text("abc", max_size=2), JSON, max_size=4))
def test_a_sealed_value_is_sealed_after_json_and_in_any_order_of_keys(value: dict[str, Any]) -> None:
    again = json.loads(json.dumps(sealed(value)))
    assert is_sealed(again)
    assert is_sealed(dict(reversed(list(again.items()))))
    assert is_sealed(sealed(again)), "a seal says nothing about the seal before it"


@given(value=st.dictionaries(st.text("abc", max_size=2), JSON, max_size=4), other=JSON)
def test_another_value_breaks_the_seal(value: dict[str, Any], other: Any) -> None:
    changed = {**sealed(value), "a": other}
    assert is_sealed(changed) == (seal(changed) == seal(value))
    assert not is_sealed({**sealed(value), "new": 1})
    assert not is_sealed(value)
    assert not is_sealed({**value, SEAL: ""})


def test_every_flipped_bit_of_a_sealed_file_is_found(tmp_path: Path) -> None:
    Folder(str(tmp_path)).write_json("a.json", sealed({"n": [1, 2.5, None], "words": "é 한", "deep": {"x": "y"}}))
    for each in flips((tmp_path / "a.json").read_bytes(), "sealed"):
        try:
            value = json.loads(each)
        except ValueError:
            continue
        assert not is_sealed(value)


def test_a_name_never_comes_before_its_content_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a loss of power leaves a manifest that lists what is not there."""
    done: list[str] = []

    def note(name: str) -> None:
        real = getattr(os, name)

        def noted(*arguments: object) -> None:
            done.append(name)
            real(*arguments)

        monkeypatch.setattr(os, name, noted)

    note("fsync")
    note("replace")
    Folder(str(tmp_path)).write("a", b"a")
    assert done == ["fsync", "replace"]
