"""What no recipe names is no part of a result: an entity's file may come and go without a stage being done again."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonl_writer import WriteJsonl

import curation.pii
from curation import pipeline
from curation.pii.registry import ENTITIES
from curation.recipes import loading
from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import ConfigError
from curation.runtime.stages import scheduling
from curation.runtime.store.folder import Folder, open_out
from curation.runtime.store.shards import read_columns

TEXTS = ["Write to kim@naver.com.", "Call 010-1234-5678 today.", "See TICKET-12 by lee@daum.net."]
ENTITY = '''
"""Ticket numbers such as TICKET-123."""

import re
from collections.abc import Iterator
from typing import ClassVar

from curation.pii.base import Entity


class TicketNumber(Entity):
    """Ticket numbers."""

    kind: ClassVar[str] = "ticket_number"
    version: ClassVar[int] = 1
    examples: ClassVar = {"see TICKET-12": "see TICKET-0"}

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        yield from (match.span() for match in re.finditer(r"TICKET-[0-9]+", text))

    def replacement(self, value: str) -> str:
        return "TICKET-0"
'''
FINDER = '''
"""An annotator that is not `pii`, with spans that are entities."""

import re
from typing import Literal

from curation.annotators.base import Annotator, Column, Spans


class AtSigns(Annotator):
    """Words with an at sign."""

    kind: Literal["at_signs"] = "at_signs"
    version: Literal[1] = 1
    columns = (Column("spans", type="spans"),)
    examples = {"": ([],), "a@b.co": ([(0, 6, "email")],)}

    def score(self, batch):
        found = [(d, *m.span(), "KIND") for d, text in enumerate(batch.texts) for m in re.finditer(r"\\\\w+@[\\\\w.]+\\\\w", text)]
        return {"spans": Spans.of(found, len(batch))}
'''.replace("\\\\", "\\")


def finder(kind: str = "email") -> str:
    return FINDER.replace('"KIND"', f'"{kind}"')


def curated(
    folder: Path,
    out: Folder,
    compute: Compute,
    annotator: Any = "pii",
    replace: Any = None,
    plugins: tuple[str, ...] = (),
) -> pipeline.Curated:
    label = annotator if isinstance(annotator, str) else annotator["kind"]
    policy = {"defaults": {"replace": replace or {label: "all"}}}
    value = {
        "data_root": str(folder),
        "plugins": list(plugins),
        "sources": {"a": {"kind": "files", "path": "a.jsonl"}},
        "passes": [{"name": "only", "annotators": [annotator], "policy": policy}],
    }
    return pipeline.curate(loading.from_mapping(value, str(folder / "r.yaml")), out, compute)


def texts_of(run: pipeline.Curated) -> list[str]:
    shards = run.shards["a"]
    return [text for file in shards.files for text in read_columns(shards.folder, file, ["text"])["text"].to_pylist()]


def folders_of(run: pipeline.Curated) -> Any:
    """Every stage's folder, whose names hold their fingerprints."""
    return run.record["stages"]


@pytest.fixture
def corpus(tmp_path: Path, write_jsonl: WriteJsonl) -> Path:
    write_jsonl("a.jsonl", [{"text": text} for text in TEXTS])
    for name, source in (("tickets.py", ENTITY), ("at_signs.py", finder())):
        (tmp_path / name).write_text(source, encoding="utf8")
    return tmp_path


@pytest.fixture
def no_more_work(monkeypatch: pytest.MonkeyPatch) -> Any:
    """From its call on a job that starts is a failure."""

    def refuse(*_: object) -> None:
        raise AssertionError("a job was started although nothing that the recipe names has changed")

    return lambda: monkeypatch.setattr(scheduling, "_drain", refuse)


