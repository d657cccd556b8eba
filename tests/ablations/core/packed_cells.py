"""Cells of a small study as plans, made from control documents without curation, and the command that runs packed ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from cells import BOS, KEY_TOKENS, VALUE_TOKENS, VOCAB, write_control

from ablations.cells import CellPlan, seeds_of
from ablations.core.machine import machine_class
from ablations.core.tasks.control_map import ControlMap
from ablations.task_items import TaskFile
from curation.runtime.manifest import Manifest
from curation.runtime.registry import Plugin
from curation.runtime.store import Folder
from tokenizer.encode import TokenSet

CONTEXT = 40
PLUGIN = Plugin(
    "norm.py",
    "from ablations.core.metrics.base import Metric, Reading\n"
    "class WeightNorm(Metric):\n"
    "    '''Length of all weights.'''\n"
    "    kind, version, unit, lower_is_better, in_curve = 'weight_norm', 1, 'length', True, False\n"
    "    def measure(self, model, data):\n"
    "        return Reading({'all': float(sum(w.square().sum() for w in model.parameters()) ** 0.5)})\n",
)


def token_set(folder: Path, kind: str, documents: int = 64) -> TokenSet:
    """The tokens of one control corpus, as the floor below leaves them."""
    write_control(folder, "train", kind, 1, documents, CONTEXT)
    write_control(folder, "heldout", kind, 2, 8, CONTEXT)
    what = {"stage": "tokens", "version": 1, "parts": f"{kind} x {documents}"}
    return TokenSet(kind, Folder(str(folder)), Folder(str(folder)), Manifest("tokens", kind, what, []))


def plan(tokens: TokenSet, seed: int, items: int = 6, fraction: float = 0.5, **changes: Any) -> CellPlan:
    """A cell of a second on half the documents of one corpus."""
    task = ControlMap.items(KEY_TOKENS, VALUE_TOKENS, BOS, seed=3, n_items=items)
    kind = tokens.source
    spec: dict[str, Any] = {
        "format": 1,
        "arm": kind,
        "seed": seed,
        "seeds": seeds_of(0, seed),
        "tokenizer": {"bos": BOS, "specials": [BOS]},
        "train": [
            {"source": kind, "tokens": f"tokens/{kind}.train", "weight": 1.0, "fraction": fraction, "offset": 0.0}
        ],
        "heldout": {kind: f"tokens/{kind}.heldout"},
        "tasks": ["tasks/control_map.json"],
        "metrics": ["bits_per_byte", "weight_norm"],
        "plugins": [f"plugins/{PLUGIN.name}"],
        "model": {"vocab_size": VOCAB, "layers": 1, "width": 16, "heads": 2, "mlp_ratio": 1, "context": CONTEXT},
        "schedule": {"tokens": 12 * 4 * CONTEXT, "batch": 4, "warmup_steps": 2},
        "optimiser": {},
        "effort": {"windows": 4},
        "compute": {"device": "cpu", "threads": 1},
        "packing": "by_source",
        "evaluations": 2,
        "checkpoint_every_steps": 3,
    }
    for key, value in changes.items():
        spec[key] = {**spec[key], **value} if isinstance(value, dict) and isinstance(spec.get(key), dict) else value
    return CellPlan(
        kind, seed, spec,
        {f"tokens/{kind}.train": (tokens, "train"), f"tokens/{kind}.heldout": (tokens, "heldout")},
        {"tasks/control_map.json": TaskFile(json.dumps(task.to_json()))},
        [PLUGIN], False, machine_class(),
    )  # fmt: skip


def plans(folder: Path) -> list[CellPlan]:
    """Two arms with two seeds each."""
    sets = [token_set(folder / kind, kind) for kind in ("glossary", "chatter")]
    return [plan(tokens, seed) for tokens in sets for seed in (0, 1)]


def command(*options: object) -> list[str]:
    return [sys.executable, "-m", "ablations.core.run_all", "..", *map(str, options)]


def run_all(folder: Path, *options: object) -> subprocess.CompletedProcess[str]:
    """The packed folder, run by the code that it brings along."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        command(*options), cwd=folder / "code", env=environment, capture_output=True, text=True, timeout=120
    )
