"""Cells of a small study as plans, made from control documents without curation, and the command that runs packed ones."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from cells import BOS, KEY_TOKENS, VALUE_TOKENS, VOCAB, write_control

from ablations.cells.cells import CellPlan, seeds_of
from ablations.cells.measuring_plan import MeasuringPlan
from ablations.core.spec.cell_spec import CellSpec
from ablations.core.spec.machine import machine_class
from ablations.core.spec.measuring_spec import MeasuringSpec
from ablations.core.spec.strict import build
from ablations.core.spec.training_spec import TrainingSpec
from ablations.core.training.members import whole_training
from ablations.prompts.task_items import ItemsFile
from ablations.prompts.tasks.control_map import ControlMap
from curation.runtime.registry import Plugin
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest
from curation.sources.control_texts import Kind
from tokenizer.encode import TokenSet

CONTEXT = 40
PLUGIN = Plugin(
    "norm.py",
    "from ablations.core.metrics.base import Measured, Metric\n"
    "class WeightNorm(Metric):\n"
    "    '''Length of all weights.'''\n"
    "    kind, version, unit, better, in_curve, reads = 'weight_norm', 1, 'length', None, True, frozenset()\n"
    "    def measure(self, model, data):\n"
    "        length = float(sum(w.square().sum() for w in model.parameters()) ** 0.5)\n"
    "        return Measured([self.reading(length, n={'models': 1})])\n",
)


def token_set(folder: Path, kind: Kind, documents: int = 64) -> TokenSet:
    """The tokens of one control corpus, as the floor below leaves them."""
    write_control(folder, "train", kind, 1, documents, CONTEXT)
    write_control(folder, "heldout", kind, 2, 8, CONTEXT)
    what = {"stage": "tokens", "version": 1, "parts": f"{kind} x {documents}"}
    return TokenSet(kind, Folder(str(folder)), Folder(str(folder)), Manifest("tokens", kind, what, []))


def plan(
    tokens: TokenSet, seed: int, items: int = 6, fraction: float = 0.5, trained_by: tuple[Plugin, ...] = (), **changes: Any
) -> CellPlan:  # fmt: skip
    """A cell of a second on half the documents of one corpus. `changes` replace values of its training or its measuring.

    Args:
        trained_by: files that its optimizer and its schedule come from.
    """
    kind = tokens.source
    said: dict[str, Any] = {
        "seeds": dataclasses.asdict(seeds_of(0, seed)),
        "train": [{"source": kind, "tokens": f"tokens/{kind}.train", "fraction": fraction}],
        "bos": BOS,
        "model": {"vocab_size": VOCAB, "layers": 1, "width": 16, "heads": 2, "mlp_ratio": 1, "context": CONTEXT},
        "schedule": {"tokens": 12 * 4 * CONTEXT, "batch": 4, "warmup_steps": 2},
        "optimizer": {}
        if "kind" in changes.get("optimizer", {})
        else {"adam_learning_rate": 0.03},  # twelve steps come to something
        "evaluations": 2,
    }
    measuring: dict[str, Any] = {
        "seed": 6,
        "specials": [BOS],
        "heldout": {kind: f"tokens/{kind}.heldout"},
        "tasks": ["tasks/control_map.json"],
        "metrics": ["bits_per_byte", "few_shot", "weight_norm"],
        "plugins": [f"plugins/{PLUGIN.name}"],
        "effort": {"windows": 4},
    }
    for key, value in changes.items():
        part = measuring if key in measuring else said
        part[key] = {**part[key], **value} if isinstance(value, dict) and isinstance(part.get(key), dict) else value
    training = whole_training(build(TrainingSpec, said, "training"), trained_by)
    task = ControlMap.items(KEY_TOKENS, VALUE_TOKENS, BOS, seed=3, n_items=items)
    measured = MeasuringPlan(
        build(MeasuringSpec, measuring, "measuring"),
        {kind: tokens},
        {"control_map": ItemsFile("control_map", json.dumps(task.to_json()))},
        (PLUGIN,),
    )
    files = tuple(f"plugins/{plugin.name}" for plugin in trained_by)
    spec = CellSpec(kind, seed, training, checkpoint_every_steps=3, plugins=files)
    sets = {f"tokens/{kind}.train": tokens}
    return CellPlan(spec, sets, False, machine_class(), measured, plugins=trained_by)


def plans(folder: Path) -> list[CellPlan]:
    """Two arms with two seeds each."""
    kinds: tuple[Kind, ...] = ("glossary", "chatter")
    return [plan(token_set(folder / kind, kind), seed) for kind in kinds for seed in (0, 1)]


def command(*options: object) -> list[str]:
    return [sys.executable, "-m", "ablations.elsewhere.runner", "..", *map(str, options)]


def run_all(folder: Path, *options: object) -> subprocess.CompletedProcess[str]:
    """The packed folder, run by the code that it brings along."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        command(*options), cwd=folder / "code", env=environment, capture_output=True, text=True, timeout=120
    )