def with_installed_entity(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package of entities is from now on a copy of itself with one more file, as after an upgrade of Loam."""
    package = Path(shutil.copytree(Path(*curation.pii.__path__), folder / "pii"))
    (package / "ticket_number.py").write_text(ENTITY, encoding="utf8")
    monkeypatch.setattr(curation.pii, "__path__", [str(package)])
    monkeypatch.setattr(curation.pii.__spec__, "submodule_search_locations", [str(package)])
    assert "ticket_number" in ENTITIES.classes()


def test_an_entity_of_a_plugin_that_no_recipe_names_changes_no_stage(
    corpus: Path, out: Folder, compute: Compute, no_more_work: Any
) -> None:
    """If this fails, trying an idea in a file of one's own curates, encodes and trains everything again."""
    before = curated(corpus, out, compute)
    no_more_work()
    after = curated(corpus, out, compute, plugins=("tickets.py",))
    assert folders_of(after) == folders_of(before)


@pytest.mark.parametrize("annotator", ["pii", {"kind": "pii", "entities": ["email"]}], ids=["all", "one"])
def test_an_installed_entity_that_no_recipe_names_changes_no_stage(
    corpus: Path, out: Folder, compute: Compute, no_more_work: Any, monkeypatch: pytest.MonkeyPatch, annotator: Any
) -> None:
    """If this fails, an upgrade that only brings a new entity curates, encodes and trains everything again."""
    before = curated(corpus, out, compute, annotator)
    no_more_work()
    with_installed_entity(corpus, monkeypatch)
    assert folders_of(curated(corpus, out, compute, annotator)) == folders_of(before)


def test_naming_an_entity_changes_what_is_written(corpus: Path, out: Folder, compute: Compute) -> None:
    before = curated(corpus, out, compute)
    named = {"kind": "pii", "entities": ["email", "phone", "ticket_number"]}
    after = curated(corpus, out, compute, named, plugins=("tickets.py",))
    assert folders_of(after)["a"]["passes"]["only"]["curated"] != folders_of(before)["a"]["passes"]["only"]["curated"]
    assert "See TICKET-0 by email@example.com." in texts_of(after)


def test_an_entity_that_is_replaced_counts_and_one_that_is_only_found_does_not(
    corpus: Path, out: Folder, compute: Compute
) -> None:
    """An edited replacement must not leave old texts in place; one that the policy does not use may change freely."""
    named = {"kind": "pii", "entities": ["email", "ticket_number"]}

    def what(replace: Any) -> Any:
        made = curated(corpus, out, compute, named, replace, plugins=("tickets.py",))
        return made.shards["a"].manifest.what["entities"]

    assert list(what({"pii": "all"})) == ["email", "ticket_number"]
    assert list(what({"pii": ["email"]})) == ["email"]
    assert list(what({"pii": ["ticket_number"]})) == ["ticket_number"]


@pytest.mark.parametrize("replace", ["all", ["email"]], ids=["all", "by name"])
def test_an_annotator_that_is_not_pii_replaces_by_the_entities_that_it_found(
    corpus: Path, out: Folder, compute: Compute, no_more_work: Any, monkeypatch: pytest.MonkeyPatch, replace: Any
) -> None:
    plugins = ("at_signs.py",)
    before = curated(corpus, out, compute, "at_signs", {"at_signs": replace}, plugins)
    assert "Write to email@example.com." in texts_of(before)
    assert list(before.shards["a"].manifest.what["entities"]) == ["email"]
    no_more_work()
    with_installed_entity(corpus, monkeypatch)
    assert folders_of(curated(corpus, out, compute, "at_signs", {"at_signs": replace}, plugins)) == folders_of(before)


def test_spans_that_are_no_entity_cannot_be_replaced(corpus: Path, compute: Compute) -> None:
    (corpus / "at_signs.py").write_text(finder("handle"), encoding="utf8")
    with pytest.raises(ConfigError, match=re.escape("spans of kind 'handle' belong to no entity")):
        curated(corpus, open_out(str(corpus / "other")), compute, "at_signs", plugins=("at_signs.py",))
