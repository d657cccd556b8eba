"""The interface of a check of a study's design, made before anything runs: what its cells could not show, or would show wrongly."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from ablations.settings.cells import CellSettings
from ablations.settings.planned_reading import PlannedReading, expected_readings
from ablations.settings.study import Study


@dataclass(frozen=True)
class Design:
    """A study before it runs.

    Attributes:
        cells: arm -> the settings of its cells; control arms too.
        repetitions: (arm, source) -> how often its cells read it; before the text is encoded estimated, where that can be done.
        fitting: (task, context) -> k -> share of the prompts that fit.
        expected: whether `fitting` is what is expected before there is a tokenizer.
    """

    study: Study
    cells: Mapping[str, CellSettings]
    repetitions: Mapping[tuple[str, str], PlannedReading]
    fitting: Mapping[tuple[str, int], Mapping[int, float]] = field(default_factory=dict)
    expected: bool = False

    @classmethod
    def of(
        cls,
        study: Study,
        repetitions: Mapping[tuple[str, str], PlannedReading] | None = None,
        fitting: Mapping[tuple[str, int], Mapping[int, float]] | None = None,
        expected: bool = False,
    ) -> Design:
        cells = {arm: study.cells_of_arm(arm) for arm in study.arms}
        controls = {arm: study.cells_of_control(arm) for arm in study.control_settings.arms}
        read = expected_readings(study) if repetitions is None else repetitions
        return cls(study, {**cells, **controls}, read, fitting or {}, expected)

    def steps(self, arm: str) -> int:
        """Of a cell of an arm, as its schedule says, or as it is planned: `equal: epochs` makes some shorter."""
        planned = [reading.steps for (of_arm, _), reading in self.repetitions.items() if of_arm == arm]
        cells = self.cells[arm]
        return planned[0] if planned else cells.schedule.tokens // (cells.schedule.batch * cells.model.context)

    def is_estimated(self, arm: str) -> bool:
        """Whether numbers on what an arm reads come from the sizes of its sources."""
        return any(each.text_bytes is not None for (of_arm, _), each in self.repetitions.items() if of_arm == arm)


class DesignCheck(ABC):
    """One check. The first line of its docstring says what is looked for.

    Attributes:
        refuses: whether a study with such a concern is refused, unless it names this check under `accept`; else it is said.
    """

    kind: ClassVar[str]
    refuses: ClassVar[bool]

    @abstractmethod
    def concerns(self, design: Design) -> Iterator[str]:
        """One sentence for each: where, what was found, what to do."""

    def facts(self, design: Design) -> Iterator[str]:
        """Numbers that it goes by, to print whether there is a concern or not."""
        yield from ()
