"""Where metrics are found; their names are listed without importing any, so without waiting for torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curation.runtime.registry import Registry

if TYPE_CHECKING:
    from ablations.core.metrics.base import Metric

METRICS: Registry[Metric] = Registry("ablations.core.metrics", "Metric", "loam.metrics", "metric")
