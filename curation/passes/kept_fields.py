"""Which fields of a row curated shards keep: those that the recipe names, and no others.

Raw shards hold the whole row. A curated shard is shared, with its text scrubbed; the fields beside the text (an author, an
address, an id that is one, a file named after somebody) may hold personal information that nobody looks for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from curation.recipes.recipe import Recipe
from curation.runtime.errors import InputError
from curation.sources.base import meta_json

PATH = "path"  # of a row's file: no field of the row, but may be listed like one


@dataclass(frozen=True)
class KeptFields:
    """What stays of the rows of one source.

    Attributes:
        names: of fields, in the order of the alphabet.
        with_id: whether the field that gives a row its `user_id` is among them.
    """

    names: tuple[str, ...] = ()
    with_id: bool = False

    @classmethod
    def of(cls, recipe: Recipe, source: str) -> KeptFields:
        names = tuple(sorted({*recipe.fields_of(source)}))
        return cls(names, recipe.built_sources[source].id_field() in names)

    def what(self) -> dict[str, Any]:
        """Their part of the identity of what is written."""
        return {"names": list(self.names), "with_id": self.with_id}

    def applied_to(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A document with the named fields only; its id, source and offset still locate it.

        Raises:
            InputError: `meta` is not what a source should give.
        """
        return {
            **row,
            "path": row["path"] if PATH in self.names else None,
            "user_id": row["user_id"] if self.with_id else None,
            "meta": self._of_meta(row) if self.names and row["meta"] else None,
        }

    def _of_meta(self, row: Mapping[str, Any]) -> str | None:
        try:
            fields = json.loads(row["meta"])
        except ValueError:
            fields = None
        if not isinstance(fields, dict):
            found = "the other fields of a row are no JSON object"
            raise InputError(f"source {row['source']}, document {row['id'].hex()}", found, "Mend the source's plugin.")
        return meta_json({name: value for name, value in fields.items() if name in self.names})
