"""Recall and precision of the entities on lines that were labelled by hand."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from labelled_lines import LINES

from curation.annotators.pii import Pii
from curation.pii.registry import ENTITIES

MARK = re.compile("⟦(.*?)⟧", re.DOTALL)
# kind: labels, found of them, found besides them
MEASURED = {
    "credit_card": (10, 10, 0),
    "email": (7, 6, 0),
    "ip_address": (8, 8, 0),
    "korean_registration_number": (8, 8, 1),
    "phone": (46, 44, 1),
}


@dataclass(frozen=True)
class Found:
    labels: int
    right: int
    wrong: int
    lines: list[str]


def _measure(kind: str) -> Found:
    entity = ENTITIES.get(kind)()
    labels = right = wrong = 0
    lines = []
    for line in LINES[kind]:
        text = MARK.sub(r"\1", line)
        at = [(match.start() - 2 * i, match.end() - 2 * i - 2) for i, match in enumerate(MARK.finditer(line))]
        found = list(entity.find(text))
        labels += len(at)
        right += len({*at} & {*found})
        wrong += len({*found} - {*at})
        if at != found:
            lines.append(f"{line}: {[text[s:e] for s, e in found]}")
    return Found(labels, right, wrong, lines)


@pytest.mark.parametrize("kind", LINES)
def test_recall_and_precision_are_as_stated(kind: str) -> None:
    """If a number falls somebody's number stays in the corpus, or text is destroyed; if it rises, state the better one."""
    found = _measure(kind)
    assert (found.labels, found.right, found.wrong) == MEASURED[kind], "\n".join(found.lines)


def test_what_is_looked_for_by_default_is_measured() -> None:
    """What every recipe replaces unasked should have its recall and precision stated; others may, when they come to it."""
    assert set(Pii().entities) <= set(MEASURED) == set(LINES)


def test_of_all_labels_at_least_95_in_100_are_found_and_97_in_100_finds_are_right() -> None:
    labels, right, wrong = (sum(numbers[i] for numbers in MEASURED.values()) for i in range(3))
    assert right / labels >= 0.95
    assert right / (right + wrong) >= 0.97


@pytest.mark.parametrize("kind", sorted(set(LINES)))
def test_no_entity_finds_what_belongs_to_another(kind: str) -> None:
    """A card is no phone number: double finds would be counted twice."""
    for other in sorted(set(LINES) - {kind}):
        entity = ENTITIES.get(other)()
        for line in LINES[kind]:
            labelled = [(m.start() - 2 * i, m.end() - 2 * i - 2) for i, m in enumerate(MARK.finditer(line))]
            overlapping = [
                (s, e)
                for s, e in entity.find(MARK.sub(r"\1", line))
                if any(s < end and start < e for start, end in labelled)
            ]
            assert not overlapping or (kind, other) == ("email", "phone"), line
