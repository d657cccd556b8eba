"""An output folder of an earlier version: what is in it is left alone and never taken for a result of today."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from finished import Finished
from loam import Ended, Loam

from ablations.cli import loam as doors
from curation.runtime.identity import fingerprint
from curation.runtime.store.folder import MANIFEST

TOLD = "its results have identities of an earlier version; what is missing is made anew beside them"
NEW_IN_MANIFESTS = ("files", "away", "seal", "adopted")


def changed(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text(encoding="utf8")))), encoding="utf8")


def without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: part for name, part in value.items() if name not in names}


def aged_manifest(value: dict[str, Any]) -> dict[str, Any]:
    what = without(value["what"], "identity")
    return {**without(value, *NEW_IN_MANIFESTS), "version": 1, "what": what, "fingerprint": fingerprint(what)}


def aged_record(value: dict[str, Any]) -> dict[str, Any]:
    """It named no more of a cell than its folder."""
    cells = value.get("cells")
    old = {name: each["folder"] for name, each in cells.items()} if cells else None
    return {**without(value, "identity"), **({"cells": old} if old else {})}


def age(out: Path) -> None:
    """As an earlier version left it: manifests without marks and seals, other fingerprints, measures and items within the cells."""
    for stage in ("measures", "items"):
        shutil.rmtree(out / stage)
    names: dict[str, str] = {}
    for path in sorted(out.glob(f"*/*/{MANIFEST}")):
        changed(path, aged_manifest)
        for receipt in path.parent.glob("receipts/*.json"):
            changed(receipt, lambda value: without(value, "files", "seal"))
        if path.parent.parent.name == "cells":
            (path.parent / "training.json").rename(path.parent / "result.json")
        old = path.parent.name
        names[old] = f"{old.rpartition('-')[0]}-{json.loads(path.read_text())['fingerprint'][:12]}"
        path.parent.rename(path.parent.with_name(names[old]))
    for path in (out / "runs").glob("*.json"):
        text = path.read_text(encoding="utf8")
        for old, new in names.items():
            text = text.replace(old, new)
        path.write_text(text, encoding="utf8")
        changed(path, aged_record)
    assert not [old for old in names if list(out.glob(f"*/{old}"))], "every folder has another name"


def contents(out: Path) -> dict[str, str]:
    """Hash of everything that a stage wrote."""
    plain = ("runs", "reports", "estimates")
    found = [path for path in out.rglob("*") if path.is_file() and path.parent.name not in plain]
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
        if path.name != ".lock"
    }


def only_data(found: dict[str, str]) -> dict[str, str]:
    """What holds no time, cost or mark of one."""
    no_data = (MANIFEST, "timing.json")
    return {path: digest for path, digest in found.items() if "/receipts/" not in path and not path.endswith(no_data)}


def data(out: Path) -> dict[str, str]:
    return only_data(contents(out))


@pytest.fixture(scope="module")
def whole(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished study's folder with its own record, and without what other tests may have left there."""
    out = Path(shutil.copytree(finished.out, tmp_path_factory.mktemp("whole") / "out"))
    for command in (["ablate", "run", str(finished.study)], ["gc", "--yes"]):
        assert CliRunner().invoke(doors, [*command, "--out", str(out)], catch_exceptions=False).exit_code == 0
    return out


