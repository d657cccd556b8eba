"""First stage: rows of a source become shards of documents in normal form; what cannot be read goes to quarantine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pyarrow as pa

from curation.passes import user_ids
from curation.recipes.recipe import Recipe, make_source
from curation.runtime.identity import document_id
from curation.runtime.registry import Plugin, plugin_digest
from curation.runtime.stages.stage import Job, Output, Stage, total
from curation.runtime.store.folder import Folder
from curation.runtime.store.receipts import Result
from curation.runtime.store.shards import DOCUMENT, RowWriter, row_writer
from curation.sources.base import Piece, Row, Source
from curation.text import normal

VERSION = 2
PART_TEXT_BYTES_OVER = 1.5  # a shard of a streamed file may grow to this many shard_bytes before a new one starts
QUARANTINE = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("file", pa.string()),
        pa.field("offset", pa.int64()),
        pa.field("reason", pa.string()),
        pa.field("raw", pa.binary()),
    ]
)


@dataclass(frozen=True)
class ReadShared:
    """One source by its settings in the recipe, since its class may be a plugin's; and what is done to its rows.

    Attributes:
        shard_bytes: text of a shard, about.
        id_buckets: into which the rows' own ids are sorted, to find those that repeat.
    """

    name: str
    settings: Mapping[str, Any]
    plugins: Sequence[Plugin]
    normal_form: normal.NormalForm
    shard_bytes: int
    id_buckets: int


@dataclass(frozen=True)
class ReadJob:
    """Pieces of the source, one after the other; `number` begins the names of the shards that they become."""

    number: int
    pieces: Sequence[Piece]


def read_stage(recipe: Recipe, name: str) -> Stage[ReadShared, ReadJob]:
    """The stage that reads one source; building it lists and hashes the files."""
    source = recipe.built_sources[name]
    pieces = source.plan(name, recipe.root, recipe.shard_bytes)
    id_buckets = user_ids.buckets(sum(p.bytes for p in pieces))
    what = {
        "stage": "read",
        "version": VERSION,
        "name": name,
        "source": {**source.what(), "plugin": plugin_digest(type(source))},
        "contents": [[p.path, p.content, p.format, p.start, p.end] for p in pieces],
        "normal_form": [recipe.normal_form, normal.VERSION],
        "shard_bytes": recipe.shard_bytes,
        "id_buckets": id_buckets,
    }
    plugins, form, size = recipe.loaded_plugins, recipe.normal_form, recipe.shard_bytes
    shared = ReadShared(name, recipe.sources[name], plugins, form, size, id_buckets)
    jobs = [
        Job(f"{i:05d}", ReadJob(i, group), sum(p.bytes for p in group))
        for i, group in enumerate(_grouped(pieces, size))
    ]
    outputs = {"documents": Output("read", name, what)}
    held = PART_TEXT_BYTES_OVER * recipe.shard_bytes  # a large compressed file streams through one job
    return Stage(f"read {name}", outputs, jobs, read_job, shared, lambda _, r: _counts(r), 4.0, held_bytes=held)


def _grouped(pieces: Sequence[Piece], limit: int) -> Iterator[list[Piece]]:
    """Small pieces together, so that a folder of a million files is not a million shards."""
    held: list[Piece] = []
    size = 0
    for piece in pieces:
        if held and size + piece.bytes > limit:
            yield held
            held, size = [], 0
        held.append(piece)
        size += piece.bytes
    if held:
        yield held


def _counts(results: Sequence[Result]) -> dict[str, Any]:
    counts = total(results)
    if counts["rows"] != counts["documents"] + counts["quarantined"]:
        raise AssertionError(f"rows were lost: {counts}")
    return counts


def read_job(shared: ReadShared, spec: ReadJob, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: the pieces of one job, as one or more shards and a quarantine file."""
    folder = folders["documents"]
    source = make_source(shared.name, shared.settings, shared.plugins)
    shards = ShardWriter(folder, shared)
    parts: list[dict[str, Any]] = []
    with row_writer(folder, f"quarantine/{spec.number:05d}.parquet", QUARANTINE) as quarantine:
        reasons: Counter[str] = Counter()
        rows = _readable(source, shared.name, spec.pieces, quarantine, reasons)
        held = next(rows, None)
        while held is not None or not parts:
            part, held = shards.write(f"{spec.number:05d}-{len(parts):03d}.parquet", held, rows)
            parts.append(part)
    documents = sum(part["rows"] for part in parts)
    counts = {
        "rows": documents + reasons.total(),
        "documents": documents,
        "quarantined": reasons.total(),
        "quarantine_reasons": dict(reasons),
        "repaired": dict(shards.repaired),
        "text_bytes": sum(part["text_bytes"] for part in parts),
    }
    return {"documents": Result(parts, counts)}


