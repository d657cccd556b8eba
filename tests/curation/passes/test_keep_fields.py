"""Of a row's other fields curated shards keep those that the recipe names: nobody looks for personal information in the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from jsonl_writer import WriteJsonl

from curation import pipeline
from curation.dashboard import page
from curation.dashboard.gathering.curation_run import curation_report
from curation.questions.explain import explain_document
from curation.questions.run_record import load_record
from curation.recipes import loading
from curation.recipes.recipe import Recipe
from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import ConfigError, StageError
from curation.runtime.store.folder import Folder, open_out

EMAIL, PHONE, IN_NAME = "kim.secret@naver.com", "010-8765-4321", "lee.secret@daum.net"
WORDS = "강을 따라 오래된 도시에서 사람들은 새로운 이야기를 그리고 다시 천천히 걸었다"


def rows(number: int) -> Iterator[dict[str, Any]]:
    """Documents whose texts are clean, and whose other fields and ids are not; every fifth is dropped."""
    for i in range(number):
        yield {
            "id": f"{EMAIL}/{i}",
            "text": "#" * 50 if i % 5 == 4 else f"{WORDS} {i}. {WORDS}.",
            "author": {"name": "Kim", "mail": EMAIL, "phones": [PHONE]},
            "contact": PHONE,
            "url": f"https://example.com/{i}",
        }


def recipe_of(folder: Path, **changes: Any) -> Recipe:
    """Two passes and a transform, as personal information has to be kept out of all of them."""
    keep = {"defaults": {"keep": {"char_classes": {"letter_share": {"min": 0.2}}}}}
    value = {
        "name": "fields",
        "data_root": str(folder),
        "sources": {
            "mail": {"kind": "files", "path": "mail"},
            "web": {"kind": "files", "path": "web.jsonl", "fields": {"id": "contact"}},
            "moved": {"of": "mail", "transform": "shuffle_sentences"},
        },
        "passes": [
            {"name": "clean", "annotators": ["char_classes"], "policy": keep},
            {"name": "select", "annotators": ["pii"], "policy": {"defaults": {"replace": {"pii": "all"}}}},
        ],
        **changes,
    }
    return loading.from_mapping(value, str(folder / "r.yaml"))


@pytest.fixture
def corpus(tmp_path: Path, write_jsonl: WriteJsonl) -> Path:
    write_jsonl(f"mail/{IN_NAME}.jsonl", rows(10))
    write_jsonl("web.jsonl", rows(5))
    return tmp_path


def curated_files(out: Folder) -> list[Path]:
    """Every Parquet file that is passed on: curated documents and samples of all passes, and transformed documents."""
    found = [path for stage in ("curated", "transformed") for path in Path(out.url, stage).rglob("*.parquet")]
    assert {path.parent.name for path in found} >= {"samples"}
    assert any("moved-shuffle_sentences" in path.parent.name for path in found)
    return found


def documents(curated: pipeline.Curated, source: str) -> list[dict[str, Any]]:
    shards = curated.shards[source]
    return [row for file in shards.files for row in pq.read_table(f"{shards.folder.url}/{file}").to_pylist()]


def test_what_stands_beside_a_text_leaves_the_raw_shards_only_when_it_is_named(
    corpus: Path, out: Folder, compute: Compute
) -> None:
    """Curated shards are published as `personal information replaced`; an address beside the text would make that a lie."""
    curated = pipeline.curate(recipe_of(corpus), out, compute)
    (out / "reports").write("fields.curation.html", page.render(curation_report(curated.record, out)).encode())
    values = (EMAIL, PHONE, IN_NAME)
    columns = {
        f"{path}: {name}": str(column.to_pylist())
        for path in curated_files(out)
        for name, column in zip(pq.read_schema(path).names, pq.read_table(path).columns, strict=True)
    }
    assert len(columns) > 50
    assert [(where, value) for where, text in columns.items() for value in values if value in text] == []
    written = [path for ending in ("json", "html") for path in Path(out.url).rglob(f"*.{ending}")]
    assert len(written) > 10
    texts = {str(path): path.read_text(encoding="utf8") for path in written}
    assert [(where, value) for where, text in texts.items() for value in (EMAIL, PHONE) if value in text] == []


def test_the_same_texts_are_curated_whatever_is_kept(corpus: Path, out: Folder, compute: Compute) -> None:
    without = pipeline.curate(recipe_of(corpus), out, compute)
    kept = pipeline.curate(recipe_of(corpus, keep_fields=["url", "id", "path"]), out, compute)
    for source in ("mail", "web", "moved"):
        before, after = (
            [(row["id"], row["text"]) for row in documents(curated, source)] for curated in (without, kept)
        )
        assert before == after != []


def test_named_fields_are_kept_through_all_passes_and_transforms(corpus: Path, out: Folder, compute: Compute) -> None:
    curated = pipeline.curate(recipe_of(corpus, keep_fields=["url", "author"]), out, compute)
    for source in ("mail", "moved"):
        for row in documents(curated, source):
            fields = json.loads(row["meta"])
            assert list(fields) == ["author", "url"]
            assert fields["author"] == {"mail": EMAIL, "name": "Kim", "phones": [PHONE]}
            assert fields["url"].startswith("https://example.com/")
            assert row["user_id"] is row["path"] is None


def test_each_source_may_have_a_list_of_its_own(corpus: Path, out: Folder, compute: Compute) -> None:
    curated = pipeline.curate(recipe_of(corpus, keep_fields={"web": ["url"], "mail": []}), out, compute)
    assert {row["meta"] for row in documents(curated, "mail")} == {None}
    assert {row["meta"] for row in documents(curated, "moved")} == {None}
    assert [json.loads(row["meta"]) for row in documents(curated, "web")] == [
        {"url": f"https://example.com/{i}"} for i in range(4)
    ]


def test_the_id_of_a_row_and_the_path_of_its_file_are_kept_by_their_names(
    corpus: Path, out: Folder, compute: Compute
) -> None:
    """An id may be an address; which field it is, the source says."""
    curated = pipeline.curate(recipe_of(corpus, keep_fields=["id", "path"]), out, compute)
    assert [row["user_id"] for row in documents(curated, "mail")][:2] == [f"{EMAIL}/0", f"{EMAIL}/1"]
    assert {row["path"] for row in documents(curated, "mail")} == {f"{IN_NAME}.jsonl"}
    assert {row["user_id"] for row in documents(curated, "web")} == {None}, "the rows of web have their id in `contact`"
    assert {json.loads(row["meta"])["id"] for row in documents(curated, "web")} == {f"{EMAIL}/{i}" for i in range(4)}


def test_fields_are_part_of_what_is_written_and_of_nothing_before(corpus: Path, out: Folder, compute: Compute) -> None:
    """Shards without a field must not pass for shards with it; reading and measuring text again would be waste."""

    def stages(keep_fields: Any) -> Any:
        return pipeline.curate(recipe_of(corpus, keep_fields=keep_fields), out, compute).record["stages"]

    none, some, other_order = stages([]), stages(["url", "author"]), stages(["author", "url"])
    for source in ("mail", "web"):
        assert none[source]["read"] == some[source]["read"]
        first = [made[source]["passes"]["clean"] for made in (none, some)]
        assert first[0]["scores"] == first[1]["scores"]
        assert first[0]["decide"] == first[1]["decide"]
        assert first[0]["curated"] != first[1]["curated"]
    assert some == other_order
    only_web = stages({"web": ["url"]})
    assert only_web["mail"] == none["mail"]
    assert only_web["web"]["passes"]["clean"]["curated"] != none["web"]["passes"]["clean"]["curated"]


def test_explain_finds_a_document_by_its_user_s_id_and_shows_its_row(
    corpus: Path, out: Folder, compute: Compute
) -> None:
    pipeline.curate(recipe_of(corpus), out, compute)
    found = explain_document(load_record(out.url), f"{EMAIL}/3")
    assert found["user_id"] == f"{EMAIL}/3"
    assert found["path"] == f"{IN_NAME}.jsonl"
    assert json.loads(str(found["meta"]))["contact"] == PHONE
    assert [passed["reason"] for passed in found["passes"].values()] == ["kept", "kept"]


@pytest.mark.parametrize(
    ("keep_fields", "told"),
    [
        ("url", "keep_fields: found 'url'. Write a list of names"),
        ([1], r"keep_fields: found \[1\]. Write a list of names"),
        ({"web": "url"}, "keep_fields: found 'url'. Write a list of names"),
        ({"wep": ["url"]}, "keep_fields: unknown source 'wep'. Did you mean 'web'"),
        ({"moved": ["url"]}, "A derived source has the fields of the one that it is taken of"),
    ],
)
def test_a_list_that_cannot_be_one_is_refused(corpus: Path, keep_fields: Any, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        recipe_of(corpus, keep_fields=keep_fields)


def test_only_takes_the_lists_of_its_sources(corpus: Path) -> None:
    (corpus / "base.yaml").write_text(
        json.dumps(recipe_of(corpus, keep_fields={"web": ["url"], "mail": ["id"]}).model_dump(mode="json", exclude_none=True)),
        encoding="utf8",
    )  # fmt: skip
    (corpus / "some.yaml").write_text('{"base": "base.yaml", "only": ["web"], "derived": null}', encoding="utf8")
    assert loading.load_recipe(str(corpus / "some.yaml")).keep_fields == {"web": ("url",)}


ODD = '''
"""A source whose rows have no fields."""

from typing import Literal

from curation.sources.base import Piece, Row, Source


class Odd(Source):
    """One row."""

    kind: Literal["odd"] = "odd"
    version: Literal[1] = 1

    def plan(self, name, data_root, piece_bytes):
        return [Piece("odd", "odd", 10, "content", "odd")]

    def read(self, name, piece):
        yield Row("a text", "odd", 0, meta="not JSON")
'''


def test_a_source_that_gives_no_fields_is_told_so(tmp_path: Path, compute: Compute) -> None:
    (tmp_path / "odd.py").write_text(ODD, encoding="utf8")
    value = {
        "plugins": ["odd.py"],
        "sources": {"a": {"kind": "odd"}},
        "passes": [{"name": "only", "annotators": ["exact_hash"]}],
        "keep_fields": ["url"],
    }
    with pytest.raises(StageError, match=r"no JSON object\. Mend the source's plugin"):
        pipeline.curate(loading.from_mapping(value, str(tmp_path / "r.yaml")), open_out(str(tmp_path / "out")), compute)
