"""The whole road on a small study: report, second run, plugin members, questions to the finished run."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from finished import Finished
from loam import Loam

from curation.runtime.stages import scheduling


def test_the_report_shows_funnel_controls_verdicts_and_measures(finished: Finished) -> None:
    report = finished.report
    assert set(report["funnel"]) == {"english", "korean", "control_glossary", "control_encyclopedia", "control_chatter"}
    assert [verdict["outcome"] for verdict in report["verdicts"]] == ["undecided", "undecided"]
    assert report["instrument"]["works"] is False, (
        "cells this small cannot learn the glossary, and the report must say so"
    )
    assert {row["metric"] for row in report["measures"]} >= {
        "bits_per_byte",
        "few_shot",
        "late_minus_early",
        "repeated_tokens",
    }
    assert report["cost"]["predicted"]["seconds"] > 0
    assert report["cost"]["actual"]["peak_memory_bytes"] > 0
    assert "INSTRUMENT FAILED" in finished.page.upper()


def test_no_row_is_lost(finished: Finished) -> None:
    for source, funnel in finished.report["funnel"].items():
        assert funnel["rows"] == funnel["curated"] + sum(funnel["dropped"].values()) + funnel["quarantined"], source
    assert finished.report["funnel"]["english"]["quarantined"] == 1
    assert finished.report["funnel"]["english"]["dropped"] == {"select: exact_duplicate": 1}


def test_members_of_a_plugin_are_seen_in_help_run_and_report(finished: Finished, loam: Loam) -> None:
    """One file adds an annotator, an entity, a task and a metric; nothing of ours is edited."""
    recipe_help = loam("curate", "run", "--plugin", finished.folder / "mine.py", "--help").out
    assert "vowel_share" in recipe_help
    assert "ticket_number" in recipe_help
    study_help = loam("study", finished.study, "--help").out
    assert "count_up" in study_help
    assert "weight_norm" in study_help
    measures = {row["measure"] for row in finished.report["measures"]}
    assert "weight_norm.rms" in measures
    assert "few_shot.count_up.k2.gold.nll" in measures
    assert any(h["annotator"] == "vowel_share" for h in finished.report["histograms"])
    for word in ("vowel_share", "count_up", "weight_norm"):
        assert word in finished.page


def test_a_second_run_does_nothing_and_says_the_same(
    finished: Finished, loam: Loam, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this fails, every look at a report costs a training run."""

    def refuse(*_: object) -> None:
        raise AssertionError("a job was started although everything is finished")

    monkeypatch.setattr(scheduling, "_drain", refuse)
    before = finished.report
    ended = loam("study", finished.study, "--out", finished.out)
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[-1] == str(finished.out / "reports" / "small.html")
    after = finished.report
    assert after["measures"] == before["measures"]
    assert after["cost"]["actual"] == before["cost"]["actual"], "the cost shown is that of the run that did the work"


def test_what_if_answers_from_scores_and_agrees_with_a_run(finished: Finished, loam: Loam) -> None:
    setting = "policy.defaults.keep.vowel_share.share.max=0.2"
    ended = loam("curate", "what-if", finished.out, "--set", setting, "--json")
    found = json.loads(ended.out)
    assert found["english"]["before"]["kept"] == finished.report["funnel"]["english"]["curated"]
    assert found["korean"]["after"]["kept"] == found["korean"]["before"]["kept"]
    files = (finished.out / "scores").glob("vowel_share-english-*/*.parquet")
    shares = [value for file in files for value in pq.read_table(file)["share"].to_pylist()]
    dropped = found["english"]["after"]["dropped"].get("vowel_share.share:high", 0)
    assert dropped == sum(share > 0.2 for share in shares) > 0


def test_what_if_refuses_what_needs_text(finished: Finished, loam: Loam) -> None:
    ended = loam("curate", "what-if", finished.out, "--set", "policy.defaults.keep.language.probability.min=0.5")
    assert ended.code == 2
    assert "language" in ended.err
    assert "vowel_share" in ended.err, "the error lists what has been scored"
    assert loam("curate", "what-if", finished.out, "--set", "sources.x=1").code == 2


def test_explain_tells_why_a_document_was_dropped(finished: Finished, loam: Loam) -> None:
    ended = loam("curate", "explain", finished.out, "english-copy", "--json")
    kept = loam("curate", "explain", finished.out, "english-5", "--json")
    found = {json.loads(e.out)["id"]: json.loads(e.out)["passes"]["select"] for e in (ended, kept)}
    reasons = sorted(passed["reason"] for passed in found.values())
    assert reasons == ["exact_duplicate", "kept"]
    dropped = next(passed for passed in found.values() if passed["reason"] != "kept")
    assert dropped["duplicate_of"] in found


def test_explain_shows_spans_but_not_the_address(finished: Finished, loam: Loam) -> None:
    ended = loam("curate", "explain", finished.out, "english-3")
    assert "replaced: characters" in ended.out
    assert "someone@example.org" not in ended.out
    assert "email@example.com" in loam("curate", "explain", finished.out, "english-3", "--text").out


def test_sample_shows_removed_kept_and_quarantined(finished: Finished, loam: Loam) -> None:
    assert "exact_duplicate" in loam("curate", "sample", finished.out).out
    assert "english.jsonl, offset" in loam("curate", "sample", finished.out, "--quarantined").out
    rows = loam("curate", "sample", finished.out, "--kept", "--source", "korean", "-n", 3, "--json").out
    assert [row["source"] for row in json.loads(rows)] == ["korean"] * 3


