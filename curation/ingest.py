"""First stage: rows of a source become shards of documents in normal form; what cannot be read goes to quarantine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from curation import recipe as recipes
from curation.runtime.identity import document_id
from curation.runtime.registry import Plugin, plugin_digest
from curation.runtime.stages import Job, Output, Result, Stage, total
from curation.runtime.store import Folder
from curation.shards import DOCUMENT, RowWriter, row_writer
from curation.sources.base import Piece, Row, Source, Unreadable
from curation.text import normal

VERSION = 1
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


def read_stage(recipe: recipes.Recipe, name: str) -> Stage:
    """The stage that reads one source; planning lists and hashes its files."""
    source = recipe.built_sources[name]
    pieces = source.plan(name, recipe.root, recipe.shard_bytes)
    what = {
        "stage": "read",
        "version": VERSION,
        "name": name,
        "source": {**source.what(), "plugin": plugin_digest(type(source))},
        "contents": [[p.path, p.content, p.format, p.start, p.end] for p in pieces],
        "normal_form": [recipe.normal_form, normal.VERSION],
        "shard_bytes": recipe.shard_bytes,
    }
    shared = {
        "name": name,
        "settings": recipe.sources[name],
        "plugins": [asdict(plugin) for plugin in recipe.loaded_plugins],
        "normal_form": recipe.normal_form,
        "shard_bytes": recipe.shard_bytes,
    }
    jobs = [
        Job(f"{i:05d}", {"job": i, "pieces": [p.to_json() for p in group]}, sum(p.bytes for p in group))
        for i, group in enumerate(_grouped(pieces, recipe.shard_bytes))
    ]
    outputs = {"documents": Output("read", name, what)}
    return Stage(f"read {name}", outputs, jobs, read_job, shared, lambda _, results: _counts(results), 4.0)


def _grouped(pieces: Sequence[Piece], limit: int) -> Iterator[list[Piece]]:
    """Small pieces together, so that a folder of a million files is not a million shards."""
    held: list[Piece] = []
    for piece in pieces:
        if held and sum(p.bytes for p in held) + piece.bytes > limit:
            yield held
            held = []
        held.append(piece)
    if held:
        yield held


def _counts(results: Sequence[Result]) -> dict[str, Any]:
    counts = total(results)
    if counts["rows"] != counts["documents"] + counts["quarantined"]:
        raise AssertionError(f"rows were lost: {counts}")
    return counts


def read_job(shared: Mapping[str, Any], spec: Mapping[str, Any], folders: dict[str, Folder]) -> dict[str, Result]:
    """One task: the pieces of one job, as one or more shards and a quarantine file."""
    (folder,) = folders.values()
    plugins = [Plugin(**plugin) for plugin in shared["plugins"]]
    source = recipes.make_source(shared["name"], shared["settings"], plugins)
    pieces = [Piece(**piece) for piece in spec["pieces"]]
    limit = int(shared["shard_bytes"] * PART_TEXT_BYTES_OVER)
    refused: list[Unreadable] = []
    rows = _readable(source, shared["name"], pieces, refused)
    parts: list[dict[str, Any]] = []
    held = next(rows, None)
    while held is not None or not parts:
        file = f"{spec['job']:05d}-{len(parts):03d}.parquet"
        with row_writer(folder, file, DOCUMENT) as writer:
            held, size = _fill(writer, held, rows, limit, shared["name"], shared["normal_form"])
        parts.append({"file": file, "rows": writer.rows, "text_bytes": size})
    _write_quarantine(folder, f"quarantine/{spec['job']:05d}.parquet", shared["name"], refused)
    documents = sum(part["rows"] for part in parts)
    reasons: dict[str, int] = {}
    for row in refused:
        reasons[row.reason.split(":")[0]] = reasons.get(row.reason.split(":")[0], 0) + 1
    counts = {
        "rows": documents + len(refused),
        "documents": documents,
        "quarantined": len(refused),
        "quarantine_reasons": reasons,
        "text_bytes": sum(part["text_bytes"] for part in parts),
    }
    return {"documents": {"parts": parts, "counts": counts}}


def _readable(source: Source, name: str, pieces: Sequence[Piece], refused: list[Unreadable]) -> Iterator[Row]:
    for piece in pieces:
        for row in source.read(name, piece):
            if isinstance(row, Unreadable):
                refused.append(row)
            else:
                yield row


def _fill(
    writer: RowWriter, row: Row | None, rows: Iterator[Row], limit: int, name: str, form: normal.NormalForm
) -> tuple[Row | None, int]:
    """Write rows until the shard is full; returns the first row of the next shard, and the bytes of text written."""
    size = held = 0  # text, and text with its metadata, which a shard has to hold too
    while row is not None and held < limit:
        text = normal.document_form(row.text, form)
        bytes_ = len(text.encode("utf8"))
        writer.add(
            {
                "id": document_id(name, row.path, row.offset),
                "text": text,
                "chars": len(text),
                "source": name,
                "path": row.path,
                "offset": row.offset,
                "user_id": None if row.user_id is None else normal.document_form(row.user_id, "none"),
                "meta": None if row.meta is None else normal.document_form(row.meta, "none"),
            },
            bytes_ + len(row.meta or "") + 200,
        )
        size += bytes_
        held += bytes_ + len(row.meta or "")
        row = next(rows, None)
    return row, size


def _write_quarantine(folder: Folder, file: str, name: str, refused: Sequence[Unreadable]) -> None:
    with row_writer(folder, file, QUARANTINE) as writer:
        for row in refused:
            path, reason = (normal.document_form(text, "none") for text in (row.path, row.reason))
            columns = {"source": name, "file": path, "offset": row.offset, "reason": reason, "raw": row.raw}
            writer.add(columns, len(row.raw) + 100)
