"""Near-duplicates under another policy: from stored edges what a run with that policy gives, and never a guess."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from curation import pipeline
from curation.questions.explain import explain_document
from curation.questions.run_record import load_record
from curation.questions.what_if import compare_policies
from curation.recipes import loading
from curation.runtime.cluster.cluster import Compute
from curation.runtime.config import with_settings
from curation.runtime.errors import ConfigError
from curation.runtime.store.folder import Folder, open_out

WORDS = [f"{a}{b}" for a in ("ri", "ver", "moun", "tain", "ci", "ty") for b in ("va", "ter", "lit", "tle", "go", "es")]
POLICY: dict[str, Any] = {
    "defaults": {"duplicates": "exact_hash", "near_duplicates": {"jaccard": 0.8}},
    "sources": {"plain": {"near_duplicates": None}},
}


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Families of texts with spans replaced, spread over four sources; one of them takes no part, one is empty."""
    folder, rng = tmp_path_factory.mktemp("again"), random.Random(0)
    rows: dict[str, list[str]] = {"zulu": [], "alpha": [], "plain": [], "empty": []}
    for _ in range(40):
        base = rng.choices(WORDS, k=rng.randint(80, 160))
        for _ in range(rng.randint(1, 5)):
            text, at = list(base), rng.randrange(len(base) - 8)
            size = rng.randint(0, 8)
            text[at : at + size] = rng.choices(WORDS, k=size)
            rows[rng.choice(["zulu", "alpha", "alpha", "plain"])].append(" ".join(text))
    for name, of_source in rows.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in of_source))
    return folder


def run(folder: Path, out: Folder, compute: Compute, settings: Sequence[str] = ()) -> pipeline.Curated:
    policy = with_settings({"policy": POLICY}, settings)["policy"]
    sources = ("zulu", "alpha", "plain", "empty")
    value = {
        "name": "wi",
        "data_root": str(folder),
        "sources": {name: {"kind": "files", "path": f"{name}.jsonl"} for name in sources},
        "passes": [{"name": "only", "annotators": ["gopher_words", "exact_hash", "min_hash"], "policy": policy}],
        "shard_bytes": 20_000,
    }
    return pipeline.curate(loading.from_mapping(value, str(folder / "r.yaml")), out, compute)


@pytest.fixture(scope="module")
def finished(texts: Path, compute: Compute, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    out = open_out(str(tmp_path_factory.mktemp("run") / "out"))
    run(texts, out, compute)
    return out


CHANGES: dict[str, list[str]] = {
    "nothing": [],
    "stricter": ["policy.defaults.near_duplicates.jaccard=0.93"],
    "down to the floor": ["policy.defaults.near_duplicates.jaccard=0.5"],
    "one source stricter": ["policy.sources.alpha.near_duplicates.jaccard=0.95"],
    "none": ["policy.defaults.near_duplicates=null"],
    "one source less": ["policy.sources.zulu.near_duplicates=null"],
    "no exact ones": ["policy.defaults.duplicates=null"],
    "fewer documents": ["policy.defaults.keep.gopher_words.words.min=120"],
    "no documents": ["policy.defaults.keep.gopher_words.words.min=1000"],
    "the shortest stay": [
        "policy.defaults.near_duplicates.quality=gopher_words.words",
        "policy.defaults.near_duplicates.better=low",
    ],
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_if_drops_what_a_run_with_that_policy_drops(
    change: str, finished: Folder, texts: Path, compute: Compute, tmp_path: Path
) -> None:
    before = {
        name: load_record(finished.url).stage("zulu", "only")["near_duplicates"][name] for name in ("edges", "shingles")
    }
    found = compare_policies(load_record(finished.url), None, CHANGES[change])
    other = open_out(str(tmp_path / "out"))
    really = run(texts, other, compute, CHANGES[change])
    for source, funnel in really.funnel.items():
        dropped = {reason.removeprefix("only: "): n for reason, n in funnel.dropped.items()}
        assert dict(found[source].after.dropped) == dropped, source
    if change not in {"none", "one source less"}:
        stages = really.record["stages"]["zulu"]["passes"]["only"]["near_duplicates"]
        assert {name: stages[name] for name in before} == before  # a changed policy finds no edge anew
    if change == "nothing":
        assert all(comparison.before == comparison.after for comparison in found.values())
        assert sum(c.after.dropped.get("near_duplicate", 0) for c in found.values()) > 10
        assert "near_duplicate" not in found["plain"].after.dropped
        assert found["plain"].after.dropped["exact_duplicate"] > 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["policy.defaults.near_duplicates.jaccard=0.4"], "jaccard 0.4 of source zulu is below 0.5"),
        (["policy.sources.plain.near_duplicates={jaccard: 0.9}"], "has not compared the documents of source plain"),
    ],
)
def test_what_the_run_has_not_stored_is_refused(settings: list[str], said: str, finished: Folder) -> None:
    with pytest.raises(ConfigError, match=said):
        compare_policies(load_record(finished.url), None, settings)


def test_a_run_without_edges_says_so(texts: Path, compute: Compute, tmp_path: Path) -> None:
    out = open_out(str(tmp_path / "out"))
    run(texts, out, compute, ["policy.defaults.near_duplicates=null"])
    with pytest.raises(ConfigError, match="has looked for no near-duplicates"):
        compare_policies(load_record(out.url), None, ["policy.defaults.near_duplicates.jaccard=0.9"])


def test_a_copy_of_a_dropped_one_says_what_was_kept(compute: Compute, tmp_path: Path) -> None:
    """A source whose policy keeps near-duplicates loses none to another source's policy."""
    base = random.Random(1).choices(WORDS, k=100)
    near = " ".join([*base[:97], "other", "last", "words"])
    longer = " ".join([*base, "some", "more"])
    rows = {"zulu": [longer], "alpha": [near], "plain": [near.replace(" ", "  ")], "empty": []}
    for name, texts in rows.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps({"text": t, "id": name}) + "\n" for t in texts))

    def told(out: str, settings: Sequence[str]) -> list[Any]:
        run(tmp_path, open_out(out), compute, settings)
        found = [explain_document(load_record(out), name)["passes"]["only"] for name in ("zulu", "alpha", "plain")]
        ids = {explain_document(load_record(out), name)["id"]: name for name in ("zulu", "alpha", "plain")}
        return [(f["reason"], ids.get(f["duplicate_of"] or ""), ids.get(f["kept_instead"] or "")) for f in found]

    assert told(str(tmp_path / "one"), []) == [
        ("kept", None, None),
        ("kept", None, None),
        ("exact_duplicate", "alpha", "alpha"),
    ]
    assert told(str(tmp_path / "two"), ["policy.sources.plain.near_duplicates.jaccard=0.8"]) == [
        ("kept", None, None),
        ("near_duplicate", "zulu", "zulu"),
        ("exact_duplicate", "alpha", "zulu"),
    ]
