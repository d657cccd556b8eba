"""Everything on an object store: inputs, outputs, and the questions asked of a finished run. The server speaks S3."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
import zstandard
from loam import Loam
from small_study import ENGLISH, KOREAN, document

from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import ConfigError, InputError
from curation.runtime.store.folder import Folder, open_out
from curation.sources.base import Row
from curation.sources.files import Files

pytest.importorskip("s3fs", reason="needs the extra s3")
pytest.importorskip("moto.server", reason="needs the extra dev")

PASSES = [
    {
        "name": "clean",
        "annotators": ["char_classes", "repeated_lines", "exact_hash"],
        "policy": {"defaults": {"cut": {"repeated_lines": "all"}, "duplicates": "exact_hash"}},
    },
    {
        "name": "select",
        "annotators": ["language", "gopher_words", "pii", "exact_hash"],
        "policy": {
            "defaults": {
                "keep": {"gopher_words": {"words": {"min": 60}}},
                "replace": {"pii": "all"},
                "duplicates": "exact_hash",
            }
        },
    },
]


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """What a user's shell holds: the address of the store and the keys. Workers inherit it."""
    server = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("support") / "object_store.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert server.stdin
    assert server.stdout
    url = server.stdout.readline().decode().strip()
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    yield {**keys, "AWS_ENDPOINT_URL": url}
    server.stdin.close()
    server.wait(timeout=20)


@pytest.fixture
def bucket(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty bucket, which this process can reach too."""
    import fsspec

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    name = f"corpora-{uuid.uuid4().hex[:8]}"
    fsspec.filesystem("s3").mkdir(name)
    return f"s3://{name}"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two sources: compressed and plain JSONL, which is split, and Parquet in several row groups."""
    for name, words in (("english", ENGLISH), ("korean", KOREAN)):
        rows = [{"id": f"{name}-{i}", "text": document(words, i, 4 + i % 12)} for i in range(40)]
        rows[3]["text"] += "\nWrite to someone@example.org today."
        rows.append({"id": f"{name}-copy", "text": rows[7]["text"]})
        lines = [*(json.dumps(row, ensure_ascii=False) for row in rows), "{not json"]
        folder = tmp_path / "in" / name
        folder.mkdir(parents=True)
        (folder / "a.jsonl.zst").write_bytes(zstandard.compress("\n".join(lines[:15]).encode()))
        (folder / "b.jsonl").write_text("\n".join(lines[15:]), encoding="utf8")
        pq.write_table(pa.Table.from_pylist(rows[:20]), folder / "c.parquet", row_group_size=7)
    return tmp_path / "in"


def upload(local: Path, url: str) -> None:
    for path in local.rglob("*"):
        if path.is_file():
            Folder(url).write(str(path.relative_to(local)), path.read_bytes())


def recipe(folder: Path, root: str) -> Path:
    sources = {name: {"kind": "files", "path": f"{root}/{name}"} for name in ("english", "korean")}
    path = folder / "store.yaml"
    value = {"name": "store", "sources": sources, "passes": PASSES, "shard_bytes": 12_000}
    path.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf8")
    return path


def run(*arguments: object) -> str:
    """`loam curate run` in a process of its own with its own Ray, which inherits the keys; returns what it printed."""
    command = [sys.executable, "-m", "ablations.cli", "curate", "run", *map(str, arguments), "--workers", "2"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=400, env=dict(os.environ), check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Commands in this process that may start no job; gives what they print."""
    loam = Loam(monkeypatch, capsys)

    def answer(*arguments: object) -> str:
        monkeypatch.setattr(Compute, "connect", lambda _: pytest.fail("there was nothing to do"))
        ended = loam(*arguments)
        assert ended.code == 0, ended.err
        return ended.out

    return answer


def contents(out: str) -> dict[str, str]:
    """Hash of every data file by its path below `out`."""
    import fsspec

    fs, root = fsspec.core.url_to_fs(out)
    files = [path for path in fs.find(root) if path.endswith(".parquet")]
    return {path[len(root) :]: hashlib.sha256(fs.cat_file(path)).hexdigest() for path in files}


def record(out: str) -> dict[str, Any]:
    return Folder(f"{out}/runs").read_json("store.json")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_on_an_object_store_is_a_run_on_a_disk(
    corpus: Path, tmp_path: Path, bucket: str, ask: Callable[..., str]
) -> None:
    """If this fails, a cluster without a shared disk cannot be used, or gives other corpora than a laptop."""
    here, there = str(tmp_path / "out"), f"{bucket}/some/out"
    upload(corpus, f"{bucket}/in")
    printed = run(recipe(tmp_path, str(corpus)), "--out", here)
    on_store = recipe(tmp_path, f"{bucket}/in")
    assert run(on_store, "--out", there).replace(there, here) == printed
    assert contents(there) == contents(here)
    assert record(there)["stages"] == record(here)["stages"]

    assert ask("curate", "run", on_store, "--out", there).replace(there, here) == printed
    for command, *rest in (
        ("what-if", "--set", "policy.defaults.keep.gopher_words.words.min=100"),
        ("explain", "english-25", "--text"),
        ("sample", "--kept"),
        ("sample", "--removed"),
        ("sample", "--quarantined"),
    ):
        assert ask("curate", command, there, *rest) == ask("curate", command, here, *rest), command

    other = ("--set", "passes.select.policy.defaults.keep.gopher_words.words.min=90")
    run(on_store, "--out", there, *other)
    assert "decide/" in ask("gc", "--out", there), "what the first policy decided is no longer named"
    ask("gc", "--out", there, "--yes")
    assert ask("gc", "--out", there).startswith("0 unused results")
    ask("curate", "run", on_store, "--out", there, *other)


def test_a_store_that_does_not_answer_is_one_line(bucket: str, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"--out s3://nobody-has-this/out: may not be written .*Check address, bucket"
    ):
        open_out("s3://nobody-has-this/out")
    with pytest.raises(ConfigError, match="--out nonsense://x: "):
        open_out("nonsense://x")
    assert Folder(open_out(f"{bucket}/new").url).names() == [], "asking leaves nothing behind"
    for path in ("s3://nobody-has-this/in", f"{bucket}/none", "nonsense://x"):
        with pytest.raises(InputError, match=rf"source s: {path}: .*Correct path or data_root"):
            Files(path=path).plan("s", "", 10**9)


def test_an_object_that_changes_is_another_file(bucket: str) -> None:
    """Stores keep no time of change as disks do; a corpus that is uploaded anew must not pass for the old one."""
    folder = Folder(f"{bucket}/changing")
    folder.write("a.jsonl", b'{"text": "one"}\n')
    source = Files(path=f"{bucket}/changing")
    (before,) = source.plan("s", "", 10**9)
    folder.write("a.jsonl", b'{"text": "two"}\n')
    (after,) = source.plan("s", "", 10**9)
    assert before.content != after.content
    assert [row.text for row in source.read("s", after) if isinstance(row, Row)] == ["two"]
    with pytest.raises(InputError, match="the file changed after the run had begun"):
        list(source.read("s", before))
