"""A run with the annotator of test questions: what the policies do with finds, and the table of tasks by sources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonl_writer import WriteJsonl

from curation import pipeline
from curation.dashboard.contents import ContaminationRow, ContaminationTable
from curation.dashboard.gathering.contamination import contamination, contamination_tables
from curation.dashboard.gathering.curation_run import curation_report
from curation.dashboard.page import render
from curation.pipeline import Curated
from curation.questions.run_record import RunRecord
from curation.recipes import loading
from curation.runtime.cluster.cluster import Compute
from curation.runtime.store.folder import Folder
from curation.runtime.store.shards import read_columns

QUESTION = "강은 어디에서 시작하여 어디로 흘러가는가 하고 묻는 긴 물음"
OTHER = "산은 어디에서 시작하여 어디에서 끝나는가 하고 묻는 긴 물음"
REST = "이 문서에는 다른 말이 많이 있고 물음은 그 가운데 아주 작은 부분일 뿐이다. " * 20


def query(item: int, field: str, text: str) -> dict[str, Any]:
    return {"task": "quiz", "split": "test", "item": str(item), "field": field, "text": text}


@pytest.fixture
def run(write_jsonl: WriteJsonl, tmp_path: Path, out: Folder, compute: Compute) -> tuple[Curated, Folder]:
    """Sources of the same documents; the policies drop, cut and tag."""
    queries = write_jsonl("queries.jsonl", [query(0, "question", QUESTION), query(1, "question", OTHER)])
    documents = [QUESTION, f"{REST}\n{QUESTION}\n{REST}", REST]
    for source in ("dropping", "cutting", "tagging"):
        write_jsonl(f"{source}.jsonl", [{"text": text} for text in documents])
    value = {
        "name": "small",
        "data_root": str(tmp_path),
        "sources": {s: {"kind": "files", "path": f"{s}.jsonl"} for s in ("dropping", "cutting", "tagging")},
        "passes": [
            {
                "name": "select",
                "annotators": [{"kind": "contamination", "queries": str(queries)}],
                "policy": {
                    "sources": {
                        "dropping": {"keep": {"contamination": {"share": {"max": 0.1}}}},
                        "cutting": {"cut": {"contamination": ["quiz"]}},
                    }
                },
            }
        ],
    }
    made = loading.from_mapping(json.loads(json.dumps(value)), "small.yaml")
    return pipeline.curate(made, out, compute), out


def texts_of(curated: Curated, source: str) -> list[str]:
    shards = curated.shards[source]
    return [text for file in shards.files for text in read_columns(shards.folder, file, ["text"])["text"].to_pylist()]


def test_policies_drop_cut_or_only_tag_and_the_report_tells_the_same_of_all(run: tuple[Curated, Folder]) -> None:
    curated, out = run
    assert texts_of(curated, "dropping") == [f"{REST}\n{QUESTION}\n{REST}", REST]
    assert curated.funnel["dropping"].dropped == {"select: contamination.share:high": 1}
    assert texts_of(curated, "cutting") == [f"{REST}\n\n{REST}", REST]
    assert texts_of(curated, "tagging") == [QUESTION, f"{REST}\n{QUESTION}\n{REST}", REST]
    (entry,) = contamination(RunRecord(out, curated.record))
    of_each = dict.fromkeys(("dropping", "cutting", "tagging"), 1)
    row = ContaminationRow("quiz", "test", "question", 2, of_each, dict.fromkeys(of_each, 2))
    documents, tagged = dict.fromkeys(of_each, 3), dict.fromkeys(of_each, 2)
    assert entry == ContaminationTable("select", "contamination", documents, tagged, (row,))
    report = curation_report(curated.record, out)
    assert report.contamination == (entry,)
    page = render(report)
    assert '<section id="contamination">' in page
    assert "2 of 3" in page
    (table,) = contamination_tables([entry])
    assert "quiz test question" in table
    assert "1 in 2" in table


def test_the_report_stands_without_the_file_of_queries(run: tuple[Curated, Folder], tmp_path: Path) -> None:
    """Only how many were asked for is not known any more; the finds are in the scores."""
    curated, out = run
    (tmp_path / "queries.jsonl").unlink()
    (entry,) = contamination(RunRecord(out, curated.record))
    assert [(row.of, row.texts["tagging"]) for row in entry.rows] == [(None, 1)]
