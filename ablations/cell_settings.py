"""What a user may write about cells: typed, frozen, unknown keys refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from curation.runtime.config import Config, build, merged


class CellSettings(Config):
    """Shape, training and measuring of cells; the keys inside are those of a cell's spec (`ablations/core/spec.py`)."""

    model: dict[str, Any] = {}
    optimiser: dict[str, Any] = {}
    schedule: dict[str, Any] = {}
    effort: dict[str, Any] = {}
    compute: dict[str, Any] = {}
    packing: Literal["by_source", "random", "related"] = "by_source"
    evaluations: int = Field(default=12, ge=0)
    checkpoint_every_steps: int = Field(default=100, ge=1)


def cells_of(base: CellSettings, over: Mapping[str, Any], where: str) -> CellSettings:
    """Cell settings with an arm's differences laid on them."""
    return build(CellSettings, merged(base.model_dump(), over), where)
