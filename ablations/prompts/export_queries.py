"""Writes the texts of few-shot tasks as one file, which the annotator `contamination` reads: data goes up and down as files."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from ablations.prompts.tasks.registry import TASKS
from curation.runtime.command_line.command import table
from curation.runtime.command_line.options import Command
from curation.runtime.config import read_yaml
from curation.runtime.errors import ConfigError, InputError, one_of
from curation.runtime.identity import seed
from curation.runtime.registry import Plugin
from curation.runtime.shipped import find_config
from curation.runtime.store.folder import Folder
from curation.text.folding import folded

ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.zst")
LEAST_SHUFFLED = (
    6  # letters: a shorter word's shuffle is too often another word (as "listen" and "silent", only more so)
)
TRIES = 20
Fields = Mapping[str, Sequence[str]]


@dataclass
class TextCounts:
    """What was written: texts by task, split and field; and texts that the shuffled control cannot use, by reason."""

    texts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class TextsOfField:
    task: str
    split: str
    field: str
    texts: int


@dataclass(frozen=True)
class ExportedQueries:
    """The texts that `file` holds now, and how many were left out, by reason."""

    file: str
    texts: Sequence[TextsOfField]
    left_out: Mapping[str, int]


def run(command: Command, fields: Sequence[str], shuffled: bool) -> ExportedQueries:
    """What `loam ablate export-queries` does: the tasks in `command.path` to the file `command.out`."""
    given, plugins = parse_fields(fields), command.read_plugins()
    done = export_texts(Path(command.path), Path(command.out), given, plugins, shuffled)
    texts = [TextsOfField(*place, count) for place, count in done.texts.items()]
    return ExportedQueries(command.out, texts, done.left_out)


def as_text(done: ExportedQueries) -> str:
    """How many texts of each field; the last line is the file."""
    rows = [(each.task, each.split, each.field, each.texts) for each in done.texts]
    lines = [table(("task", "split", "field", "texts"), rows)]
    lines += [f"left out: {texts:,} texts, {reason}" for reason, texts in done.left_out.items()]
    total = sum(each.texts for each in done.texts)
    return "\n".join((*lines, f"\n{total:,} texts in", done.file))


def export_texts(
    folder: Path, out: Path, given: Fields, plugins: Sequence[Plugin] = (), shuffled: bool = False
) -> TextCounts:
    """Write every distinct text of the tasks in `folder`, in the order of tasks, splits and rows.

    Args:
        folder: holds a folder for each task with its splits, such as nsmc/test.jsonl.zst.
        out: a JSONL file; its ending .gz or .zst sets the compression.
        given: fields of tasks, which override the task's own file and `configs/queries.yaml`.
        shuffled: mix the letters of each text: a control in which nothing should be found.

    Raises:
        ConfigError: no task is there, or a task's fields are not known.
        InputError: a row that cannot be read, or lacks a field.
    """
    tasks = _tasks(folder)
    fields = {task: fields_of(task, given, plugins) for task in tasks}
    done = TextCounts()
    with _lines(out) as file:
        for task, splits in tasks.items():
            for split, path in splits.items():
                for row in _texts(task, split, path, fields[task]):
                    if shuffled and (mixed := _shuffled(row, done)) is None:
                        continue
                    done.texts[task, split, row["field"]] += 1
                    file.write(json.dumps(mixed if shuffled else row, ensure_ascii=False) + "\n")
    return done


def fields_of(task: str, given: Fields, plugins: Sequence[Plugin] = ()) -> tuple[str, ...]:
    """The fields of a task's rows that hold questions and contexts: as given, else from its file or `configs/queries.yaml`.

    Raises:
        ConfigError: none of these has them.
    """
    from ablations.prompts.task_files import task_class

    if task in given:
        return tuple(given[task])
    known_tasks = TASKS.catalogue(plugins)
    if task in known_tasks and (own := task_class(task, plugins)().text_fields()):
        return own
    listed: dict[str, list[str]] = read_yaml(find_config("queries.yaml"))["fields"]
    if task not in listed:
        known = one_of({*known_tasks, *listed}, task, "task folder")
        raise ConfigError(
            f"{known} Say which fields hold its questions and contexts: --fields {task}=question,context."
        )
    return tuple(listed[task])


def parse_fields(options: Sequence[str]) -> dict[str, list[str]]:
    """The fields of the options `--fields TASK=KEY,KEY`.

    Raises:
        ConfigError: an option has another form.
    """
    fields: dict[str, list[str]] = {}
    for option in options:
        task, _, keys = option.partition("=")
        if not task or not all(keys.split(",")):
            raise ConfigError(
                f"--fields {option}: not understood. Write TASK=KEY,KEY, such as korquad=context,question."
            )
        fields[task] = keys.split(",")
    return fields


def _tasks(folder: Path) -> dict[str, dict[str, Path]]:
    """Task -> split -> file, all sorted."""
    try:
        folders = sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError as error:
        raise ConfigError(
            f"{folder}: {error.strerror or error}. Give the folder that holds the tasks' folders."
        ) from error
    tasks: dict[str, dict[str, Path]] = {}
    for each in folders:
        files = [path for path in sorted(each.iterdir()) if path.name.endswith(ENDINGS)]
        if files:
            tasks[each.name] = {path.name.split(".jsonl")[0]: path for path in files}
    if not tasks:
        raise ConfigError(
            f"{folder}: no <task>/<split>.jsonl or .jsonl.zst in it. Give the folder that holds the tasks."
        )
    return tasks


def _texts(task: str, split: str, path: Path, fields: Sequence[str]) -> Iterator[dict[str, str]]:
    """Each distinct text of a field once, with the first row that has it."""
    from curation.sources.base import Piece
    from curation.sources.jsonl import objects

    seen: set[tuple[str, str]] = set()
    for number, (offset, row) in enumerate(objects(Piece(path.name, str(path), 0, "", "jsonl"))):
        where = f"{path}, byte {offset}"
        if isinstance(row, str):
            raise InputError(where, row, "Mend the line; every row of a task is needed.")
        for name in fields:
            text = _text(row, name, where, task)
            if text.strip() and (name, text) not in seen:
                seen.add((name, text))
                yield {"task": task, "split": split, "item": str(number), "field": name, "text": text}


def _text(row: Mapping[str, Any], name: str, where: str, task: str) -> str:
    value = row.get(name)
    if not isinstance(value, str):
        found = f"no text under {name!r}; the row has {', '.join(sorted(row))}"
        raise InputError(where, found, f"Name its fields with --fields {task}=KEY,KEY.")
    return value


def _shuffled(row: dict[str, str], done: TextCounts) -> dict[str, str] | None:
    """The row with its text's visible characters mixed, spaces in their places; None when that gives no control text."""
    text = folded(row["text"])
    if len(text) < LEAST_SHUFFLED:
        done.left_out[f"shorter than {LEAST_SHUFFLED} letters"] += 1
        return None
    rng = random.Random(seed("shuffled queries", row["task"], row["split"], row["field"], row["text"]))
    for _ in range(TRIES):
        signs = [sign for sign in row["text"] if not sign.isspace()]
        rng.shuffle(signs)
        taken = iter(signs)
        mixed = "".join(sign if sign.isspace() else next(taken) for sign in row["text"])
        if folded(mixed) != text:
            return {**row, "text": mixed}
    done.left_out["the same in any order"] += 1
    return None


@contextmanager
def _lines(out: Path) -> Iterator[TextIO]:
    """The file to write, whole or not at all."""
    import gzip
    import io

    import zstandard

    with Folder(str(out.parent)).draft(out.name) as draft, open(draft, "wb") as raw:
        if out.suffix == ".zst":
            stream: Any = zstandard.ZstdCompressor(level=10).stream_writer(raw, closefd=False)
        elif out.suffix == ".gz":
            stream = gzip.GzipFile("", "wb", fileobj=raw, mtime=0)
        else:
            stream = raw
        with io.TextIOWrapper(stream, encoding="utf8", write_through=True) as file:
            yield file
