"""Few-shot tasks made ready for a tokenizer: token items that a cell scores without seeing any text."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ablations.core.data.items import TaskItems
from ablations.prompts.joining import Encoder
from ablations.prompts.prompts import check_design, first_asked, task_items
from ablations.prompts.similarity import TfIdf
from ablations.prompts.task_files import task_class
from ablations.prompts.task_settings import TaskSettings, from_root
from ablations.prompts.tasks.base import FewShotTask
from ablations.prompts.tasks.map_task import MapTask
from ablations.prompts.tasks.questions import Question, questions
from ablations.prompts.tasks.registry import TASKS
from curation.runtime.errors import ConfigError, DamagedError, InputError
from curation.runtime.identity import canonical, fingerprint
from curation.runtime.registry import Plugin
from curation.runtime.stages.stage import Output
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest, damage_at_start, finished
from curation.runtime.store.marks import MarkingFolder
from curation.runtime.store.naming import name_folders
from tokenizer.model import TokenizerModel

ITEMS = "items.json"
ASKED = ("groups", "item_sets", "generation")
OF_MAPS = frozenset({"kind", "name", "items"})  # settings of tasks that read no rows


@dataclass(frozen=True)
class ItemsFile:
    """A task's items under a tokenizer, the content of `items/<task>-<hex>/items.json`."""

    task: str
    text: str

    @cached_property
    def digest(self) -> str:
        """Of the whole file."""
        return hashlib.blake2b(self.text.encode(), digest_size=16).hexdigest()

    @cached_property
    def value(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.text)
        return parsed

    @cached_property
    def asked(self) -> str:
        """Digest of what a model is asked; the rest of the file (metrics, references, labels) is for reading its answers."""
        return fingerprint({key: self.value[key] for key in ASKED})

    @property
    def output(self) -> Output:
        return Output("items", self.task, {"stage": "items", "content": self.digest})

    def stored(self, out: Folder) -> Folder:
        """The folder that holds it; written if need be."""
        folder = self.output.folder(out)
        name_folders([folder])
        try:
            manifest = finished(folder, self.output.what)
            whole = manifest is not None and not damage_at_start(folder, manifest.files)
        except DamagedError:
            whole = False
        if not whole:
            marking = MarkingFolder(folder.url)
            marking.write(ITEMS, self.text.encode())
            parts = [{"file": ITEMS, "rows": 1}]
            Manifest("items", self.task, self.output.what, parts, files=dict(marking.marks)).save(folder)
        return folder


def items_file(
    settings: TaskSettings, root: str, tokenizer: TokenizerModel, context: int, plugins: Sequence[Plugin], base_seed: int,
    in_text: Mapping[str, tuple[str, ...]] | None = None,
) -> ItemsFile:  # fmt: skip
    """A task's items under a tokenizer. Relative paths of its rows start at `root`; `in_text` as in `TaskItems`.

    Raises:
        ConfigError, InputError: unknown task, missing files, or rows that the task cannot use.
    """
    cls = task_class(settings.kind, plugins)
    if issubclass(cls, MapTask):
        items = cls.drawn_for(tokenizer, settings.items, base_seed)
        check_length(items, context)
        in_text = {}  # made up here, so they stand nowhere
    else:
        items = row_items(settings, cls(settings.template, settings.group), root, tokenizer, context, plugins)
    return ItemsFile(settings.name, canonical(replace(items, task=settings.name, in_text=in_text).to_json()).decode())


def row_items(
    settings: TaskSettings,
    task: FewShotTask,
    root: str,
    tokenizer: Encoder,
    context: int,
    plugins: Sequence[Plugin] = (),
) -> TaskItems:
    """Items of a task whose rows are read from files."""
    pool, empty_pool = _questions(settings, task, "pool", root)
    queries, empty_queries = _questions(settings, task, "queries", root)
    design = settings.design(task, plugins)
    items = task_items(task, pool, queries, tokenizer, context, design, None if design.shared else TfIdf)
    empty = {"pool_rows_empty": empty_pool, "query_rows_empty": empty_queries}
    return replace(items, counts={**items.counts, **{name: count for name, count in empty.items() if count}})


def asked_questions(settings: TaskSettings, root: str, plugins: Sequence[Plugin]) -> list[Question]:
    """What a task asks, of those that read rows; nothing of others."""
    cls = task_class(settings.kind, plugins)
    if issubclass(cls, MapTask):
        return []
    task = cls(settings.template, settings.group)
    queries, _ = _questions(settings, task, "queries", root)
    return first_asked(task.kind, queries, settings.design(task, plugins).items)


def probes_of_controls() -> list[str]:
    """Names of the tasks that control arms are asked."""
    return [name for name, cls in TASKS.classes().items() if issubclass(cls, MapTask) and cls.asked_of_controls]


def check_files(settings: TaskSettings, plugins: Sequence[Plugin], root: str = "") -> None:
    """Refuse settings that a task cannot have, and files that are missing or hold another task's rows, before anything is
    trained: only the first row of each is read.

    Raises:
        ConfigError, InputError: names the task and the file.
    """
    cls = task_class(settings.kind, plugins)
    if issubclass(cls, MapTask):
        if useless := sorted(settings.model_fields_set - OF_MAPS):
            raise ConfigError(f"task {settings.name}: {useless[0]} does not apply to {cls.kind}. Leave it out.")
        return
    task = cls(settings.template, settings.group)
    check_design(task, settings.design(task, plugins))
    paths = [_path(settings, task, which, root) for which in ("pool", "queries")]
    if paths[0] == paths[1]:
        raise ConfigError(
            f"task {settings.name}: pool and queries are one file, {paths[0]}, so a query would be among its "
            "demonstrations. Give two files."
        )
    for path in paths:
        row = next(_rows(settings, path), None)
        if row is None:
            raise ConfigError(f"task {settings.name}: {path}: no row in it. Give a file with rows.")
        questions(task, [row], path)


def check_length(items: TaskItems, context: int) -> None:
    """Every map has to fit, or the curve over k would be one over different maps.

    Raises:
        ConfigError: the context is too short.
    """
    longest = max(
        len(group.prefix) + len(item.prompt) + max(map(len, item.choices))
        for group in items.groups
        for item in group.items
    )
    if longest - 1 > context:
        raise ConfigError(
            f"task {items.task}: {max(items.shots)} pairs shown twice take {longest - 1} tokens, and cells.model.context is "
            f"{context}. Raise it."
        )


def _questions(settings: TaskSettings, task: FewShotTask, which: str, root: str) -> tuple[list[Question], int]:
    path = _path(settings, task, which, root)
    return questions(task, _rows(settings, path), path)


def _path(settings: TaskSettings, task: FewShotTask, which: str, root: str) -> str:
    path = {"pool": settings.pool or task.pool, "queries": settings.queries or task.queries}[which]
    if not path:
        raise ConfigError(f"task {settings.name}: no {which}. Give the path of a JSONL file.")
    found = from_root(root, path)
    if "://" not in found and not os.path.isfile(found):
        raise ConfigError(f"task {settings.name}: {which} {found}: no such file. Correct the path or data_root.")
    return found


def _rows(settings: TaskSettings, path: str) -> Iterator[Mapping[str, Any]]:
    from curation.sources.base import Piece
    from curation.sources.jsonl import objects

    for offset, value in objects(Piece("", path, 0, "", "jsonl")):
        if not isinstance(value, dict):
            raise InputError(
                f"{path}, byte {offset}", str(value), f"Mend the line; task {settings.name} needs every row."
            )
        yield value
