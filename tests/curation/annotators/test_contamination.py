"""What the annotator of test questions promises beyond the contract of annotators."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonl_writer import WriteJsonl

from curation.annotators.base import rows_of
from curation.annotators.contamination import Contamination
from curation.annotators.registry import make_annotator
from curation.policy.policy import is_chosen
from curation.runtime.errors import ConfigError
from curation.text.batch import Batch

CONTEXT = "강은 산에서 시작하여 들을 지나 바다로 흐르며 여러 도시를 먹여 살린다. 겨울에는 얼고 봄에는 넘친다."
ROWS = (
    {"task": "quiz", "split": "test", "item": "0", "field": "context", "text": CONTEXT},
    {"task": "quiz", "split": "test", "item": "0", "field": "question", "text": "강은 어디로 흐르나?"},
    {"task": "quiz", "split": "train", "item": "0", "field": "question", "text": "산은 어디에 있나?"},
)


@pytest.fixture
def path(write_jsonl: WriteJsonl) -> Path:
    return write_jsonl("queries.jsonl.zst", ROWS)


def scored(annotator: Contamination, text: str) -> tuple[object, ...]:
    return next(rows_of(annotator, annotator.score(Batch([text]))))


def test_spans_cover_what_was_found_and_name_task_split_field_and_row(path: Path) -> None:
    text = f"머리말\n{CONTEXT}\n강은 어디로 흐르나\n산은 어디에 있나?"
    items, whole, share, spans = scored(Contamination(queries=path), text)
    assert (items, whole) == (2, 2)
    last = 4 + len(CONTEXT)  # its full stop is no letter; a line goes with its newline
    assert spans == [(4, last - 1, "quiz:test:context:0"), (last + 1, last + 12, "quiz:test:question:0")]
    assert share == (len(CONTEXT) - 1 + 11) / len(text)


def test_a_part_of_a_text_counts_from_item_share_on(path: Path) -> None:
    """Half of the n-grams is the default: a sentence that two articles share makes no contamination."""
    part = CONTEXT[:-6]
    assert scored(Contamination(queries=path, ngram_chars=20), part)[:2] == (1, 0)
    assert scored(Contamination(queries=path, ngram_chars=20, item_share=0.95), part)[0] == 0
    assert scored(Contamination(queries=path, ngram_chars=20), CONTEXT[:30])[0] == 0


def test_splits_and_fields_choose_what_is_looked_for(path: Path) -> None:
    text = "강은 어디로 흐르나?\n산은 어디에 있나?"
    assert scored(Contamination(queries=path), text)[0] == 1
    assert scored(Contamination(queries=path, splits=("train", "test")), text)[0] == 2
    assert scored(Contamination(queries=path, fields=("context",)), text)[0] == 0


def test_the_files_content_is_part_of_what_it_is_and_its_place_is_not(path: Path, write_jsonl: WriteJsonl) -> None:
    """Scores of other questions must not be taken for those of these; a moved file changes nothing."""
    same, other = write_jsonl("moved/q.jsonl.zst", ROWS), write_jsonl("other.jsonl", ROWS[:1])
    assert Contamination(queries=path).what() == Contamination(queries=same).what()
    assert Contamination(queries=path).what() != Contamination(queries=other).what()
    with pytest.raises(ConfigError, match="export-queries"):
        Contamination(queries=path.with_name("none")).what()


def test_without_a_file_of_queries_it_is_refused() -> None:
    with pytest.raises(ConfigError, match="queries"):
        make_annotator({"kind": "contamination"}, (), "pass select")


def test_a_policy_names_a_task_a_split_or_one_text() -> None:
    kind = "quiz:test:context:0"
    for said in ("quiz", "quiz:test", kind):
        assert is_chosen({"contamination": (said,)}, "contamination", kind)
    for said in ("qui", "quiz:tes", "other"):
        assert not is_chosen({"contamination": (said,)}, "contamination", kind)
