"""Scores of a finished run, as its files describe them, so that no code of the run is needed to read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from curation.annotators.base import Column, ColumnType
from curation.annotators.registry import ANNOTATORS
from curation.passes.annotate import TYPES
from curation.runtime.errors import InputError
from curation.runtime.registry import Plugin
from curation.runtime.store.folder import Folder
from curation.runtime.store.shards import open_parquet


@dataclass(frozen=True)
class Scored:
    """The stored scores of one annotator: its columns in their order, without the id.

    Attributes:
        columns: name and type as the file has them; unit and range too where the annotator's class is known.
    """

    columns: tuple[Column, ...]

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


def known_columns(entries: Sequence[Mapping[str, object]], plugins: Sequence[Plugin]) -> dict[str, tuple[Column, ...]]:
    """Label -> columns of those annotators of a pass that are installed, or defined in these plugins."""
    known = ANNOTATORS.classes(plugins)
    kinds = {str(entry.get("name") or entry.get("kind")): str(entry.get("kind")) for entry in entries}
    return {label: known[kind].columns for label, kind in kinds.items() if kind in known}


def scored(folder: Folder, file: str, known: Sequence[Column] = ()) -> Scored:
    """The columns of a file of scores.

    Raises:
        InputError: it is damaged, or has a column that is no score.
    """
    with open_parquet(folder, file) as opened:
        fields = [field for field in opened.schema_arrow if field.name != "id"]
    described = {(column.name, column.type): column for column in known}
    columns = [Column(field.name, type=_type_of(field, folder, file), range=(None, None)) for field in fields]
    return Scored(tuple(described.get((column.name, column.type), column) for column in columns))


def _type_of(field: pa.Field, folder: Folder, file: str) -> ColumnType:
    for name, arrow in TYPES.items():
        if field.type == arrow:  # no look-up: equal lists have unequal hashes when their items are named differently
            return name
    found = f"column {field.name!r} is {field.type}, which is no score"
    raise InputError(f"{folder.url}/{file}", found, "Remove its folder and run again.")
