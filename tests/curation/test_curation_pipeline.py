"""A small dirty corpus through all stages: nothing lost, nothing depending on workers or places, nothing done twice."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from jsonl_writer import WriteJsonl

from curation import pipeline
from curation.pipeline import Curated
from curation.recipes import loading
from curation.recipes.recipe import Recipe
from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import StageError
from curation.runtime.stages import scheduling
from curation.runtime.store.folder import Folder, open_out
from curation.runtime.store.shards import read_columns

pytestmark = pytest.mark.end_to_end  # whole curations

ENGLISH = [
    "the",
    "of",
    "and",
    "to",
    "with",
    "that",
    "have",
    "river",
    "mountain",
    "people",
    "city",
    "light",
    "water",
    "small",
    "large",
    "goes",
    "under",
    "between",
    "story",
]
KOREAN = [
    "그리고",
    "사람들은",
    "오래된",
    "도시에서",
    "강을",
    "따라",
    "걸었다",
    "하지만",
    "우리는",
    "새로운",
    "이야기를",
    "듣고",
    "작은",
    "산을",
    "넘어",
    "갔다",
]
REPEATED = "This line is printed on every page of the site."
SOURCES: dict[str, Any] = {
    "korean": {"kind": "files", "path": "ko"},
    "english": {"kind": "files", "path": ["en/*.zst", "en/*.parquet"]},
    "notes": {"kind": "files", "path": "notes"},
}


def _document(rng: random.Random, words: list[str], n: int = 80) -> str:
    text = " ".join(rng.choices(words, k=n))
    return re.sub(r"((?:\S+ ){9}\S+) ", r"\1.\n", text) + f". {rng.random()}\n"


def _rows(rng: random.Random, words: list[str]) -> Iterator[Any]:
    for i in range(60):
        text = _document(rng, words)
        if i % 10 == 1:
            text = f"{REPEATED}\n{text}{REPEATED}\n{text[:60]}\n{REPEATED}\n연락은 someone.{i}@naver.com으로"
        if i % 10 == 2:
            text = "짧다"
        if i % 10 == 3:
            text = "We use cookies on this site.\n" + text
        yield {"text": text, "id": i, "url": f"http://a.b/{i}"}
        if i % 10 == 4:
            yield {"text": text.replace(" ", "  "), "again": True}
        if i % 20 == 5:
            yield b"\xff broken"
            yield {"body": "no text here"}
            yield b""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Korean JSONL (plain and gz), English zst and Parquet, notes in Markdown; with what crawls have of dirt."""
    import gzip

    import zstandard

    root, rng = tmp_path_factory.mktemp("corpus"), random.Random(0)

    def lines(words: list[str]) -> bytes:
        rows = (
            row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False).encode() for row in _rows(rng, words)
        )
        return b"".join(row + b"\n" for row in rows)

    for folder in ("ko", "en", "notes"):
        (root / folder).mkdir()
    plain = lines(KOREAN)
    (root / "ko/a.jsonl").write_bytes(plain)
    (root / "ko/b.jsonl.gz").write_bytes(gzip.compress(lines(KOREAN) + plain[:5000], mtime=0)[:-300])
    (root / "en/c.jsonl.zst").write_bytes(zstandard.compress(lines(ENGLISH)))
    columns = {"text": [_document(rng, ENGLISH) for _ in range(50)] + [None], "n": list(range(51))}
    pq.write_table(pa.table(columns), root / "en/d.parquet", row_group_size=20)
    for i in range(5):
        (root / f"notes/{i}.md").write_text("# 제목\n\n" + _document(rng, [*KOREAN, *ENGLISH]), encoding="utf8")
    (root / "notes/latin.txt").write_bytes("caf\xe9".encode("latin1"))
    (root / "notes/empty.md").touch()
    return root


def _recipe(root: Path, **more: Any) -> Recipe:
    value = {"name": "small", "data_root": str(root), "shard_bytes": 20_000, "sources": SOURCES, **more}
    return loading.from_mapping(value, str(root / "small.yaml"))


