"""Where orders of demonstrations are found; their names are listed without importing any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curation.runtime.registry import Registry

if TYPE_CHECKING:
    from ablations.prompts.orders.base import Order

ORDERS: Registry[Order] = Registry("ablations.prompts.orders", "Order", "loam.orders", "demo order")
