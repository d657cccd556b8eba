"""Where text metrics are found; their names are listed without importing any, so without waiting for sacreBLEU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curation.runtime.registry import Registry

if TYPE_CHECKING:
    from ablations.readings.text_metrics.base import TextMetric

TEXT_METRICS: Registry[TextMetric] = Registry(
    "ablations.readings.text_metrics", "TextMetric", "loam.text_metrics", "text metric"
)
