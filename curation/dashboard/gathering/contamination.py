"""Which tasks' texts stand in which sources, for the report and the end of a run. Reads scores, no documents."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow.compute as pc

from curation.annotators.base import Annotator
from curation.annotators.contamination import Contamination
from curation.annotators.registry import ANNOTATORS, make
from curation.questions.run_record import RunRecord
from curation.recipes.recipe import Pass
from curation.runtime.command_line.command import table
from curation.runtime.errors import LoamError
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.shards import read_columns

Place = tuple[str, str, str]  # task, split, field


def contamination(run: RunRecord) -> list[dict[str, Any]]:
    """One entry for each annotator `contamination` of a pass; none where a recipe has none.

    An entry says of each source how many documents were looked at and how many hold a text of a task, and of each task, split and
    field how many different texts the sources hold. `of` is the number of texts asked for; null when the file of
    queries has gone or changed since.
    """
    found = []
    for pass_ in run.recipe.passes:
        for annotator in _looking_for_tasks(run, pass_):
            label = annotator.label
            folders = {source: run.scores(source, pass_.name)[label] for source in run.sources()}
            found.append({"pass": pass_.name, "annotator": label, **_entry(annotator, folders)})
    return found


def _looking_for_tasks(run: RunRecord, pass_: Pass) -> Iterator[Contamination]:
    known = ANNOTATORS.classes(run.plugins)
    for entry in pass_.annotators:
        if issubclass(known.get(str(entry.get("kind")), Annotator), Contamination):
            made = make(entry, run.plugins, f"pass {pass_.name}")
            assert isinstance(made, Contamination)
            yield made


def _entry(annotator: Contamination, folders: Mapping[str, Folder]) -> dict[str, Any]:
    texts: defaultdict[Place, dict[str, set[str]]] = defaultdict(dict)
    holding: defaultdict[Place, Counter[str]] = defaultdict(Counter)
    documents, tagged = {}, {}
    for source, folder in folders.items():
        documents[source], tagged[source] = 0, 0
        for part in Manifest.load(folder).parts:
            documents[source] += int(part["rows"])
            spans = read_columns(folder, part["file"], ["spans"])["spans"]
            for row in spans.filter(pc.greater(pc.list_value_length(spans), 0)).to_pylist():
                tagged[source] += 1
                kinds = {span["kind"] for span in row}
                for kind in kinds:
                    texts[_place(kind)].setdefault(source, set()).add(kind)
                for place in {*map(_place, kinds)}:
                    holding[place][source] += 1
    asked = _asked(annotator, folders)
    rows = [
        {
            "task": place[0],
            "split": place[1],
            "field": place[2],
            "of": asked.get(place),
            "texts": {source: len(texts[place].get(source, ())) for source in folders},
            "documents": {source: holding[place][source] for source in folders},
        }
        for place in sorted({*texts, *asked})
    ]
    return {"documents": documents, "tagged": tagged, "rows": rows}


def _place(kind: str) -> Place:
    task, split, field, _ = kind.split(":", 3)
    return task, split, field


def _asked(annotator: Contamination, folders: Mapping[str, Folder]) -> dict[Place, int]:
    """Texts asked for at each place, if the file is still the one that was used."""
    try:
        content = annotator.content()
        if any(Manifest.load(folder).what["content"]["queries"] != content["queries"] for folder in folders.values()):
            return {}
        return dict(Counter((query.task, query.split, query.field) for query in annotator.index().queries))
    except LoamError:
        return {}


def contamination_tables(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """The tables as text: task by source, texts found and in how many documents."""
    return [_table(entry) for entry in entries]


def _table(entry: Mapping[str, Any]) -> str:
    sources = [source for source, documents in entry["documents"].items() if documents]
    rows = [
        (
            f"{row['task']} {row['split']} {row['field']}",
            row["of"],
            *(f"{row['texts'][s]:,} in {row['documents'][s]:,}" if row["texts"][s] else "-" for s in sources),
        )
        for row in entry["rows"]
        if any(row["texts"].values())
    ]
    total = ("documents tagged", None, *(f"{entry['tagged'][s]:,} of {entry['documents'][s]:,}" for s in sources))
    headings = (f"{entry['annotator']} ({entry['pass']}): texts in documents", "of", *sources)
    return table(headings, [*rows, total])
