"""Where entities are found; their names are listed without importing any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curation.runtime.registry import Registry

if TYPE_CHECKING:
    from curation.pii.base import Entity

ENTITIES: Registry[Entity] = Registry("curation.pii", "Entity", "loam.entities", "entity")
