"""Which sources hold texts of which tasks, for the report and the end of a run. Reads scores, no documents."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import pyarrow.compute as pc

from curation.annotators import contamination as annotators
from curation.annotators.base import Annotator
from curation.annotators.registry import ANNOTATORS, make_annotator
from curation.dashboard.contents import ContaminationRow, ContaminationTable
from curation.questions.run_record import RunRecord
from curation.recipes.recipe import Pass
from curation.runtime.command_line.command import table
from curation.runtime.errors import LoamError
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.shards import read_columns

Place = tuple[str, str, str]  # task, split, field


def contamination(run: RunRecord) -> tuple[ContaminationTable, ...]:
    """One entry for each annotator `contamination` of a pass; none where a recipe has none."""
    return tuple(
        _entry(
            pass_.name, annotator, {source: run.scores(source, pass_.name)[annotator.label] for source in run.sources()}
        )
        for pass_ in run.recipe.passes
        for annotator in _looking_for_tasks(run, pass_)
    )


def _looking_for_tasks(run: RunRecord, pass_: Pass) -> Iterator[annotators.Contamination]:
    known = ANNOTATORS.classes(run.plugins)
    for entry in pass_.annotators:
        if issubclass(known.get(str(entry.get("kind")), Annotator), annotators.Contamination):
            annotator = make_annotator(entry, run.plugins, f"pass {pass_.name}")
            assert isinstance(annotator, annotators.Contamination)
            yield annotator


def _entry(pass_: str, annotator: annotators.Contamination, folders: Mapping[str, Folder]) -> ContaminationTable:
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
    rows = tuple(
        ContaminationRow(
            *place,
            of=asked.get(place),
            texts={source: len(texts[place].get(source, ())) for source in folders},
            documents={source: holding[place][source] for source in folders},
        )
        for place in sorted({*texts, *asked})
    )
    return ContaminationTable(pass_, annotator.label, documents, tagged, rows)


def _place(kind: str) -> Place:
    task, split, field, _ = kind.split(":", 3)
    return task, split, field


def _asked(annotator: annotators.Contamination, folders: Mapping[str, Folder]) -> dict[Place, int]:
    """Texts asked for at each place, if the file is still the one that was used."""
    try:
        content = annotator.content()
        if any(Manifest.load(folder).what["content"]["queries"] != content["queries"] for folder in folders.values()):
            return {}
        return dict(Counter((query.task, query.split, query.field) for query in annotator.index().queries))
    except LoamError:
        return {}


def contamination_tables(entries: Sequence[ContaminationTable]) -> list[str]:
    """The tables as text: task by source, texts found and in how many documents."""
    return [_table(entry) for entry in entries]


def _table(entry: ContaminationTable) -> str:
    sources = entry.sources
    rows = [
        (row.place, row.of, *(f"{row.texts[s]:,} in {row.documents[s]:,}" if row.texts[s] else "-" for s in sources))
        for row in entry.in_sources
    ]
    total = ("documents tagged", None, *(f"{entry.tagged[s]:,} of {entry.documents[s]:,}" for s in sources))
    return table((f"{entry.annotator} ({entry.pass_}): texts in documents", "of", *sources), [*rows, total])
