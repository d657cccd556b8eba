"""What few-shot scoring is measured on: a model with random weights as a cell and as its export, and prompts of real tasks."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ablations.core.data.items import Group, Item, TaskItems
from ablations.core.model.model import Model
from ablations.core.spec.cell_spec import CELL, CellSpec
from ablations.core.spec.model_spec import ModelSpec
from ablations.core.spec.training_spec import ScheduleSpec, SeedSpec, TrainingSpec, TrainSource
from ablations.core.training.weights import FINAL, TRAINING, save_weights
from ablations.export.cell import export
from ablations.prompts.task_files import task_class
from ablations.prompts.task_items import items_file
from ablations.prompts.task_settings import TaskSettings
from ablations.prompts.tasks.questions import questions
from benchmarks.corpora import DATA
from curation.sources.base import Piece
from curation.sources.jsonl import objects
from tokenizer.model import TokenizerModel
from tokenizer.train import BOS, MODEL, train_bpe

TASKS = ("nsmc", "kobest_copa")
SHAPE: dict[str, Any] = {"layers": 4, "width": 256, "heads": 4, "context": 4096}
VOCABULARY = 8192
OWN_VOCABULARY = 1024  # of made-up rows, which have few words
OWN_ROWS = {"train": 2000, "test": 400}


@dataclass(frozen=True)
class Setting:
    """A tokenizer, prompts in its tokens, a model, and the folder that it was exported to.

    Attributes:
        called: what the rows are, for the results.
        items: task -> its items.
    """

    called: str
    tokenizer: TokenizerModel
    items: Mapping[str, TaskItems]
    spec: ModelSpec
    model: Model
    exported: str

    def group(self, task: str, k: int, count: int) -> Group:
        """The k gold demonstrations of a draw and the first `count` questions."""
        for group in self.items[task].groups:
            if (group.k, group.condition, group.draw) == (k, "gold", 0):
                assert all(item.fits for item in group.items), (
                    f"{k} demonstrations do not fit {self.spec.context} tokens"
                )
                return Group(k, group.condition, 0, group.prefix, group.items[:count], group.demo_labels)
        raise AssertionError(f"no group of {task} with {k} demonstrations")

    def documents(self, group: Group) -> list[dict[str, Any]]:
        """The group's prompts and choices as texts, each of which gives its tokens again, and where they are split."""
        return [self._document(group, item) for item in group.items]

    def _document(self, group: Group, item: Item) -> dict[str, Any]:
        before = (*group.prefix[1:], *item.prompt)
        prompt, choices = self.tokenizer.decode(before), []
        for choice in item.choices:
            whole = self.tokenizer.decode((*before, *choice))
            assert whole.startswith(prompt)
            assert self.tokenizer.encode(whole) == [*before, *choice]
            choices.append(whole[len(prompt) :])
        splits = [[[*group.prefix, *item.prompt], list(choice)] for choice in item.choices]
        return {"id": item.id, "prompt": prompt, "choices": choices, "gold": item.gold, "splits": splits}


def settings(
    folder: Path, shots: Mapping[str, Sequence[int]], count: int, qk_norms: Sequence[bool]
) -> Iterator[Setting]:
    """A setting with QK-norm or without for each of `qk_norms`; all have the same prompts, of `count` questions."""
    called, files = _rows(folder)
    places = folder / "tokenizer"
    places.mkdir()
    own = called == "made-up rows"
    (places / MODEL).write_bytes(train_bpe(_lines(files), OWN_VOCABULARY if own else VOCABULARY))
    tokenizer = TokenizerModel((places / MODEL).read_bytes(), str(places))
    items = {}
    for task, numbers in shots.items():
        pool, queries = files[task]
        asked = TaskSettings(
            kind=task, pool=pool, queries=queries, draws=1, items=count, shots=tuple(numbers), conditions=("gold",)
        )
        made = items_file(asked, "", tokenizer, SHAPE["context"], (), 0)
        items[task] = TaskItems.from_json(json.loads(made.text))
    for qk_norm in qk_norms:
        spec = ModelSpec(vocab_size=tokenizer.vocab_size, qk_norm=qk_norm, **SHAPE)
        model = random_model(spec)
        yield Setting(
            called, tokenizer, items, spec, model, exported(folder / f"qk_norm_{qk_norm}", places, spec, model)
        )


def random_model(spec: ModelSpec) -> Model:
    """A fresh model's output matrices are zero; here they say something, as after training."""
    model, generator = Model(spec, 0), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 1.5 * weight.shape[1] ** -0.5)
    return model.eval()


def exported(folder: Path, tokenizer: Path, spec: ModelSpec, model: Model) -> str:
    """The folder to which `loam ablate export` writes a cell with these weights."""
    training = TrainingSpec(
        SeedSpec(1, 1, 1), spec, ScheduleSpec(tokens=10**6, batch=1), (TrainSource("random", "none"),), bos=BOS
    )
    cell = folder / "cell"
    cell.mkdir(parents=True)
    last = {"step": training.steps, "tokens": 10**6, "file": FINAL, "sha256": save_weights(model, cell / FINAL)}
    record = {"spec_digest": training.digest(), "points": [last]}
    for name, value in ((CELL, CellSpec("bench", 0, training).to_json()), (TRAINING, record)):
        (cell / name).write_text(json.dumps(value), encoding="utf8")
    return export(str(cell), str(folder / "exported"), "", str(tokenizer)).folder


def _rows(folder: Path) -> tuple[str, dict[str, tuple[str, str]]]:
    """What the rows are, and by task the files of its pool and its queries; made-up ones where there are none."""
    root = DATA.parent
    found = {task: (str(root / task_class(task).pool), str(root / task_class(task).queries)) for task in TASKS}
    if all(Path(path).is_file() for pair in found.values() for path in pair):
        return "rows of the tasks", found
    draw, made = random.Random(0), {}
    for task in TASKS:
        for split, number in OWN_ROWS.items():
            rows = [json.dumps(_made_up(task, draw), ensure_ascii=False) for _ in range(number)]
            (folder / f"{task}.{split}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf8")
        made[task] = (str(folder / f"{task}.train.jsonl"), str(folder / f"{task}.test.jsonl"))
    return "made-up rows", made


def _made_up(task: str, draw: random.Random) -> dict[str, Any]:
    def sentence() -> str:
        return (
            " ".join("".join(draw.choices("가나다라마바사아자차카타파하", k=draw.randint(1, 4))) for _ in range(7))
            + "."
        )

    if task == "nsmc":
        return {"text": sentence(), "label": draw.randrange(2)}
    told = {"premise": sentence(), "question": draw.choice(("원인", "결과")), "label": draw.randrange(2)}
    return {**told, "alternative_1": sentence(), "alternative_2": sentence()}


def _lines(files: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """Demonstrations of the pools, so that labels are pieces of their own: lm-eval then needs one pass an item too."""
    for task, (pool, _) in files.items():
        rows = [row for _, row in objects(Piece("", pool, 0, "", "jsonl")) if isinstance(row, dict)]
        found, _ = questions(task_class(task)(), rows, pool)
        yield from (each.example.prompt + each.example.choices[each.example.gold] for each in found)
