"""A finished run from somebody else: everything is answered, and nothing of its code is run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jsonl_writer import WriteJsonl

from ablations.cli import main
from curation import pipeline
from curation.cli import curate
from curation.questions.run_record import load_record
from curation.recipes import loading
from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import ConfigError
from curation.runtime.store.folder import Folder

PLUGIN = '''
"""Stars, as a count and where they stand."""

import re
from typing import Literal

from curation.annotators.base import Annotator, Column, Spans


class Stars(Annotator):
    """Stars."""

    kind: Literal["stars"] = "stars"
    version: Literal[1] = 1
    columns = (
        Column("count", unit="stars", type="int"),
        Column("is_starred", type="bool"),
        Column("shape", type="string", range=(None, None)),
        Column("spans", type="spans"),
    )
    examples = {"": (0, False, "none", []), "*": (1, True, "one", [(0, 1, "star")])}

    def score(self, batch):
        spans = Spans.of([(d, *m.span(), "star") for d, t in enumerate(batch.texts) for m in re.finditer(r"[*]", t)], len(batch))
        shapes = ["none" if n == 0 else "one" if n == 1 else "many" for n in spans.count]
        return {"count": spans.count, "is_starred": spans.count > 0, "shape": shapes, "spans": spans}
'''
ROWS = [{"id": f"n{n}", "text": f"Write to kim@naver.com. {'*' * n} The river goes by number {n}."} for n in range(5)]
POLICY = {
    "keep": {"stars": {"count": {"max": 3}}},
    "cut": {"stars": "all"},
    "replace": {"pii": "all"},
    "duplicates": "exact_hash",
}


def planted(marker: Path, source: str) -> str:
    """The source of a plugin that leaves a trace when it is run."""
    return f"open({str(marker)!r}, 'a').write('ran')\n{source}"


@pytest.fixture
def folder(tmp_path: Path, write_jsonl: WriteJsonl, out: Folder, compute: Compute) -> Path:
    """The output folder of a run whose record has since been given other plugins, which leave a trace."""
    write_jsonl("a.jsonl", ROWS)
    (tmp_path / "stars.py").write_text(PLUGIN, encoding="utf8")
    passes = [{"name": "only", "annotators": ["stars", "pii", "exact_hash"], "policy": {"defaults": POLICY}}]
    value = {
        "name": "theirs",
        "data_root": str(tmp_path),
        "plugins": ["stars.py"],
        "sources": {"a": {"kind": "files", "path": "a.jsonl"}},
        "passes": passes,
    }
    pipeline.curate(loading.from_mapping(value, str(tmp_path / "r.yaml")), out, compute)
    record = Path(out.url, "runs", "theirs.json")
    said = json.loads(record.read_text(encoding="utf8"))
    said["plugins"] = {
        "stars.py": planted(tmp_path / "marker", PLUGIN),
        "more.py": planted(tmp_path / "marker", ""),
    }
    record.write_text(json.dumps(said), encoding="utf8")
    return Path(out.url)


def asked(*arguments: object) -> Result:
    return CliRunner().invoke(curate, [str(argument) for argument in arguments], catch_exceptions=False)


def test_the_trace_is_left_when_the_planted_source_runs(tmp_path: Path) -> None:
    """Else the tests below could not fail."""
    exec(planted(tmp_path / "marker", ""))
    assert (tmp_path / "marker").exists()


def test_explain_shows_scores_decision_and_spans_of_all_annotators(folder: Path, tmp_path: Path) -> None:
    told = asked("explain", folder, "n2", "--json")
    passed = json.loads(told.stdout)["passes"]["only"]
    assert passed["scores"]["stars"] == {"count": 2, "is_starred": True, "shape": "many"}
    assert passed["scores"]["pii"]["finds"] == 1
    assert len(passed["scores"]["exact_hash"]["hash"]) == 32
    assert [span["kind"] for span in passed["cut"]] == ["star", "star"]
    assert [span["kind"] for span in passed["replaced"]] == ["email"]
    assert passed["reason"] == "kept"
    dropped = json.loads(asked("explain", folder, "n4", "--json").stdout)["passes"]["only"]
    assert dropped["reason"] == "stars.count:high"
    assert dropped["bounds"]["stars"] == {"count": {"max": 3}}
    assert not (tmp_path / "marker").exists()


def test_what_if_bounds_a_score_of_an_annotator_that_nobody_knows(folder: Path, tmp_path: Path) -> None:
    def kept(setting: str) -> int:
        told = asked("what-if", folder, "--set", setting, "--json")
        return int(json.loads(told.stdout)["a"]["after"]["kept"])

    assert kept("policy.defaults.keep.stars.count.max=1") == 2
    assert kept("policy.defaults.keep.stars.shape.any_of=[one]") == 1
    assert kept("policy.defaults.keep.stars=null") == 5
    with pytest.raises(ConfigError, match="a string score takes any_of"):
        asked("what-if", folder, "--set", "policy.defaults.keep.stars.shape.max=1")
    with pytest.raises(ConfigError, match=r"unknown score 'counts'.*Known: count, is_starred, shape, spans"):
        asked("what-if", folder, "--set", "policy.defaults.keep.stars.counts.max=1")
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize(
    "question", [("explain", "n2"), ("what-if", "--set", "policy.defaults.keep.stars.count.max=1")]
)
def test_one_line_says_what_is_not_run_and_how_to_trust_it(folder: Path, question: tuple[str, ...]) -> None:
    told = asked(question[0], folder, *question[1:])
    (line,) = told.stderr.splitlines()
    assert "'stars.py', 'more.py'" in line
    assert "--plugin FILE.py" in line
    assert told.stdout


def test_a_plugin_that_the_user_names_is_run_if_it_is_the_run_s_own(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(planted(tmp_path / "marker", PLUGIN), encoding="utf8")
    told = asked("explain", folder, "n2", "--plugin", own)
    assert (tmp_path / "marker").exists()
    (line,) = (line for line in told.stdout.splitlines() if line.startswith("stars.count"))
    assert line.split() == ["stars.count", "2", "stars", "<=", "3"]
    assert "'more.py'" in told.stderr
    assert "stars.py" not in told.stderr


def test_a_plugin_that_the_run_never_had_is_refused_in_one_line(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scores would be shown under the words of other code than made them."""
    (tmp_path / "other.py").write_text(planted(tmp_path / "marker", "# edited"), encoding="utf8")
    for question in (
        ["explain", str(folder), "n2"],
        ["what-if", str(folder), "--set", "policy.defaults.cut.stars=all"],
    ):
        command = ["loam", "curate", *question, "--plugin", str(tmp_path / "other.py")]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        (line,) = printed.err.splitlines()
        assert "other.py: its hash is" in line
        assert "'stars.py'" in line
    assert not (tmp_path / "marker").exists()


def test_a_record_without_plugins_says_nothing(folder: Path) -> None:
    record = folder / "runs" / "theirs.json"
    said: dict[str, Any] = json.loads(record.read_text(encoding="utf8"))
    record.write_text(json.dumps({**said, "plugins": {}}), encoding="utf8")
    assert asked("explain", folder, "n2").stderr == ""
    assert load_record(str(folder)).not_run() is None
