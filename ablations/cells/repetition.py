"""How often a cell reads its sources, by the same count as its record and its pack."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ablations.cells.cell_contents import lay_out_training
from ablations.cells.cells import CellPlan
from ablations.core.data.training_windows import training_windows
from ablations.settings.planned_reading import PlannedReading


def planned_repetitions(plan: CellPlan) -> list[PlannedReading]:
    """Of each source of a cell that need not be trained."""
    spec = plan.training
    with tempfile.TemporaryDirectory(prefix="loam-plan-") as scratch:
        lay_out_training(Path(scratch), plan)
        seen = training_windows(Path(scratch), spec).seen(spec.steps * spec.schedule.batch)
        return [PlannedReading(seen[part.source].repetitions, spec.steps) for part in spec.train]