@pytest.fixture(scope="module")
def unchanged(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An old folder for all who only ask it something; each of them shows that it left it as it was."""
    out = Path(shutil.copytree(whole, tmp_path_factory.mktemp("old") / "out"))
    age(out)
    return out


@pytest.fixture
def old(unchanged: Path, tmp_path: Path) -> Path:
    """One that may be changed."""
    return Path(shutil.copytree(unchanged, tmp_path / "out"))


def one_line(ended: Ended) -> bool:
    """Whether a refusal is one line, and no mistake of ours; warnings may stand before it."""
    refusals = [line for line in ended.err.splitlines() if line.startswith("loam: ")]
    mistaken = "mistake of ours" in ended.err or "Traceback" in ended.err + ended.out
    return not mistaken and refusals == ended.err.splitlines()[-1:] * bool(ended.code)


def test_a_run_says_so_in_one_line_and_makes_everything_anew_beside_it(
    finished: Finished, whole: Path, old: Path, loam: Loam
) -> None:
    """If this fails, an upgrade ends in a crash, or in a report over results of two versions."""
    before = contents(old)
    ended = loam("study", finished.study, "--out", old)
    assert ended.code == 0, ended.err
    assert [line for line in ended.err.splitlines() if TOLD in line] == [
        f"{old}: {TOLD}. `loam gc` lists what is then unused."
    ]
    after = contents(old)
    assert {path: after.get(path) for path in before} == before, "what is old stays as it was"
    assert data(old).items() >= data(whole).items(), "the results are those of an empty folder"
    assert data(old).keys() == data(whole).keys() | only_data(before).keys()
    report = json.loads((old / "reports" / "small.json").read_text(encoding="utf8"))
    assert report["measures"] == finished.report["measures"]
    again = loam("study", finished.study, "--out", old)
    assert (again.code, TOLD in again.err) == (0, False), "it is told once"


def test_gc_takes_what_is_old_once_a_run_has_made_it_anew(
    finished: Finished, whole: Path, old: Path, loam: Loam
) -> None:
    before = {path.parent for path in old.glob(f"*/*/{MANIFEST}")}
    kept = loam("gc", "--out", old)
    assert "0 unused results" in kept.out, "until then its own records name it"
    assert loam("ablate", "run", finished.study, "--out", old).code == 0
    removed = loam("gc", "--out", old, "--yes")
    assert removed.code == 0, removed.err
    assert f"{len(before)} unused results removed" in removed.out
    assert not [path for path in before if path.exists()]
    assert data(old) == data(whole)
    assert loam("verify", old).code == 0


COMMANDS = {
    "status": "ablate status {study} --out {out}",
    "report": "ablate report {study} --out {out}",
    "compare": "ablate compare {study} english both --measure bits_per_byte.english --out {out}",
    "measure": "ablate measure {study} --out {out}",
    "measure a cell": "ablate measure english --out {out}",
    "explain a reading": "ablate explain english_s0 bits_per_byte.english --out {out}",
    "explain a document": "curate explain {out} english-3 --text",
    "what-if": "curate what-if {out} --set policy.defaults.keep.vowel_share.share.max=0.2",
    "sample": "curate sample {out}",
    "sample of quarantined": "curate sample {out} --quarantined",
    "export": "ablate export english_s0 {out}/../model --out {out}",
    "plan": "ablate plan {study} --pilot {out} --set claims=[]",
    "adopt": "ablate adopt {study} --out {out}",
    "tokenizer train": "tokenizer train {out}/runs/small.json --out {out}/../other --sources english --vocab-size 500",
    "gc": "gc --out {out}",
    "gc of weights": "gc --checkpoints --out {out}",
    "verify": "verify {out}",
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_whoever_asks_it_something_gets_an_answer_or_one_line(
    finished: Finished, unchanged: Path, loam: Loam, command: str
) -> None:
    """What runs nothing cannot make it anew; it says what is the matter."""
    before = contents(unchanged)
    ended = loam(*(word.format(study=finished.study, out=unchanged) for word in command.split()))
    assert one_line(ended), ended.err
    assert contents(unchanged) == before


def test_verify_knows_nothing_of_what_is_old(unchanged: Path, loam: Loam) -> None:
    ended = loam("verify", unchanged, "--json")
    found = json.loads(ended.out)
    assert {each["state"] for each in found} == {"unknown"}
    manifests = [each for each in found if each["path"].endswith(MANIFEST)]
    assert manifests
    assert all("manifest version 1" in each["why"] for each in manifests)
