"""Cells before there are any tokens: enough to refuse mistakes, and to estimate the cost of a study."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ablations.cells.cells import training_of
from ablations.core.spec.training_spec import TrainingSpec
from ablations.settings.cells import CellSettings
from ablations.settings.study import Study
from ablations.settings.tokenizers import said_of
from curation.sources.control_texts import KEYS, VALUES
from tokenizer.coverage import SPECIALS


@dataclass(frozen=True)
class Draft:
    """A cell before there are any tokens: shapes and lengths are those of the real one, and so are mistakes."""

    arm: str
    training: TrainingSpec
    cells: CellSettings


def drafts(study: Study) -> Iterator[Draft]:
    """All cells of a study.

    Raises:
        ConfigError: names the arm and the place.
    """
    controls = study.control_settings
    words = len(KEYS) + len(VALUES) + SPECIALS
    for arm in study.arms:
        cells, pieces = study.cells_of_arm(arm), vocab_size_of(study, arm)
        yield from (_draft(study, arm, n, cells, pieces) for n in range(study.seeds))
    for arm in controls.arms:
        cells = study.cells_of_control(arm)
        yield from (_draft(study, arm, n, cells, words) for n in range(controls.seeds or study.seeds))


def vocab_size_of(study: Study, arm: str) -> int:
    """Pieces of an arm's tokenizer."""
    return said_of(study.tokenizer, study.arms[arm].tokenizer, f"arms.{arm}.tokenizer").vocab_size


def _draft(study: Study, arm: str, number: int, cells: CellSettings, vocab_size: int) -> Draft:
    return Draft(arm, training_of(study, arm, number, cells, {"any": 1.0}, (1.0, 0.0), vocab_size), cells)
