"""What another policy would do is what a run with it does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jsonl_writer import WriteJsonl

from curation import pipeline
from curation.questions.run_record import load_record
from curation.questions.what_if import compare_policies
from curation.recipes import loading
from curation.runtime.cluster.cluster import Compute
from curation.runtime.store.folder import Folder

TEXTS = [
    *(f"Document {i} tells of rivers and towns with many words " * (i % 12) for i in range(60)),
    *(f"# {i} # # # # and words of {i}" * 3 for i in range(20)),
    *("... ".join(["the end of it"] * i) for i in range(1, 20)),
    "Document 7 tells of rivers and towns with many words " * 7,
]


def rules(**words: int) -> dict[str, Any]:
    """Bounds whose order is not that of the alphabet, so that every document misses a certain one first."""
    return {
        "words": words,
        "hash_per_word": {"max": 0.1},
        "ellipsis_per_word": {"max": 0.1},
        "alpha_word_share": {"min": 0.6},
    }


def run(folder: Path, out: Folder, compute: Compute, **words: int) -> pipeline.Curated:
    sources = {"zulu": {"kind": "files", "path": "zulu.jsonl"}, "alpha": {"kind": "files", "path": "alpha.jsonl"}}
    policy = {"defaults": {"keep": {"gopher_words": rules(**words)}, "duplicates": "exact_hash"}}
    passes = [{"name": "only", "annotators": ["gopher_words", "exact_hash"], "policy": policy}]
    value = {"name": "wi", "data_root": str(folder), "sources": sources, "passes": passes, "shard_bytes": 8000}
    return pipeline.curate(loading.from_mapping(value, str(folder / "r.yaml")), out, compute)


def test_a_policy_that_changes_nothing_changes_no_reason(
    write_jsonl: WriteJsonl, out: Folder, compute: Compute, tmp_path: Path
) -> None:
    """If this fails, the record of a run has lost the order of its sources or rules."""
    write_jsonl("zulu.jsonl", [{"text": text} for text in TEXTS[:70]])
    write_jsonl("alpha.jsonl", [{"text": text} for text in TEXTS[30:]])
    run(tmp_path, out, compute, min=15)
    found = compare_policies(load_record(out.url), None, ["policy.defaults.keep.gopher_words.words.min=15"])
    for source, comparison in found.items():
        assert comparison.before == comparison.after, source
    assert list(found) == ["zulu", "alpha"]


def test_a_changed_policy_drops_what_a_run_with_it_drops(
    write_jsonl: WriteJsonl, out: Folder, compute: Compute, tmp_path: Path
) -> None:
    write_jsonl("zulu.jsonl", [{"text": text} for text in TEXTS[:70]])
    write_jsonl("alpha.jsonl", [{"text": text} for text in TEXTS[30:]])
    run(tmp_path, out, compute, min=15)
    found = compare_policies(load_record(out.url), "only", ["policy.defaults.keep.gopher_words.words.min=40"])
    really = run(tmp_path, out, compute, min=40)
    for source, funnel in really.funnel.items():
        dropped = {reason.removeprefix("only: "): n for reason, n in funnel.dropped.items()}
        assert dict(found[source].after.dropped) == dropped, source