def _readable(
    source: Source, name: str, pieces: Sequence[Piece], quarantine: RowWriter, reasons: Counter[str]
) -> Iterator[Row]:
    """The rows that can be read; the others are written to quarantine as they come, so that none of them is held."""
    for row in chain.from_iterable(source.read(name, piece) for piece in pieces):
        if isinstance(row, Row):
            yield row
            continue
        reasons[row.reason.split(":")[0]] += 1
        path, reason = (normal.document_form(text, "none") for text in (row.path, row.reason))
        columns = {"source": name, "file": path, "offset": row.offset, "reason": reason, "raw": row.raw}
        quarantine.add(columns, len(row.raw) + 100)


class ShardWriter:
    """Writes rows of one source as shards, and counts the documents that had to be repaired."""

    def __init__(self, folder: Folder, shared: ReadShared) -> None:
        self.folder, self.shared = folder, shared
        self.limit = int(shared.shard_bytes * PART_TEXT_BYTES_OVER)
        self.repaired: Counter[str] = Counter()

    def write(self, file: str, row: Row | None, rows: Iterator[Row]) -> tuple[dict[str, Any], Row | None]:
        """One shard from `row` on, with its users' ids beside it; returns it, and the first row of the next shard."""
        size = held = 0  # text, and text with its metadata, which a shard has to hold too
        ids: list[str] = []
        with row_writer(self.folder, file, DOCUMENT) as writer:
            while row is not None and held < self.limit:
                self.repaired.update(repairs(row, self.shared.normal_form))
                document = self._document(row)
                bytes_ = len(document["text"].encode("utf8"))
                meta_bytes = len(row.meta or "")
                writer.add(document, bytes_ + meta_bytes + 200)
                if document["user_id"] is not None:
                    ids.append(document["user_id"])
                size += bytes_
                held += bytes_ + meta_bytes
                row = next(rows, None)
        user_ids.write(self.folder, file, ids, self.shared.id_buckets)
        return {"file": file, "rows": writer.rows, "text_bytes": size, "user_ids": len(ids)}, row

    def _document(self, row: Row) -> dict[str, Any]:
        name, text = self.shared.name, normal.document_form(row.text, self.shared.normal_form)
        return {
            "id": document_id(name, row.path, row.offset),
            "text": text,
            "chars": len(text),
            "source": name,
            "path": row.path,
            "offset": row.offset,
            "user_id": None if row.user_id is None else normal.document_form(row.user_id, "none").replace("\0", ""),
            "meta": None if row.meta is None else normal.document_form(row.meta, "none"),
        }


def repairs(row: Row, form: normal.NormalForm) -> Iterator[str]:
    """What was replaced or removed in a row's fields to make it a document."""
    user_id = row.user_id or ""
    if any(_has_lone_surrogate(text) for text in (row.text, user_id, row.meta or "")):
        yield "lone surrogates"
    if "\0" in user_id or (form != "none" and "\0" in row.text):
        yield "NUL characters"


def _has_lone_surrogate(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode("utf8")
    except UnicodeEncodeError:
        return True
    return False
