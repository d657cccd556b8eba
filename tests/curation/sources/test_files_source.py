"""Which files a source reads, how it splits them, and what it says when there is nothing to read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from jsonl_writer import WriteJsonl

from curation.recipes.recipe import make_source
from curation.runtime.errors import ConfigError, InputError
from curation.sources import plain_text
from curation.sources.base import Row, Unreadable
from curation.sources.files import Files
from curation.sources.registry import SOURCES


def plan(path: str | tuple[str, ...], root: Path, piece_bytes: int = 10**9) -> list[str]:
    return [piece.path for piece in Files(path=path).plan("s", str(root), piece_bytes)]


@pytest.fixture
def root(tmp_path: Path, write_jsonl: WriteJsonl) -> Path:
    for name in ("in/b.jsonl", "in/a.jsonl.gz", "in/deep/c.jsonl.zst", "in/.hidden.jsonl", "in/.git/x.jsonl"):
        write_jsonl(name, [{"text": "a"}])
    (tmp_path / "in/notes.MD").write_text("# 제목\n", encoding="utf8")
    (tmp_path / "in/picture.png").write_bytes(b"png")
    return tmp_path


def test_a_folder_is_read_with_all_below_it_in_a_fixed_order(root: Path) -> None:
    """The order decides which shard a document lies in; hidden files and unknown endings are not text."""
    assert plan("in", root) == ["a.jsonl.gz", "b.jsonl", "deep/c.jsonl.zst", "notes.MD"]
    assert plan("in/*.jsonl", root) == ["b.jsonl"]
    assert plan("in/**/*.zst", root) == ["deep/c.jsonl.zst"]
    assert plan("in/b.jsonl", root) == ["b.jsonl"]
    assert plan(("in/b.jsonl", "in/deep"), root) == ["b.jsonl", "c.jsonl.zst"]
    assert plan(str(root / "in/b.jsonl"), Path("/nowhere")) == ["b.jsonl"]


def test_a_home_folder_is_found(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(root))
    assert plan("~/in/b.jsonl", Path("/nowhere")) == ["b.jsonl"]


def test_two_files_of_one_relative_path_are_refused(root: Path, write_jsonl: WriteJsonl) -> None:
    """Their documents would have the same ids."""
    write_jsonl("other/b.jsonl", [{"text": "x"}])
    with pytest.raises(InputError, match=r"a second file is called 'b\.jsonl'"):
        plan(("in", "other"), root)


def test_a_file_named_twice_is_read_once(root: Path) -> None:
    assert plan(("in/b.jsonl", "in/*.jsonl"), root) == ["b.jsonl"]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("none", "no such file or folder"),
        ("in/*.csv", "no file there"),
        ("in/picture.png", "no file with a known ending"),
    ],
)
def test_nothing_to_read_is_an_error_that_names_the_place(path: str, found: str, root: Path) -> None:
    """A typing mistake in a path must not give an empty corpus."""
    with pytest.raises(InputError, match=found):
        plan(path, root)


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX only")
def test_a_name_that_is_not_utf8_is_refused_before_anything_runs(root: Path) -> None:
    """A file's relative path enters ids and manifests, which are UTF-8."""
    (root / "in" / os.fsdecode(b"caf\xe9.jsonl")).write_bytes(b'{"text": "a"}\n')
    with pytest.raises(InputError, match="its name is not UTF-8"):
        plan("in", root)


def test_plain_files_are_split_by_bytes_and_compressed_ones_are_not(root: Path, write_jsonl: WriteJsonl) -> None:
    rows = [{"text": f"{i} " * 20} for i in range(400)]
    for name in ("big/a.jsonl", "big/b.jsonl.gz"):
        write_jsonl(name, rows)
    pieces = Files(path="big").plan("s", str(root), 3_000)
    assert len([p for p in pieces if p.path == "a.jsonl"]) > 5
    assert len([p for p in pieces if p.path == "b.jsonl.gz"]) == 1
    assert all(piece.bytes <= 3_000 for piece in pieces if piece.path == "a.jsonl")
    found = [row.text for piece in pieces for row in Files(path="big").read("s", piece) if isinstance(row, Row)]
    assert found == [row["text"] for row in rows] * 2


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.parquet", "a.txt"])
def test_an_empty_file_is_one_record(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    source = Files(path=name)
    (piece,) = source.plan("s", str(tmp_path), 1000)
    assert list(source.read("s", piece)) == [Unreadable(name, 0, "empty file")]


def test_a_text_file_is_one_document(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf" + "첫 줄\n둘째 줄\n".encode())
    (tmp_path / "b.md").write_bytes("latin \xe9".encode("latin1"))
    source = Files(path=".")
    a, b = (row for piece in source.plan("s", str(tmp_path), 10) for row in source.read("s", piece))
    assert a == Row("첫 줄\n둘째 줄\n", "a.txt", 0)
    assert isinstance(b, Unreadable)
    assert b.reason == "not UTF-8: byte 6"


def test_content_and_not_place_is_what_a_source_is(root: Path) -> None:
    """Moving the input must not compute everything anew, and editing it must."""
    (root / "moved").mkdir()
    (root / "moved/b.jsonl").write_bytes((root / "in/b.jsonl").read_bytes())
    (here,), (there,) = (Files(path=f"{folder}/b.jsonl").plan("s", str(root), 10**9) for folder in ("in", "moved"))
    assert here.content == there.content
    assert Files(path="in").what() == Files(path="moved").what()
    (root / "moved/b.jsonl").write_bytes(b'{"text": "b"}\n')
    assert Files(path="moved/b.jsonl").plan("s", str(root), 10**9)[0].content != here.content


@pytest.mark.parametrize("kind", SOURCES.classes())
def test_a_kind_of_source_has_a_docstring_and_refuses_unknown_keys(kind: str) -> None:
    assert (SOURCES.classes()[kind].__doc__ or "").strip()
    with pytest.raises(ConfigError, match="source s"):
        make_source("s", {"kind": kind, "nonsense": 1}, ())


@pytest.mark.parametrize(
    "settings", [{"path": ""}, {"path": []}, {"path": ["a", " "]}, {}, {"path": "a", "format": "csv"}]
)
def test_settings_that_name_nothing_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        make_source("s", {"kind": "files", **settings}, ())


def test_a_file_that_changes_or_goes_after_the_plan_is_refused(root: Path) -> None:
    """Its rows would stand under the hash of another content."""
    source = Files(path="in/b.jsonl")
    (piece,) = source.plan("s", str(root), 10**9)
    rows = source.read("s", piece)
    next(rows)
    (root / "in/b.jsonl").write_bytes(b'{"text": "longer than before"}\n')
    with pytest.raises(InputError, match="the file changed after the run had begun"):
        list(rows)
    with pytest.raises(InputError, match="the file changed after the run had begun"):
        next(source.read("s", piece))
    (root / "in/b.jsonl").unlink()
    with pytest.raises(InputError, match="the file is gone"):
        next(source.read("s", piece))


def test_a_text_that_memory_cannot_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_text, "MOST_LINE_BYTES", 50)
    (tmp_path / "a.txt").write_bytes(b"x" * 50)
    (tmp_path / "b.txt").write_bytes(b"x" * 51)
    source = Files(path=".")
    a, b = (row for piece in source.plan("s", str(tmp_path), 10**9) for row in source.read("s", piece))
    assert isinstance(a, Row)
    assert isinstance(b, Unreadable)
    assert b.reason == "text too long: more than 50 bytes"