@dataclass(frozen=True)
class Run:
    out: Folder
    curated: Curated

    def stage(self, source: str, pass_: str, name: str) -> Folder:
        return self.out / str(self.curated.record["stages"][source]["passes"][pass_][name])

    def rows(self, folder: Folder) -> list[dict[str, Any]]:
        tables = [pq.read_table(f"{folder.url}/{name}") for name in folder.names() if name.endswith(".parquet")]
        return [row for table in tables for row in table.to_pylist()]

    def curated_texts(self) -> list[str]:
        return [row["text"] for shards in self.curated.shards.values() for row in self.rows(shards.folder)]


@pytest.fixture(scope="module")
def run(corpus: Path, compute: Compute, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = open_out(str(tmp_path_factory.mktemp("run") / "out"))
    return Run(out, pipeline.curate(_recipe(corpus), out, compute))


def _hashes(out: Folder) -> dict[str, str]:
    root = Path(out.url)
    return {
        str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(root.rglob("*.parquet"))
    }


def _manifests(out: Folder) -> dict[str, dict[str, Any]]:
    root = Path(out.url)
    found = {str(p.relative_to(root)): json.loads(p.read_text()) for p in sorted(root.rglob("manifest.json"))}
    times = ("cost", "seal")
    return {path: {key: value for key, value in m.items() if key not in times} for path, m in found.items()}


def test_rows_in_are_curated_dropped_or_quarantined(run: Run) -> None:
    """Whoever publishes a corpus must be able to say where every row went."""
    assert set(run.curated.funnel) == set(SOURCES)
    for name, funnel in run.curated.funnel.items():
        kept = run.rows(run.curated.shards[name].folder)
        refused = run.rows(run.out / run.curated.record["stages"][name]["read"] / "quarantine")
        assert funnel.rows == len(kept) + sum(funnel.dropped.values()) + len(refused)
        assert len(kept) == funnel.curated > 0
        assert len(refused) == funnel.quarantined > 0
        assert all(row["reason"] and row["source"] == name for row in refused)
    korean = run.curated.funnel["korean"]
    assert korean.rows > 130
    assert set(korean.quarantine_reasons) == {"not UTF-8", "no field 'text'", "compressed stream broken"}
    assert {"clean: char_classes.chars:low", "clean: exact_duplicate"} <= set(korean.dropped)


def test_every_document_has_one_decision_and_every_removed_sort_has_samples(run: Run) -> None:
    for name in SOURCES:
        for pass_ in ("clean", "select"):
            decisions = run.rows(run.stage(name, pass_, "decide"))
            kept = run.rows(run.stage(name, pass_, "curated"))
            assert [row["id"] for row in decisions if row["reason"] == ""] == [row["id"] for row in kept]
            samples = run.rows(run.stage(name, pass_, "curated") / "samples")
            assert {row["reason"] for row in samples} == {row["reason"] for row in decisions} - {""}


def test_scores_stand_beside_their_documents(run: Run) -> None:
    """Files are joined by row; an id that is not its shard's would give a document another one's scores."""
    for name in SOURCES:
        for pass_ in ("clean", "select"):
            shards = run.stage(name, pass_, "shards")
            folders = run.curated.record["stages"][name]["passes"][pass_]["scores"]
            for file in (file for file in shards.names() if file.endswith(".parquet")):
                ids = read_columns(shards, file, ["id"])["id"].to_pylist()
                for folder in folders.values():
                    assert read_columns(run.out / folder, file, ["id"])["id"].to_pylist() == ids


def test_workers_and_places_change_no_byte(run: Run, corpus: Path, tmp_path: Path) -> None:
    """The same corpus computed elsewhere is the same corpus, or nobody can reproduce a result."""
    moved = tmp_path / "elsewhere/input"
    shutil.copytree(corpus, moved)
    out = open_out(str(tmp_path / "other/out"))
    pipeline.curate(_recipe(moved), out, Compute(workers=1))
    assert _hashes(out) == _hashes(run.out)
    assert len(_hashes(out)) > 40
    assert _manifests(out) == _manifests(run.out)


def test_a_second_run_starts_no_job(run: Run, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _hashes(run.out)
    monkeypatch.setattr(scheduling, "_drain", lambda *_: pytest.fail("everything was there"))
    again = pipeline.curate(_recipe(corpus), run.out, Compute(workers=2))
    assert again.record == run.curated.record
    assert _hashes(run.out) == before


def test_a_changed_threshold_reads_no_text_again(
    run: Run, corpus: Path, compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thresholds are tried out dozens of times; the walk over the text is the costly part."""
    changed = loading.from_mapping(
        {
            **_recipe(corpus).model_dump(mode="json", exclude={"folder"}, exclude_none=True),
            "name": "stricter",
        },
        str(corpus / "small.yaml"),
    ).model_dump(mode="json", exclude={"folder"}, exclude_none=True)
    changed["passes"][1]["policy"]["defaults"]["keep"]["gopher_words"]["words"]["min"] = 85
    started: list[str] = []
    drain = scheduling._drain

    def watched(ray: Any, todo: Any, *rest: Any) -> Any:
        started.extend(stage.title for stage, *_ in todo)
        return drain(ray, todo, *rest)

    monkeypatch.setattr(scheduling, "_drain", watched)
    stricter = pipeline.curate(loading.from_mapping(changed, str(corpus / "small.yaml")), run.out, compute)
    assert not [title for title in started if "read " in title or "annotate " in title]
    assert {"select: judge notes", "select: decide notes"} <= set(started)
    assert sum(f.curated for f in stricter.funnel.values()) < sum(f.curated for f in run.curated.funnel.values())


def test_personal_information_is_replaced_and_counted(run: Run) -> None:
    texts = run.curated_texts()
    assert not [text for text in texts if "@naver" in text]
    replaced = [text for text in texts if "연락은 email@example.com으로" in text]
    counted = sum(f.passes["select"]["replaced"].get("email", 0) for f in run.curated.funnel.values())
    assert len(replaced) == counted > 5


def test_repeated_lines_and_notices_are_cut(run: Run) -> None:
    texts = run.curated_texts()
    assert sum(REPEATED in text for text in texts) > 5
    assert not [text for text in texts if text.count(REPEATED) > 1]
    assert not [text for text in texts if "cookies" in text]


def test_scores_of_select_describe_the_cleaned_text(run: Run) -> None:
    """Spans found in the text before the cuts would point into the wrong words after them."""
    seen = 0
    for name in SOURCES:
        shards = run.stage(name, "select", "shards")
        assert shards == run.stage(name, "clean", "curated")
        pii = run.out / run.curated.record["stages"][name]["passes"]["select"]["scores"]["pii"]
        for row, score in zip(run.rows(shards), run.rows(pii), strict=True):
            found = [row["text"][span["start"] : span["end"]] for span in score["spans"]]
            assert all(re.fullmatch(r"someone\.\d+@naver\.com", value) for value in found)
            assert len(found) == score["finds"]
            seen += len(found)
    assert seen > 5


def test_documents_keep_their_ids_and_places_to_the_end(run: Run) -> None:
    """By these a curated document is found again in the raw shards, where the rest of its row is."""
    raw = {row["id"]: row for name in SOURCES for row in run.rows(run.out / run.curated.record["stages"][name]["read"])}
    for shards in run.curated.shards.values():
        for row in run.rows(shards.folder):
            before = raw[row["id"]]
            assert {k: row[k] for k in ("source", "offset")} == {k: before[k] for k in ("source", "offset")}
            assert row["chars"] == len(row["text"])
    assert len(raw) == sum(f.rows - f.quarantined for f in run.curated.funnel.values())


PLUGIN = '''
from typing import Literal
import re
from curation.annotators.base import Annotator, Column
from curation.pii.base import Entity


class StarCount(Annotator):
    """Stars."""

    kind: Literal["star_count"] = "star_count"
    version: Literal[1] = 1
    columns = (Column("stars", type="int"),)
    examples = {"": (0,), "*": (1,)}

    def score(self, batch):
        return {"stars": batch.count("*")}


class TicketNumber(Entity):
    """Ticket numbers."""

    kind = "ticket_number"
    version = 1
    examples = {"T-12": "T-0"}

    def find(self, text):
        return (match.span() for match in re.finditer(r"T-[0-9]+", text))

    def replacement(self, value):
        return "T-0"
'''


def _with_plugin(tmp_path: Path) -> Recipe:
    return loading.from_mapping(
        {
            "data_root": str(tmp_path),
            "plugins": ["mine.py"],
            "sources": {"a": {"kind": "files", "path": "a.jsonl"}},
            "passes": [
                {
                    "name": "only",
                    "annotators": ["star_count", {"kind": "pii", "entities": ["email", "ticket_number"]}],
                    "policy": {"defaults": {"keep": {"star_count": {"stars": {"max": 1}}}, "replace": {"pii": "all"}}},
                }
            ],
        },
        str(tmp_path / "r.yaml"),
    )


def test_a_plugin_works_in_the_workers_and_its_text_is_part_of_the_result(
    tmp_path: Path, write_jsonl: WriteJsonl, out: Folder, compute: Compute
) -> None:
    """Workers on other machines do not see the plugin's file; and an edited rule must not reuse old scores."""
    write_jsonl("a.jsonl", [{"text": "T-77 by a@b.co"}, {"text": "**"}])
    (tmp_path / "mine.py").write_text(PLUGIN)
    first = Run(out, pipeline.curate(_with_plugin(tmp_path), out, compute))
    assert first.curated_texts() == ["T-0 by email@example.com"]
    (tmp_path / "mine.py").write_text(PLUGIN.replace('count("*")', 'count("T")'))
    second = Run(out, pipeline.curate(_with_plugin(tmp_path), out, compute))
    assert second.curated_texts() == ["T-0 by email@example.com", "**"]
    assert first.stage("a", "only", "decide") != second.stage("a", "only", "decide")


def test_documents_that_lose_everything_are_dropped_and_empty_ones_are_measured(
    tmp_path: Path, write_jsonl: WriteJsonl, out: Folder, compute: Compute
) -> None:
    write_jsonl("a.jsonl", [{"text": "we use cookies"}, {"text": ""}, {"text": "fine"}, b'{"text": "\\ud83d"}'])
    made = loading.from_mapping(
        {
            "data_root": str(tmp_path),
            "sources": {"a": {"kind": "files", "path": "a.jsonl"}},
            "passes": [
                {"name": "only", "annotators": ["keywords"], "policy": {"defaults": {"cut": {"keywords": "all"}}}},
                {
                    "name": "none",
                    "annotators": ["char_classes"],
                    "policy": {"defaults": {"keep": {"char_classes": {"chars": {"min": 9}}}}},
                },
                {
                    "name": "after",
                    "annotators": ["exact_hash", "language"],
                    "policy": {"defaults": {"duplicates": "exact_hash"}},
                },
            ],
        },
        str(tmp_path / "r.yaml"),
    )
    curated = pipeline.curate(made, out, compute)
    assert curated.funnel["a"].dropped == {"only: nothing_left": 1, "none: char_classes.chars:low": 3}
    assert curated.funnel["a"].curated == 0


def test_a_file_with_a_wrong_column_stops_the_run_with_its_name(tmp_path: Path, out: Folder, compute: Compute) -> None:
    pq.write_table(pa.table({"body": ["a"]}), tmp_path / "a.parquet")
    value = {"data_root": str(tmp_path), "sources": {"a": {"kind": "files", "path": "a.parquet"}}}
    with pytest.raises(StageError, match=r"a\.parquet: no column 'text'; the file has body"):
        pipeline.curate(loading.from_mapping(value, str(tmp_path / "r.yaml")), out, compute)
    assert not (out / "runs").exists()
