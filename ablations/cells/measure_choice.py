"""Which measures of finished cells to take."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ablations.cells.cells import CellPlan
from ablations.cells.measuring_plan import PlannedMeasure
from ablations.core.metrics.registry import METRICS
from curation.runtime.errors import ConfigError, one_of


@dataclasses.dataclass(frozen=True)
class MeasureChoice:
    """A filter of measures by task and metric; an empty list lets all pass."""

    tasks: Sequence[str] = ()
    metrics: Sequence[str] = ()

    def __call__(self, planned: PlannedMeasure) -> bool:
        of_task = not self.tasks or planned.task in self.tasks
        return of_task and (not self.metrics or planned.metric in self.metrics)

    def added_to(self, plan: CellPlan) -> CellPlan:
        """The plan with the metrics that are named and that its study does not list.

        Raises:
            ConfigError: a metric or task that there is not.
        """
        measuring = plan.measuring
        known = METRICS.catalogue(measuring.plugins)
        for name in self.metrics:
            if name not in known:
                raise ConfigError(f"--metric: {one_of(known, name, 'metric')}")
        metrics = tuple(dict.fromkeys((*measuring.spec.metrics, *self.metrics)))
        spec = dataclasses.replace(measuring.spec, metrics=metrics)
        return dataclasses.replace(plan, measuring=dataclasses.replace(measuring, spec=spec))

    def check_tasks(self, plans: Sequence[CellPlan]) -> None:
        tasks = {task for plan in plans for task in plan.measuring.items}
        for name in self.tasks:
            if name not in tasks:
                raise ConfigError(f"--task: {one_of(tasks, name, 'task')}")
