"""Where kinds of sources are found; their names are listed without importing any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curation.runtime.registry import Registry

if TYPE_CHECKING:
    from curation.sources.base import Source

SOURCES: Registry[Source] = Registry("curation.sources", "Source", "loam.sources", "kind of source")
