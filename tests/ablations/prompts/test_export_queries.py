"""The file of test questions: every text once, nothing without its fields, and a control of mixed letters."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from jsonl_writer import WriteJsonl

from ablations.cli import loam
from ablations.prompts.export_queries import TextCounts, _shuffled, export_texts, fields_of, parse_fields
from curation.contamination.queries import read_queries
from curation.runtime.errors import ConfigError, InputError
from curation.text.folding import folded

SHARED = Path(__file__).parents[4] / "shared" / "data" / "tasks"


@pytest.fixture
def tasks(write_jsonl: WriteJsonl, tmp_path: Path) -> Path:
    reviews = [
        {"text": "아주 재미있는 영화였다", "label": 1},
        {"text": "좋다", "label": 1},
        {"text": "좋다", "label": 0},
    ]
    write_jsonl("tasks/nsmc/test.jsonl.zst", reviews)
    write_jsonl("tasks/nsmc/train.jsonl", reviews[1:])
    write_jsonl("tasks/korquad/test.jsonl.gz", [{"context": "긴 글", "question": "무엇?", "id": "7"}])
    (tmp_path / "tasks/README.md").write_text("about the tasks")
    return tmp_path / "tasks"


def rows_of(path: Path) -> list[dict[str, str]]:
    return [vars(query) for query in read_queries(path, {"train", "dev", "test"}, ())]


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.zst", "jsonl.gz"])
def test_every_distinct_text_is_written_once_with_its_first_row(tasks: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / "new" / f"q.{ending}"
    done = export_texts(tasks, out, {})
    assert [tuple(row.values()) for row in rows_of(out)] == [
        ("korquad", "test", "0", "context", "긴 글"),
        ("korquad", "test", "0", "question", "무엇?"),
        ("nsmc", "test", "0", "text", "아주 재미있는 영화였다"),
        ("nsmc", "test", "1", "text", "좋다"),
        ("nsmc", "train", "0", "text", "좋다"),
    ]
    assert sum(done.texts.values()) == 5
    first = out.read_bytes()
    export_texts(tasks, out, {})
    assert out.read_bytes() == first


def test_an_unknown_task_is_refused_with_the_known_ones_and_a_way_to_add_it(
    tasks: Path, tmp_path: Path, write_jsonl: WriteJsonl
) -> None:
    write_jsonl("tasks/nsmcc/test.jsonl", [{"words": "아무 말"}])
    with pytest.raises(ConfigError, match=r"'nsmcc'. Did you mean 'nsmc'.*korquad.*--fields nsmcc=") as refused:
        export_texts(tasks, tmp_path / "q.jsonl", {})
    assert not (tmp_path / "q.jsonl").exists(), refused
    export_texts(tasks, tmp_path / "q.jsonl", {"nsmcc": ["words"]})
    assert rows_of(tmp_path / "q.jsonl")[-1]["text"] == "아무 말"


def test_a_row_without_its_field_is_refused_with_its_place(tasks: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"korquad/test.jsonl.gz, byte 0: no text under 'title'; the row has context"):
        export_texts(tasks, tmp_path / "q.jsonl", {"korquad": ["title"]})


def test_a_folder_without_tasks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no <task>"):
        export_texts(tmp_path, tmp_path / "q.jsonl", {})
    with pytest.raises(ConfigError, match="No such file"):
        export_texts(tmp_path / "none", tmp_path / "q.jsonl", {})


@pytest.mark.parametrize("said", ["nsmc", "=text", "nsmc=", "nsmc=a,,b"])
def test_fields_that_are_not_understood_are_refused(said: str) -> None:
    with pytest.raises(ConfigError, match="TASK=KEY,KEY"):
        parse_fields([said])


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_a_shuffled_text_has_the_same_signs_and_spaces_and_other_words(text: str) -> None:
    row = {"task": "t", "split": "test", "item": "0", "field": "f", "text": text}
    mixed = _shuffled(row, TextCounts())
    assert mixed == _shuffled(row, TextCounts()), "the same bytes in every run"
    if mixed is not None:
        assert Counter(mixed["text"]) == Counter(text)
        assert [c.isspace() for c in mixed["text"]] == [c.isspace() for c in text]
        assert folded(mixed["text"]) != folded(text)


def test_texts_without_a_shuffle_of_their_own_are_left_out_and_counted(tasks: Path, tmp_path: Path) -> None:
    """The letters of a short word often make another word, which says nothing about chance."""
    done = export_texts(tasks, tmp_path / "q.jsonl", {}, shuffled=True)
    assert done.left_out == {"shorter than 6 letters": 4}
    assert [row["item"] for row in rows_of(tmp_path / "q.jsonl")] == ["0"]
    assert _shuffled({"task": "", "split": "", "field": "", "text": "ㅋㅋㅋㅋㅋㅋㅋ"}, done) is None
    assert done.left_out["the same in any order"] == 1


def test_the_command_says_how_many_texts_it_wrote(tasks: Path, tmp_path: Path) -> None:
    ended = CliRunner().invoke(loam, ["ablate", "export-queries", str(tasks), str(tmp_path / "q.jsonl")])
    assert ended.exit_code == 0, ended.output
    assert "5 texts in" in ended.output
    assert len((tmp_path / "q.jsonl").read_text(encoding="utf8").splitlines()) == 5


def test_fields_come_from_the_option_then_the_tasks_own_file_then_the_list() -> None:
    assert fields_of("nsmc", {"nsmc": ["label"]}) == ("label",)
    assert fields_of("kobest_wic", {}) == ("context_1", "context_2"), "the word itself is no text of the task's own"
    assert fields_of("korquad", {}) == ("context", "question")


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data, which is no part of the repository")
def test_all_real_tasks_have_their_fields(tmp_path: Path) -> None:
    done = export_texts(SHARED, tmp_path / "q.jsonl.zst", {})
    assert {task for task, *_ in done.texts} == {path.name for path in SHARED.iterdir() if path.is_dir()}
    assert done.texts["korquad", "test", "context"] == 707
    assert done.texts["kobest_boolq", "test", "paragraph"] == 1403
    assert json.dumps(sorted(done.left_out)) == "[]"
