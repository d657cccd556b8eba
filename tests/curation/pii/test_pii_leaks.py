"""What must not leave the text: personal information of kept, removed and unreadable rows, outside of the shards themselves."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from jsonl_writer import WriteJsonl

from curation import pipeline
from curation.dashboard import page
from curation.dashboard.gathering.curation_run import curation_report
from curation.recipes import loading
from curation.runtime.cluster.cluster import Compute
from curation.runtime.store.folder import Folder

VALUES = (
    "kim.secret@naver.com",
    "010-8765-4321",
    "850623-2345678",
    "5555-5555-5555-4444",
    "203.248.252.77",
)
WORDS = "강을 따라 오래된 도시에서 사람들은 새로운 이야기를 그리고 다시 천천히 걸었다".split()


def _text(rng: random.Random) -> str:
    words = rng.choices(WORDS, k=90)
    for value in VALUES:
        words.insert(rng.randrange(len(words)), value)
    return " ".join(words) + "."


@pytest.fixture
def curated(write_jsonl: WriteJsonl, tmp_path: Path, out: Folder, compute: Compute) -> pipeline.Curated:
    rng = random.Random(7)
    kept = [{"text": _text(rng)} for _ in range(20)]
    removed = [*kept[:3], {"text": f"{VALUES[0]} {VALUES[1]} " + "#" * 300}, {"text": " ".join(VALUES)}]
    unreadable = [
        {"body": " ".join(VALUES)},
        {"text": list(VALUES)},
        b'{"text": "' + " ".join(VALUES).encode(),
        b"\xff\xfe " + " ".join(VALUES).encode(),
    ]
    write_jsonl("a.jsonl", [*kept, *removed, *unreadable])
    settings = {"data_root": str(tmp_path), "sources": {"a": {"kind": "files", "path": "a.jsonl"}}}
    return pipeline.curate(loading.from_mapping(settings, "leaks"), out, compute)


def test_values_stay_in_the_shards_and_leave_no_curated_text(
    curated: pipeline.Curated, out: Folder, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Manifests, reports and logs are shared freely; a value in them could not be called back."""
    funnel = curated.record["funnel"]["a"]
    assert funnel["quarantined"] == 4
    assert len(funnel["dropped"]) >= 2
    assert funnel["curated"] == 20
    (out / "reports").write("leaks.curation.html", page.render(curation_report(curated.record, out)).encode())
    files = [path for path in Path(out.url).rglob("*") if path.is_file() and path.suffix != ".parquet"]
    assert {"manifest.json", "leaks.curation.html"} <= {path.name for path in files}
    printed = capfd.readouterr()
    shown = {str(path): path.read_text(encoding="utf8", errors="replace") for path in files}
    shown |= {"stdout": printed.out, "stderr": printed.err, "log": caplog.text}
    leaks = [(where, value) for where, text in shown.items() for value in VALUES if value in text]
    assert leaks == []


def test_curated_texts_hold_replacements_and_no_value(curated: pipeline.Curated, out: Folder) -> None:
    stage = curated.record["stages"]["a"]["passes"]["select"]["curated"]
    texts = [t for path in Path(out.url, stage).glob("*.parquet") for t in pq.read_table(path)["text"].to_pylist()]
    assert len(texts) == 20
    for text in texts:
        assert not any(value in text for value in VALUES)
        for new in ("email@example.com", "010-0000-0000", "000000-0000000", "0000-0000-0000-0000", "192.0.2.1"):
            assert text.count(new) == 1
    replaced = curated.record["funnel"]["a"]["passes"]["select"]["replaced"]
    assert replaced == dict.fromkeys(replaced, 20)
    assert len(replaced) == len(VALUES)
