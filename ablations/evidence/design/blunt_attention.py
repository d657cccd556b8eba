"""Shapes in which no head can look at the token before, so that induction heads come late or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from ablations.core.model.parts import previous_token
from ablations.evidence.design.base import Design, DesignCheck

LEAST = 0.8  # of the attention, at the end of a full context


class BluntAttention(DesignCheck):
    """Position alone can give the token before less than 0.8 of a head's attention."""

    kind: ClassVar[str] = "blunt_attention"
    refuses: ClassVar[bool] = True

    def facts(self, design: Design) -> Iterator[str]:
        for share, arms in _shapes(design).items():
            yield f"largest attention that position alone can give to the token before: {share:.2f} in {_listed(arms)}"

    def concerns(self, design: Design) -> Iterator[str]:
        for share, arms in _shapes(design).items():
            if share < LEAST:
                yield (
                    f"cells.model of {_listed(arms)}: position alone can give the token before {share:.2f} of a head's attention "
                    f"at most, and {LEAST:g} is needed for an induction head to form early. Raise sharpness, or make heads wider"
                )


def _shapes(design: Design) -> dict[float, list[str]]:
    """Share -> arms, the smallest first."""
    found: dict[float, list[str]] = {}
    for arm, cells in design.cells.items():
        share = previous_token(cells.model, design.study.loaded_plugins)
        if share is not None:
            found.setdefault(round(share, 3), []).append(arm)
    return dict(sorted(found.items()))


def _listed(arms: list[str]) -> str:
    return ", ".join(arms) if len(arms) < 6 else f"{', '.join(arms[:4])} and {len(arms) - 4} more"
