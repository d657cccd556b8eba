"""Where label metrics are found; their names are listed without importing any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curation.runtime.registry import Registry

if TYPE_CHECKING:
    from ablations.readings.label_metrics.base import LabelMetric

LABEL_METRICS: Registry[LabelMetric] = Registry(
    "ablations.readings.label_metrics", "LabelMetric", "loam.label_metrics", "label metric"
)
