"""Writes small cells for tests: control documents, a word-level tokenizer, the folder that core reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from ablations.core.cell import OnProgress, Progress
from ablations.core.data.hashing import key_of
from ablations.core.spec.cell_spec import CELL, MEASURING
from ablations.prompts.tasks.control_map import ControlMap
from curation.sources.control_texts import KEYS, VALUES, Kind, document

BOS = 0
WORDS = {word: number for number, word in enumerate((*KEYS, *VALUES), start=1)}
VOCAB = len(WORDS) + 1
KEY_TOKENS, VALUE_TOKENS = [WORDS[word] for word in KEYS], [WORDS[word] for word in VALUES]


def encode(text: str) -> list[int]:
    return [WORDS[word] for word in text.split()]


def write_tokens(folder: Path, stem: str, documents: Sequence[Sequence[int]], utf8_bytes: Sequence[int]) -> None:
    """A token set of documents that already begin with BOS."""
    path = folder / f"{stem}.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.concatenate([np.asarray(d, "<u2") for d in documents]).tofile(path)
    ids = np.array([[key_of(stem, i), key_of(i, stem)] for i in range(len(documents))], "<u8").view(np.uint8)
    offsets = np.concatenate(([0], np.cumsum([len(d) for d in documents]))).astype(np.int64)
    arrays: dict[str, Any] = {
        "offsets": offsets,
        "ids": ids.reshape(-1, 16),
        "utf8_bytes": np.asarray(utf8_bytes, np.int64),
    }
    save_file(arrays, folder / f"{stem}.documents.safetensors")


def write_control(
    folder: Path, stem: str, kind: Kind, seed: int, count: int, context: int, shuffle_values: bool = False
) -> None:
    texts = [document(kind, seed, index, context, shuffle_values) for index in range(count)]
    write_tokens(folder, stem, [[BOS, *encode(text)] for text in texts], [len(text.encode()) for text in texts])


def write_cell(
    folder: Path,
    kind: Kind = "glossary",
    seed: int = 0,
    context: int = 40,
    documents: int = 64,
    heldout: int = 8,
    items: int = 10,
    shuffle_values: bool = False,
    **changes: Any,
) -> None:
    """A cell of seconds, with what is measured of it. `changes` replace values of the cell, its training or its measuring, by the
    field's name: mappings are merged one level deep."""
    folder.mkdir(parents=True, exist_ok=True)
    write_control(folder, f"tokens/{kind}.train", kind, 1, documents, context, shuffle_values)
    write_control(folder, f"tokens/{kind}.heldout", kind, 2, heldout, context, shuffle_values)
    (folder / "tasks").mkdir(exist_ok=True)
    task = ControlMap.items(KEY_TOKENS, VALUE_TOKENS, BOS, seed=3, n_items=items)
    (folder / "tasks/control_map.json").write_text(json.dumps(task.to_json()))
    cell: dict[str, Any] = {"format": 2, "arm": kind, "seed": seed, "checkpoint_every_steps": 3, "defaults": []}
    training: dict[str, Any] = {
        "seeds": {"init": key_of("init", seed) >> 1, "order": key_of("order", seed) >> 1, "subset": 5},
        "model": {"vocab_size": VOCAB, "layers": 2, "width": 16, "heads": 2, "mlp_ratio": 1, "context": context},
        "schedule": {"tokens": 12 * 4 * context, "batch": 4, "warmup_steps": 2},
        "train": [{"source": kind, "tokens": f"tokens/{kind}.train"}],
        "evaluations": 2,
    }
    measuring: dict[str, Any] = {
        "seed": 6,
        "specials": [BOS],
        "heldout": {kind: f"tokens/{kind}.heldout"},
        "tasks": ["tasks/control_map.json"],
        "metrics": ["bits_per_byte", "few_shot", "late_minus_early", "repeated_tokens"],
        "plugins": [],
        "effort": {},
    }
    for key, value in changes.items():
        part = next((part for part in (cell, measuring) if key in part), training)
        part[key] = {**part[key], **value} if isinstance(value, dict) and isinstance(part.get(key), dict) else value
    (folder / CELL).write_text(json.dumps({**cell, "training": training}))
    (folder / MEASURING).write_text(json.dumps(measuring))


def edit(path: Path, *keys: str, to: Any) -> None:
    """Change one value of a JSON file."""
    whole = json.loads(path.read_text())
    place = whole
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = to
    path.write_text(json.dumps(whole))


def measure_of(folder: Path, label: str) -> dict[str, Any]:
    """What was measured of a cell that ran by itself."""
    found: dict[str, Any] = json.loads((folder / "measures" / f"{label}.json").read_text())
    return found


def contents(folder: Path) -> dict[str, bytes]:
    """What a cell came to, whenever and wherever it ran: path -> bytes of its weights, record and measures."""
    patterns = ("training.json", "model.safetensors", "points/*", "measures/*")
    paths = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


class Killed(Exception):
    """Ends a run as a kill would."""


def killed_at(event: str, number: int) -> OnProgress:
    """Raises at the `number`-th event of a sort, as a kill would end the run there."""
    left = [number]

    def on_progress(progress: Progress) -> None:
        left[0] -= progress.event == event
        if left[0] == 0:
            left[0] = -1
            raise Killed

    return on_progress
