"""Whatever is wrong with files or configs ends as quarantine, or as one line and a non-zero exit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
import zstandard
from loam import Ended, Loam
from small_study import ENGLISH, document

from curation.models.language_id import locate
from curation.passes.ingest import read_stage
from curation.recipes import loading
from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import StageError
from curation.runtime.stages.stages import run_stage
from curation.runtime.store.folder import MANIFEST, Folder, open_out
from curation.runtime.store.lock import sole_run


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


def finished_runs(out: Path) -> list[str]:
    """Records of runs; what a run that failed has begun is named beside them, for the next one."""
    return [path.name for path in (out / "runs").glob("*") if not path.name.endswith(".started.json")]


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
        ({"plugins": 3}, ("plugins", "3", "list of names")),
        ({"only": 3}, ("only", "3", "list of names")),
        ({"only": ["wbe"]}, ("wbe", "web")),
        ({"only": ["web"], "passes": "clean"}, ("passes", "'clean'")),
        ({"only": ["web"], "passes": [{"name": "p"}]}, ("passes.0.annotators",)),
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
        (
            "claims=[{goes_with: {measure_x: bits_per_byte.wob, measure_y: bits_per_byte.web}}]",
            ("'wob'", "source of this study"),
        ),
        ("plugins=3", ("plugins", "3", "list of names")),
        ("recipe.plugins=3", ("plugins", "3", "list of names")),
        ("recipe.passes=[clean]", ("passes.0", "'clean'")),
        ("recipe.sources=web", ("sources", "'web'")),
    ):
        path.write_text(yaml.safe_dump(study), encoding="utf8")
        refused(loam("study", path, "--out", data.parent / "out", "--set", change), *words)
    assert not list((data.parent / "out").glob("read")), "it was refused before any text was read"


ONE_PASS = [
    {
        "name": "select",
        "annotators": ["char_classes", "exact_hash"],
        "policy": {"defaults": {"duplicates": "exact_hash"}},
    }
]


def curated(data: Path, loam: Loam, **changes: object) -> tuple[dict[str, Any], str]:
    """The funnel of `web` after a run with one pass, and what the run printed."""
    ended = loam("curate", "run", recipe(data.parent, **{"passes": ONE_PASS, **changes}), "--out", data.parent / "out")
    assert ended.code == 0, ended.err
    record = json.loads((data.parent / "out" / "runs" / "bad.json").read_text(encoding="utf8"))
    return record["funnel"]["web"], ended.out


def test_a_line_of_50_mb_is_a_document_like_any_other(data: Path, loam: Loam) -> None:
    """Some crawl has it; it must neither stop the run nor be lost, and the pieces that it spans must not read it twice."""
    lines = [json.dumps({"text": "a long line " * 4_200_000}), *rows(3)]
    (data / "plain.jsonl").write_text("\n".join(lines), encoding="utf8")
    (data / "packed.jsonl.zst").write_bytes(zstandard.compress("\n".join(lines).encode()))
    funnel, _ = curated(data, loam, shard_bytes=10_000_000)
    assert (funnel["rows"], funnel["quarantined"], funnel["curated"]) == (8, 0, 4)
    assert funnel["passes"]["select"]["chars_in"] > 2 * 50_000_000


def test_nul_characters_and_lone_surrogates_are_repaired_and_counted(data: Path, loam: Loam) -> None:
    good, text = rows(2), document(ENGLISH, 7)
    nul = json.dumps({"id": "n\0ul", "text": text[:40] + "\0\0" + text[40:]})
    lone = json.dumps({"id": "lone", "text": text + " \ud800 and \udfff"})
    both = json.dumps({"id": "\udc80", "text": "\0" + document(ENGLISH, 8)})
    (data / "a.jsonl").write_text("\n".join([*good, nul, lone, both]), encoding="utf8")
    funnel, printed = curated(data, loam)
    assert funnel["repaired"] == {"NUL characters": 2, "lone surrogates": 2}
    assert (funnel["rows"], funnel["curated"]) == (5, 5), "a document that was repaired is a document"
    assert "warning: source web: lone surrogates replaced or removed in 2 documents" in printed
    page = (data.parent / "out" / "reports" / "bad.curation.html").read_text(encoding="utf8")
    assert "NUL characters replaced or removed in 2 documents" in page
    assert "\ufffd and \ufffd" in loam("curate", "explain", data.parent / "out", "lone", "--text").out
    assert "\0" not in loam("curate", "explain", data.parent / "out", "nul", "--text").out


def test_documents_of_one_id_all_stay_and_are_told_of(data: Path, loam: Loam) -> None:
    """Ids of the input are not always unique; what we lose or confuse by them nobody would find again."""
    for name, start in (("a.jsonl", 0), ("b.jsonl", 50)):
        texts = [document(ENGLISH, start + i) for i in range(5)]
        ids = ["twice", f"{start}", "twice" if start else "three", f"x{start}", 7]
        lines = [json.dumps({"id": id_, "text": text}) for id_, text in zip(ids, texts, strict=True)]
        (data / name).write_text("\n".join(lines), encoding="utf8")
    funnel, printed = curated(data, loam, shard_bytes=2000)
    assert funnel["repeated_ids"] == {"documents": 5, "ids": 2}, "no id itself: the record is passed on"
    assert funnel["curated"] == 10
    assert (
        "5 documents share 2 ids; all of them stay. The run's record says where they lie: stages.web.repeated_ids"
        in printed
    )
    record = json.loads((data.parent / "out" / "runs" / "bad.json").read_text(encoding="utf8"))
    listed = Path(data.parent, "out", record["stages"]["web"]["repeated_ids"])
    assert {row for file in listed.glob("*.parquet") for row in pq.read_table(file)["user_id"].to_pylist()} == {
        "7",
        "twice",
    }
    refused(loam("curate", "explain", data.parent / "out", "twice"), "twice", "3 documents have this id")


def test_a_file_that_changes_between_plan_and_run_fails_its_stage(data: Path, out: Folder, compute: Compute) -> None:
    """Its shards would bear the fingerprint of what the file held before."""
    (data / "a.jsonl").write_text("\n".join(rows(5)), encoding="utf8")
    (data / "b.jsonl").write_text("\n".join(rows(5)), encoding="utf8")
    loaded = loading.load_recipe(str(recipe(data.parent, passes=ONE_PASS)))
    stage = read_stage(loaded, "web")
    (data / "b.jsonl").write_text("\n".join(rows(6)), encoding="utf8")
    with pytest.raises(StageError, match=r"b\.jsonl: the file changed after the run had begun\. Run again"):
        run_stage(stage, out, compute)
    folder = stage.outputs["documents"].folder(out)
    assert not folder.exists(MANIFEST)
    assert not (folder / "receipts").names()
    (data / "b.jsonl").unlink()
    with pytest.raises(StageError, match=r"b\.jsonl: the file is gone"):
        run_stage(stage, out, compute)


def test_a_file_that_changed_since_the_last_run_is_read_anew(data: Path, loam: Loam) -> None:
    (data / "a.jsonl").write_text("\n".join(rows(5)), encoding="utf8")
    assert curated(data, loam)[0]["rows"] == 5
    (data / "a.jsonl").write_text("\n".join(rows(6)), encoding="utf8")
    assert curated(data, loam)[0]["rows"] == 6


def test_files_of_no_known_format_are_told_of(data: Path, loam: Loam) -> None:
    """A year of a corpus under another ending must not be missing in silence."""
    (data / "a.jsonl").write_text("\n".join(rows(5)), encoding="utf8")
    (data / "b.warc").write_text("WARC/1.0", encoding="utf8")
    funnel, told = curated(data, loam)
    assert (funnel["rows"], funnel["left_out"]) == (5, ["b.warc"])
    assert "1 files of no known format were not read, such as b.warc" in told


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pa.array([1, 2]), ("holds int64", "Point fields.text")),
        (pa.array([["a"], ["b"]]), ("holds list",)),
        (pa.array([b"a", b"b"]), ("holds binary",)),
        (pa.array([{"a": "b"}, None]), ("holds struct",)),
        (pa.array([1, 2]).dictionary_encode(), ("holds int64",)),
    ],
    ids=["int", "list", "binary", "struct", "dictionary of int"],
)
def test_a_parquet_column_of_another_type_is_refused_in_one_line(
    data: Path, loam: Loam, column: pa.Array, words: tuple[str, ...]
) -> None:
    pq.write_table(pa.table({"text": column}), data / "a.parquet")
    out = data.parent / "out"
    refused(loam("curate", "run", recipe(data.parent), "--out", out), "a.parquet", "column 'text'", *words)
    assert not finished_runs(out)


def test_text_columns_of_every_type_are_one_source(data: Path, loam: Loam) -> None:
    """A folder that grew over years holds all of them; one file without any text must not stop the others."""
    texts = pa.array([document(ENGLISH, i) for i in range(2)])
    for n, type_ in enumerate((pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()))):
        pq.write_table(
            pa.table({"text": texts.cast(type_)}),
            data / f"{n}.parquet",
        )
    pq.write_table(pa.table({"text": pa.nulls(2)}), data / "none.parquet")
    funnel, _ = curated(data, loam)
    assert (funnel["rows"], funnel["quarantined"], funnel["dropped"]) == (8, 2, {"select: exact_duplicate": 4})


@pytest.mark.parametrize("share", [0, 0.1, 0.999, None])
def test_a_model_file_that_is_not_whole_is_refused_in_one_line(data: Path, loam: Loam, share: float | None) -> None:
    """An interrupted download: fastText itself would run for ever in one of these, and give noise in another."""
    (data / "a.jsonl").write_text("\n".join(rows(2)), encoding="utf8")
    model = Path(locate(None)).read_bytes()
    (data.parent / "lid.ftz").write_bytes(model[: int(len(model) * share)] if share is not None else b"no model" * 99)
    passes = [{"name": "select", "annotators": [{"kind": "language", "model": str(data.parent / "lid.ftz")}]}]
    ended = loam("curate", "run", recipe(data.parent, passes=passes), "--out", data.parent / "out")
    refused(ended, "lid.ftz", "not a fastText model", "language.model")


def policy_of(**rules: object) -> dict[str, object]:
    """A recipe's passes whose only rule drops every document, with further rules."""
    keep = {"char_classes": {"chars": {"min": 10**9}}}
    policy = {"defaults": {"keep": keep, **rules}}
    return {"passes": [{"name": "select", "annotators": ["char_classes"], "policy": policy}]}


