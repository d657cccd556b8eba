"""Recall and precision of the entities on lines that were labelled by hand, each entity's in its own file."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from curation.annotators.base import Spans
from curation.annotators.pii import Pii
from curation.pii.base import Entity
from curation.pii.registry import ENTITIES
from curation.text.batch import Batch

MARK = re.compile("⟦(.*?)⟧", re.DOTALL)
KNOWN = {name: cls() for name, cls in ENTITIES.classes().items()}
LABELLED = [name for name, entity in KNOWN.items() if entity.labelled_lines]
every_labelled_entity = pytest.mark.parametrize("kind", LABELLED)


@dataclass(frozen=True)
class Line:
    """A line without its marks, and where they stood."""

    text: str
    labels: list[tuple[int, int]]

    @classmethod
    def read(cls, line: str) -> Line:
        marks = enumerate(MARK.finditer(line))
        return cls(MARK.sub(r"\1", line), [(m.start() - 2 * i, m.end() - 2 * i - 2) for i, m in marks])


@dataclass(frozen=True)
class Figures:
    labels: int
    missed: int
    mistaken: int
    lines: list[str]


def figures_of(entity: Entity) -> Figures:
    labels = missed = mistaken = 0
    wrong = []
    for line in map(Line.read, entity.labelled_lines):
        finds = list(entity.find(line.text))
        labels += len(line.labels)
        missed += len({*line.labels} - {*finds})
        mistaken += len({*finds} - {*line.labels})
        if line.labels != finds:
            wrong.append(f"{line.text}: {[line.text[s:e] for s, e in finds]}")
    return Figures(labels, missed, mistaken, wrong)


@every_labelled_entity
def test_as_much_is_missed_and_mistaken_as_the_entity_states(kind: str) -> None:
    """If more is, somebody's number stays in the corpus, or text is destroyed; if less is, state the better figure."""
    figures = figures_of(KNOWN[kind])
    stated = (KNOWN[kind].missed, KNOWN[kind].mistaken)
    assert (figures.missed, figures.mistaken) == stated, "\n".join(figures.lines)


def test_what_is_looked_for_by_default_is_measured() -> None:
    """What every recipe replaces unasked should have its recall and precision stated; others may, when they come to it."""
    assert set(Pii().entities) <= set(LABELLED)


def test_of_all_labels_at_least_95_in_100_are_found_and_97_in_100_finds_are_right() -> None:
    figures = [figures_of(KNOWN[kind]) for kind in Pii().entities]
    labels, missed, mistaken = (sum(getattr(each, n) for each in figures) for n in ("labels", "missed", "mistaken"))
    assert labels > 50
    assert (labels - missed) / labels >= 0.95
    assert (labels - missed) / (labels - missed + mistaken) >= 0.97


@every_labelled_entity
def test_no_other_entity_takes_what_belongs_to_this_one(kind: str) -> None:
    """A card is no phone number. Where a number is the beginning of an address, the annotator gives it to the longer find."""
    together = Pii(entities=tuple(KNOWN))
    lines = [Line.read(line) for line in KNOWN[kind].labelled_lines]
    spans = together.score(Batch.of([line.text for line in lines]))["spans"]
    assert isinstance(spans, Spans)
    for line, finds in zip(lines, spans.per_document(), strict=True):
        others = [(s, e) for s, e, name in finds if name != kind]
        assert not any(s < end and start < e for s, e in others for start, end in line.labels), line.text
