"""Where tasks and metrics are found, without importing them: listing names must not wait for torch."""

from __future__ import annotations

from typing import Any

from curation.runtime.registry import Registry

TASKS: Registry[Any] = Registry("ablations.core.tasks", "FewShotTask", "loam.tasks", "task")
METRICS: Registry[Any] = Registry("ablations.core.metrics", "Metric", "loam.metrics", "metric")