def test_a_policy_that_drops_everything_of_a_source_is_an_alarm(data: Path, loam: Loam) -> None:
    (data / "a.jsonl").write_text("\n".join(rows(3)), encoding="utf8")
    funnel, printed = curated(data, loam, **policy_of())
    assert funnel["curated"] == 0
    alarm = "alarm: pass select drops all 3 documents of source web, 3 of them for char_classes.chars:low"
    assert alarm in printed
    assert f'<li class="alarm">{alarm}' in (data.parent / "out" / "reports" / "bad.curation.html").read_text("utf8")


def test_a_source_that_loses_more_than_its_policy_allows_ends_the_run(data: Path, loam: Loam) -> None:
    """A threshold with a wrong digit must not cost a night of training on what little is left."""
    (data / "a.jsonl").write_text("\n".join(rows(3)), encoding="utf8")
    value, out = recipe(data.parent, **policy_of(most_dropped=0.9)), data.parent / "out"
    ended = loam("curate", "run", value, "--out", out)
    refused(ended, "pass select", "source web loses 3 of 3 documents", "char_classes.chars:low", "most_dropped is 0.9")
    assert not finished_runs(out)
    assert not list(out.glob("curated/*/*.parquet")), "nothing was written by the rules that are refused"
    raised = ("--set", "passes.select.policy.sources.web.most_dropped=1.0")
    assert loam("curate", "run", value, "--out", out, *raised).code == 0