def test_status_and_gc(finished: Finished, loam: Loam) -> None:
    assert "6 of 6 trained" in loam("ablate", "status", finished.study, "--out", finished.out).out
    stale = finished.out / "scores" / "old-0123456789ab"
    stale.mkdir()
    (stale / "part").write_bytes(b"x" * 1000)
    assert "scores/old-0123456789ab" in loam("gc", "--out", finished.out).out
    assert stale.exists()
    assert "1 unused results removed" in loam("gc", "--out", finished.out, "--yes").out
    assert not stale.exists()
    assert "6 of 6 trained" in loam("ablate", "status", finished.study, "--out", finished.out).out


def test_tokenizer_commands_work_on_a_finished_run(finished: Finished, loam: Loam) -> None:
    out = finished.folder / "tokenized"
    run = finished.out / "runs" / "small.json"
    trained = loam("tokenizer", "train", run, "--out", out, "--sources", "english,korean", "--vocab-size", 500)
    assert trained.code == 0, trained.err
    encoded = loam("tokenizer", "encode", run, trained.out.strip(), "--out", out)
    assert encoded.code == 0, encoded.err
    assert "korean" in encoded.out


def test_a_cell_that_fails_takes_no_other_along(finished: Finished, loam: Loam) -> None:
    """An arm with too little text leaves the other arm's cells finished, and the error names the arm."""
    change = "arms.both.fraction=0.00001"
    ended = loam("ablate", "run", finished.study, "--out", finished.out, "--set", change)
    assert ended.code == 1
    assert "1 of 6 cells failed" in ended.err
    status = loam("ablate", "status", finished.study, "--out", finished.out, "--set", change).out
    assert "5 of 6 trained" in status
    assert "failed" in status


def test_a_cell_that_diverged_is_named_and_enters_no_mean(finished: Finished, loam: Loam) -> None:
    change = "arms.both.cells.optimizer.adam_learning_rate=100"
    ended = loam("ablate", "run", finished.study, "--out", finished.out, "--set", change)
    assert ended.code == 0, ended.err
    assert "6 of 6 trained, 1 of them diverged" in ended.out
    status = loam("ablate", "status", finished.study, "--out", finished.out, "--set", change).out
    assert "nats, above the" in status
    told = loam("ablate", "report", finished.study, "--out", finished.out, "--set", change)
    assert "warning: diverged, and enters no mean: both_s0, over steps" in told.out
    report = json.loads((finished.out / "reports/small.json").read_text(encoding="utf8"))
    assert not any("both" in measure["arms"] for measure in report["measures"])


def test_plan_refuses_the_demonstrations_that_a_run_refuses(finished: Finished, loam: Loam) -> None:
    """By four bytes a token ten of them fit; by the tokenizer, which is there once a run was refused, they do not."""
    task = yaml.safe_load(finished.study.read_text(encoding="utf8"))["tasks"][1]
    tasks = json.dumps([{**task, "shots": [0, 10]}])
    for command in ("run", "plan"):
        ended = loam(
            "ablate", command, finished.study, "--out", finished.out, "--set", f"tasks={tasks}", "--set", "claims=[]"
        )
        assert ended.code == 2
        assert "task count_up: in a context of 48 tokens fit " in ended.out + ended.err


@pytest.mark.parametrize("command", [("study",), ("study", "--dry-run"), ("ablate", "run"), ("ablate", "pack")])
def test_a_design_that_the_planner_refuses_does_not_run_unless_told(
    finished: Finished, loam: Loam, command: tuple[str, ...]
) -> None:
    out = finished.folder / "blunt"
    ended = loam(
        *command,
        finished.study,
        *[str(out / "packed")][: "pack" in command],
        "--out",
        out,
        "--set",
        "cells.model.sharpness=2",
    )
    assert ended.code == 2
    assert "position alone can give the token before" in ended.err
    assert "accept: [blunt_attention]" in ended.err
    assert not (out / "read").exists()


def test_a_cell_whose_loss_is_no_number_leaves_the_study_its_report(finished: Finished, loam: Loam) -> None:
    change = "arms.both.cells={optimizer: {kind: adamw, adam_learning_rate: 1e20}, gradient_clip: 0, model: {qk_norm: false}}"
    ended = loam("study", finished.study, "--out", finished.out, "--set", change)
    assert ended.code == 0, ended.err
    page = Path(ended.out.strip().splitlines()[-1]).read_text(encoding="utf8")
    assert "1 cell diverged and enters no mean: both_s0, at step" in page
    assert "the training loss is not a number" in page
    report = json.loads((finished.out / "reports/small.json").read_text(encoding="utf8"))
    assert not any("both" in measure["arms"] for measure in report["measures"])


def test_a_dry_run_prints_plan_and_estimate_and_writes_nothing(finished: Finished, loam: Loam) -> None:
    out = finished.folder / "dry"
    ended = loam("study", finished.study, "--dry-run", "--out", out)
    assert ended.code == 0, ended.err
    for words in ("read english:", "cells", "control_glossary", "estimate", "GB of memory", "MB on disk"):
        assert words in ended.out
    assert not out.exists()
