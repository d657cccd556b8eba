"""Near-duplicates through the whole pipeline, against the similarity of the original texts by definition."""

from __future__ import annotations

import json
import random
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonl_writer import WriteJsonl
from similar_texts import corpus, document, edited, jaccard, shingles, vocabulary, without_marks, written

from curation import dry_run, pipeline
from curation.dedup.near import candidates, route
from curation.questions.explain import explain_document
from curation.questions.run_record import load_record
from curation.recipes import loading
from curation.recipes.recipe import Recipe
from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import ConfigError
from curation.runtime.store.folder import Folder, open_out
from curation.runtime.store.gc import unused
from curation.runtime.store.shards import read_columns

NEAR: dict[str, Any] = {"near_duplicates": {"jaccard": 0.8}}


@dataclass(frozen=True)
class Decided:
    """One document of a finished run."""

    id: bytes
    source: str
    text: str
    reason: str
    keeper: bytes | None
    similarity: float | None


def recipe_of(folder: Path, sources: list[str], policy: dict[str, Any], shard_bytes: int = 20_000) -> Recipe:
    value = {
        "data_root": str(folder),
        "shard_bytes": shard_bytes,
        "sources": {name: {"kind": "files", "path": f"{name}.jsonl"} for name in sources},
        "passes": [
            {"name": "only", "annotators": ["char_classes", "exact_hash", "min_hash"], "policy": policy},
        ],
    }
    return loading.from_mapping(value, str(folder / "near.yaml"))


def decided(out: Folder, curated: pipeline.Curated) -> list[Decided]:
    """All documents, in order of sources, shards and rows."""
    found: list[Decided] = []
    for source, stages in curated.record["stages"].items():
        folder, shards = out / stages["passes"]["only"]["decide"], out / stages["read"]
        for file in (name for name in folder.names() if name.endswith(".parquet")):
            rows = read_columns(folder, file, ["id", "reason", "duplicate_of", "similarity"]).to_pylist()
            texts = read_columns(shards, file, ["text"])["text"].to_pylist()
            found += [
                Decided(r["id"], source, text, r["reason"], r["duplicate_of"], r["similarity"])
                for text, r in zip(texts, rows, strict=True)
            ]
    return found


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sources; the second one has edited copies of the first one's documents, the third no document."""
    folder, rng = tmp_path_factory.mktemp("near"), random.Random(1)
    first = list(corpus(0))
    again = [
        written(edited(rng, ["другой"], text.replace(".\n", " ").replace(",", "").split(), 0.03)) for text in first
    ]
    second = [*corpus(1, families=4), *rng.sample(again, 40), *rng.sample(first, 5)]
    for name, of_source in {"first": first, "second": second, "third": []}.items():
        rows = (json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in of_source)
        (folder / f"{name}.jsonl").write_text("".join(rows), encoding="utf8")
    return folder


POLICY = {"defaults": {"duplicates": "exact_hash", **NEAR}}
SOURCES = ["first", "second", "third"]


@pytest.fixture(scope="module")
def run(texts: Path, compute: Compute, tmp_path_factory: pytest.TempPathFactory) -> tuple[Folder, pipeline.Curated]:
    out = open_out(str(tmp_path_factory.mktemp("run") / "out"))
    return out, pipeline.curate(recipe_of(texts, SOURCES, POLICY), out, compute)


def test_nothing_goes_below_the_threshold_and_nothing_goes_for_what_goes_too(
    run: tuple[Folder, pipeline.Curated],
) -> None:
    """By brute force over the original texts. If this fails, documents that resemble nothing kept are lost."""
    documents = decided(*run)
    by_id = {d.id: d for d in documents}
    dropped = [d for d in documents if d.reason == "near_duplicate"]
    for d in dropped:
        assert d.keeper is not None
        keeper = by_id[d.keeper]
        assert keeper.reason == ""
        assert d.similarity == jaccard(shingles(d.text), shingles(keeper.text)) >= 0.8
        assert (keeper.source, -len(keeper.text), keeper.id) < (d.source, -len(d.text), d.id)
    across = Counter((d.source, by_id[d.keeper].source) for d in dropped if d.keeper)
    assert set(across) == {("first", "first"), ("second", "first"), ("second", "second")}
    assert min(across.values()) >= 3
    assert Counter(d.reason for d in documents)["exact_duplicate"] >= 5


