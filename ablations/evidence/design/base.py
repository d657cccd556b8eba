"""The interface of a check of a study's design, made before anything runs: what its cells could not show, or would show wrongly."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from ablations.settings.cells import CellSettings
from ablations.settings.study import Study


@dataclass(frozen=True)
class Design:
    """A study before it runs.

    Attributes:
        cells: arm -> the settings of its cells; control arms too.
        repetitions: (arm, source) -> how often its cells read it; empty before the text is encoded.
        fitting: (task, context) -> k -> share of the prompts that fit.
    """

    study: Study
    cells: Mapping[str, CellSettings]
    repetitions: Mapping[tuple[str, str], float]
    fitting: Mapping[tuple[str, int], Mapping[int, float]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        study: Study,
        repetitions: Mapping[tuple[str, str], float] | None = None,
        fitting: Mapping[tuple[str, int], Mapping[int, float]] | None = None,
    ) -> Design:
        cells = {arm: study.cells_of_arm(arm) for arm in study.arms}
        controls = {arm: study.cells_of_control(arm) for arm in study.control_settings.arms}
        return cls(study, {**cells, **controls}, repetitions or {}, fitting or {})


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
