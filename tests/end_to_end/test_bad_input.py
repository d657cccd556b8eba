"""Whatever is wrong with files or configs ends as quarantine, or as one line and a non-zero exit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
import zstandard
from loam import Ended, Loam
from small_study import ENGLISH, document

from curation.runtime.lock import sole_run
from curation.runtime.store import open_out


def rows(n: int) -> list[str]:
    return [json.dumps({"id": str(i), "text": document(ENGLISH, i)}) for i in range(n)]


def recipe(folder: Path, **changes: object) -> Path:
    """A recipe with one source, `web`, in the folder `data`."""
    value = {"name": "bad", "data_root": str(folder), "sources": {"web": {"kind": "files", "path": "data"}}, **changes}
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(value), encoding="utf8")
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def refused(ended: Ended, *words: str) -> None:
    """One line that says what is wrong, no traceback, and an exit code that is not zero."""
    assert ended.code != 0
    assert "Traceback" not in ended.err + ended.out
    lines = [line for line in ended.err.splitlines() if line.startswith("loam:")]
    assert len(lines) == 1, ended.err
    for word in words:
        assert word in lines[0]


def test_rows_that_cannot_be_read_go_to_quarantine(data: Path, loam: Loam) -> None:
    packed = zstandard.compress("\n".join(rows(400)).encode())
    (data / "cut.jsonl.zst").write_bytes(packed[: len(packed) // 2])
    lines = [r.encode() for r in rows(5)]
    lines[1:1] = [b"{no json", b'{"text": "\xff\xfe"}', b'{"words": "x"}', b'{"text": 7}', b"[1]"]
    (data / "dirt.jsonl").write_bytes(b"\n".join(lines))
    (data / "empty.jsonl").write_bytes(b"")
    ended = loam("curate", "run", recipe(data.parent), "--out", data.parent / "out")
    assert ended.code == 0, ended.err
    record = json.loads((data.parent / "out" / "runs" / "bad.json").read_text(encoding="utf8"))
    funnel = record["funnel"]["web"]
    assert funnel["quarantined"] == 7
    assert funnel["rows"] == funnel["curated"] + sum(funnel["dropped"].values()) + funnel["quarantined"]
    shown = loam("curate", "sample", data.parent / "out", "--quarantined").out
    for words in (
        "cut.jsonl.zst, offset",
        "not JSON",
        "not UTF-8",
        "no field 'text'",
        "holds int",
        "list",
        "empty.jsonl, offset 0",
    ):
        assert words in shown


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sorces": {}}, ("sorces", "sources", "passes")),
        ({"sources": {"web": {"kind": "files", "pth": "x"}}}, ("pth", "path")),
        ({"sources": {"web": {"kind": "files", "path": "nothing_here"}}}, ("nothing_here", "no such file")),
        ({"sources": {"web": {"kind": "fils", "path": "x"}}}, ("fils", "files")),
        ({"sources": {"Web Site": {"kind": "files", "path": "x"}}}, ("Web Site",)),
        ({"passes": [{"name": "p", "annotators": ["gopher_word"]}]}, ("gopher_word", "gopher_words")),
        (
            {
                "passes": [
                    {
                        "name": "p",
                        "annotators": ["gopher_words"],
                        "policy": {"defaults": {"keep": {"gopher_words": {"wrds": {"min": 1}}}}},
                    }
                ]
            },
            ("wrds", "words"),
        ),
        ({"plugins": ["missing.py"]}, ("missing.py",)),
        ({"shard_bytes": "many"}, ("shard_bytes", "many")),
    ],
)
def test_a_wrong_config_is_one_line_that_lists_what_is_known(
    data: Path, loam: Loam, changes: dict[str, object], words: tuple[str, ...]
) -> None:
    (data / "a.jsonl").write_text("\n".join(rows(2)), encoding="utf8")
    out = data.parent / "out"
    refused(loam("curate", "run", recipe(data.parent, **changes), "--out", out), *words)
    assert not (out / "runs").exists(), "nothing half-written"


def test_a_missing_recipe_and_a_missing_run_are_one_line(tmp_path: Path, loam: Loam) -> None:
    refused(loam("curate", "run", tmp_path / "no.yaml"), "no.yaml", "no such file")
    refused(loam("study", tmp_path / "no.yaml"), "no.yaml")
    refused(loam("curate", "what-if", tmp_path, "--set", "policy.a=1"), "no finished run")
    refused(loam("curate", "explain", tmp_path / "x.json", "abc"), "x.json")
    refused(loam("gc", "--out", tmp_path), "no runs/")


def test_two_runs_in_one_folder_are_kept_apart(data: Path, loam: Loam) -> None:
    (data / "a.jsonl").write_text("\n".join(rows(2)), encoding="utf8")
    out = data.parent / "out"
    with sole_run(open_out(str(out))):
        refused(loam("curate", "run", recipe(data.parent), "--out", out), "another run")
    assert loam("curate", "run", recipe(data.parent), "--out", out).code == 0


def test_an_arm_without_any_document_is_refused_with_the_reason(data: Path, loam: Loam) -> None:
    (data / "a.jsonl").write_text('{"text": "short"}\n', encoding="utf8")
    study = {
        "name": "bad",
        "recipe": {"data_root": str(data.parent), "sources": {"web": {"kind": "files", "path": "data"}}},
        "arms": {"web": {"mixture": {"web": 1}}},
        "cells": {
            "model": {"layers": 1, "width": 8, "heads": 1, "context": 48},
            "schedule": {"tokens": 4096, "batch": 2},
        },
        "controls": {"documents": 10},
    }
    path = data.parent / "study.yaml"
    path.write_text(yaml.safe_dump(study), encoding="utf8")
    refused(
        loam("ablate", "run", path, "--out", data.parent / "out"),
        "web",
        "none of its 1 rows was kept",
        "char_classes.chars:low",
    )


def test_a_study_with_a_wrong_cell_is_refused_before_anything_runs(data: Path, loam: Loam) -> None:
    (data / "a.jsonl").write_text("\n".join(rows(2)), encoding="utf8")
    study = {
        "recipe": {"data_root": str(data.parent), "sources": {"web": {"kind": "files", "path": "data"}}},
        "arms": {"web": {"mixture": {"web": 1}}},
        "cells": {
            "model": {"layers": 1, "width": 9, "heads": 2, "context": 48},
            "schedule": {"tokens": 4096, "batch": 2},
        },
    }
    path = data.parent / "study.yaml"
    for change, words in (
        ("seeds=2", ("heads",)),
        ("arms.web.mixture.wib=1", ("wib", "web")),
        ("cells.modle=1", ("modle", "model")),
        ("metrics=[bits]", ("bits", "bits_per_byte")),
        ("tasks=[nsmcc]", ("nsmcc", "control_map")),
        ("claims=[{emerge: {arm: web}}]", ("emerge", "emerges")),
        ("claims=[{emerges: {arm: wob}}]", ("wob", "web")),
    ):
        path.write_text(yaml.safe_dump(study), encoding="utf8")
        refused(loam("study", path, "--out", data.parent / "out", "--set", change), *words)
    assert not list((data.parent / "out").glob("read")), "it was refused before any text was read"