def test_almost_all_pairs_are_found_in_every_bin_of_similarity(run: tuple[Folder, pipeline.Curated]) -> None:
    """14 bands of 8 rows find a pair of similarity s with chance 1 - (1 - s^8)^14: 0.92 at 0.8, 0.9998 at 0.9."""
    documents = [d for d in decided(*run) if d.reason != "exact_duplicate"]
    sets = [shingles(d.text) for d in documents]
    kept = [i for i, d in enumerate(documents) if d.reason == ""]
    missed = Counter(
        int(s * 20)
        for n, i in enumerate(kept)
        for j in kept[:n]
        if sets[i] & sets[j] and (s := jaccard(sets[i], sets[j])) >= 0.8
    )
    found = Counter(int((d.similarity or 0) * 20) for d in documents if d.reason)
    assert set(found) >= {16, 17, 18, 19}
    assert missed[18] == missed[19] == 0
    assert missed.total() <= 0.05 * found.total()


def test_workers_and_shards_change_no_decision(
    run: tuple[Folder, pipeline.Curated], texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes with one worker; with other shards and buckets the same document is dropped for the same one."""
    out = open_out(str(tmp_path / "one"))
    pipeline.curate(recipe_of(texts, SOURCES, POLICY), out, Compute(workers=1))
    left, right = (
        {str(p.relative_to(o.url)): p.read_bytes() for p in Path(o.url).rglob("*.parquet")} for o in (out, run[0])
    )
    assert left == right
    monkeypatch.setattr(route, "DOCUMENTS_PER_BUCKET", 20)
    other = open_out(str(tmp_path / "other"))
    again = pipeline.curate(recipe_of(texts, SOURCES, POLICY, shard_bytes=1_000_000), other, Compute(workers=2))
    assert sorted(decided(other, again), key=lambda d: d.id) == sorted(decided(*run), key=lambda d: d.id)


def test_a_crowded_band_is_compared_with_its_first_documents_only(
    texts: Path, compute: Compute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A footer on a million pages must not cost a million squared comparisons, and must not drop a page."""
    monkeypatch.setattr(candidates, "MOST_LEADERS", 3)
    words, rng = vocabulary("english"), random.Random(3)
    footer, copied = document(rng, words, 200), document(rng, words, 200)
    pages = [written(footer + document(rng, words, 45)) for _ in range(60)]
    copies = [written(edited(rng, words, copied, 0.01)) for _ in range(60)]
    (tmp_path / "pages.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t in [*pages, *copies]))
    out = open_out(str(tmp_path / "out"))
    curated = pipeline.curate(recipe_of(tmp_path, ["pages"], POLICY), out, compute)
    folders = curated.record["stages"]["pages"]["passes"]["only"]["near_duplicates"]
    counts = (out / folders["pairs"]).read_json("manifest.json")["counts"]
    assert counts["pairs"] < 120 * 3 * 5
    assert counts["pairs_left_out"] > 1000
    reasons = [d.reason for d in decided(out, curated)]
    assert not any(reasons[:60])
    assert sum(map(bool, reasons[60:])) == 59
    assert Counter(reasons)["near_duplicate"] > 30


def test_one_that_resembles_only_a_dropped_one_stays(
    write_jsonl: WriteJsonl, out: Folder, compute: Compute, tmp_path: Path
) -> None:
    """Chains are what made other tools throw away three quarters of a source."""
    words, rng = vocabulary("korean"), random.Random(5)
    base = document(rng, words, 400)
    chain = [base[start : start + 300] for start in (0, 25, 50)]
    similarity = [
        jaccard(shingles(written(chain[i])), shingles(written(chain[j]))) for i, j in ((0, 1), (1, 2), (0, 2))
    ]
    assert similarity[0] > 0.8 < similarity[1]
    assert similarity[2] < 0.8
    for name, text in zip("abc", chain, strict=True):
        write_jsonl(f"{name}.jsonl", [{"text": written(text), "id": name}])
    curated = pipeline.curate(recipe_of(tmp_path, ["a", "b", "c"], POLICY), out, compute)
    a, b, c = decided(out, curated)
    assert (a.reason, b.reason, c.reason) == ("", "near_duplicate", "")
    told = explain_document(load_record(out.url), "b")["passes"]["only"]
    assert told["duplicate_of"] == told["kept_instead"] == a.id.hex()
    assert told["similarity"] == pytest.approx(similarity[0])


def test_marks_and_syllables_make_another_text(
    write_jsonl: WriteJsonl, out: Folder, compute: Compute, tmp_path: Path
) -> None:
    """Where normalisation strips Thai and Devanagari signs or takes Hangul apart, different texts become one."""
    rng = random.Random(6)
    thai, hindi = (written(document(rng, vocabulary(language), 120)) for language in ("thai", "hindi"))
    korean = document(rng, vocabulary("korean"), 120)
    other_finals = "".join(chr(ord(c) + 1) if "가" <= c <= "힣" else c for c in written(korean))
    for text in (thai, hindi):
        assert without_marks(text) != text
    texts = [thai, without_marks(thai), hindi, without_marks(hindi), written(korean), other_finals]
    write_jsonl("a.jsonl", [{"text": text} for text in texts])
    decomposed = unicodedata.normalize("NFD", written(edited(rng, ["하나"], korean, 0.02)))
    write_jsonl("b.jsonl", [{"text": decomposed}])
    curated = pipeline.curate(recipe_of(tmp_path, ["a", "b"], POLICY), out, compute)
    *kept, composed = decided(out, curated)
    assert [d.text for d in kept] == texts
    assert not any(d.reason for d in kept)
    assert composed.text == unicodedata.normalize("NFC", decomposed)
    assert (composed.reason, composed.keeper) == ("near_duplicate", kept[4].id)


def test_the_steps_are_planned_named_and_kept(run: tuple[Folder, pipeline.Curated], texts: Path) -> None:
    """A step that no record names is removed by `loam gc`, and what-if would have to read the texts again."""
    out, curated = run
    assert unused(out) == []
    planned = recipe_of(texts, SOURCES, POLICY)
    assert any(
        "near-duplicates: candidates by the bands of min_hash" in line
        for line in dry_run.tree(planned, dry_run.sources(planned))
    )
    assert curated.funnel["first"].dropped["only: near_duplicate"] > 10


@pytest.mark.parametrize("rows", [[], [{"text": ""}], [{"text": "... !"}, {"text": "?!"}, {"text": "word"}]])
def test_documents_without_words_resemble_nothing(
    rows: list[dict[str, str]], write_jsonl: WriteJsonl, out: Folder, compute: Compute, tmp_path: Path
) -> None:
    write_jsonl("a.jsonl", rows)
    curated = pipeline.curate(recipe_of(tmp_path, ["a"], {"defaults": NEAR}), out, compute)
    assert [d.reason for d in decided(out, curated)] == [""] * len(rows)


def test_bands_of_two_annotators_are_not_compared(
    write_jsonl: WriteJsonl, out: Folder, compute: Compute, tmp_path: Path
) -> None:
    write_jsonl("a.jsonl", [{"text": "x"}])
    write_jsonl("b.jsonl", [{"text": "x"}])
    value = {
        "data_root": str(tmp_path),
        "sources": {name: {"kind": "files", "path": f"{name}.jsonl"} for name in "ab"},
        "passes": [
            {
                "name": "only",
                "annotators": ["min_hash", {"kind": "min_hash", "name": "longer", "shingle_words": 7}],
                "policy": {"defaults": NEAR, "sources": {"b": {"near_duplicates": {"scores": "longer"}}}},
            }
        ],
    }
    with pytest.raises(ConfigError, match="source a names the scores 'min_hash', source b 'longer'"):
        dry_run.describe_run(loading.from_mapping(value, str(tmp_path / "r.yaml")))
