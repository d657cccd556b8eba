"""Sources that are other sources with one statistic changed, as a recipe names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator

from curation.runtime.config import Config
from curation.runtime.errors import one_of
from curation.runtime.members import MemberSettings


class Derived(Config):
    """A source that is another's curated documents with one statistic changed; see `curation/transforms/`.

    Args:
        of: the source, read or derived before, whose documents are taken.
        transform: one or more transforms by name, or as mappings with their settings; done in this order.
    """

    of: str
    transform: tuple[MemberSettings, ...] = Field(min_length=1)

    @field_validator("transform", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return [value] if isinstance(value, str | Mapping) else value


def apart(value: Any) -> Any:
    """The mapping of a recipe with its derived sources under a key of their own."""
    if not (isinstance(value, dict) and isinstance(value.get("sources"), Mapping)):
        return value
    read, derived = dict(value["sources"]), dict(value.get("derived") or {})
    for name, source in value["sources"].items():
        if isinstance(source, Mapping) and "of" in source:
            derived[name] = read.pop(name)
        elif isinstance(source, Mapping) and "transform" in source:
            read[name] = {key: each for key, each in source.items() if key != "transform"}
            derived[name] = {"of": name, "transform": source["transform"]}
    return {**value, "sources": read, "derived": derived}


def check_origins(sources: Mapping[str, object], derived: Mapping[str, Derived]) -> None:
    """Refuse a derived source whose origin is not there yet.

    Raises:
        ValueError: names the source.
    """
    known = dict.fromkeys(sources)
    for name, each in derived.items():
        if each.of not in known:
            fix = "A derived source takes one that is read, or one that is derived further up."
            raise ValueError(f"source {name}: of: {one_of(known, each.of, 'source')} {fix}")
        if name in sources and each.of != name:
            raise ValueError(f"source {name}: is read and taken of {each.of} at once. Rename one of them.")
        known[name] = None


def origin_of(name: str, derived: Mapping[str, Derived]) -> str:
    """The source that was read whose documents these are."""
    while name in derived and derived[name].of != name:
        name = derived[name].of
    return name
