"""A study that is small but whole: two sources in files, both passes, tokenizers, cells, controls, report."""

from __future__ import annotations

import json
import random
from pathlib import Path

import yaml

ENGLISH = (
    "the river and a town with old houses that have many windows to see of water when people walk along every "
    "morning before work begins because light is good then children play near bridge after school while boats pass "
    "slowly under it carrying sand wood or fruit from farms up north where hills rise green"
).split()
KOREAN = (
    "강 마을 사람들이 아침마다 길을 따라 걷고 아이들은 다리 옆에서 놀며 배는 천천히 지나간다 오래된 집과 창문 너머로 빛이 "
    "들어오고 시장에서는 과일과 나무를 팔았다 겨울이 오면 눈이 내리고 산은 하얗게 변한다 학교가 끝나면 모두 집으로 돌아가 "
    "저녁을 먹었다"
).split()


def document(words: list[str], seed: int, sentences: int = 14) -> str:
    """Ordinary-looking text that no rule of the study drops."""
    rng = random.Random(seed)
    made = [" ".join(rng.choices(words, k=rng.randint(8, 14))) + "." for _ in range(sentences)]
    return "\n".join(" ".join(made[i : i + 3]) for i in range(0, len(made), 3))


def write_corpora(folder: Path, documents: int = 120) -> None:
    """english.jsonl and korean.jsonl, with an address, a duplicate and a row that is no JSON in each."""
    for name, words in (("english", ENGLISH), ("korean", KOREAN)):
        rows = [{"id": f"{name}-{i}", "text": document(words, i)} for i in range(documents)]
        rows[3]["text"] += "\nWrite to someone@example.org today."
        rows.append({"id": f"{name}-copy", "text": rows[5]["text"]})
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        lines.insert(7, "{not json")
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf8")


def write_study(folder: Path, **changes: object) -> Path:
    """study.yaml beside its corpora; relative paths start at `folder`."""
    effort = {"windows": 8, "items": 8, "sequences": 4, "curve_windows": 4, "curve_items": 4, "curve_sequences": 2}
    cells = {
        "model": {"layers": 1, "width": 16, "heads": 2, "context": 48},
        "schedule": {"tokens": 6144, "batch": 4, "warmup_steps": 2},
        "effort": effort,
        "evaluations": 2,
        "checkpoint_every_steps": 8,
    }
    study = {
        "name": "small",
        "question": "Does it run?",
        "recipe": {
            "data_root": str(folder),
            "sources": {
                "english": {"kind": "files", "path": "english.jsonl"},
                "korean": {"kind": "files", "path": "korean.jsonl"},
            },
            "shard_bytes": 30_000,
        },
        "tokenizer": {"vocab_size": 600, "sample_bytes": 100_000},
        "heldout": 0.2,
        "arms": {
            "english": {"mixture": {"english": 1}},
            "both": {"mixture": {"english": 1, "korean": 1}, "fraction": 0.5},
        },
        "cells": cells,
        "controls": {"documents": 150, "items": 8, "cells": {**cells, "optimizer": {"adam_learning_rate": 0.03}}},
        "tasks": ["control_map"],
        "seeds": 1,
        "claims": [
            {"emerges": {"arm": "english"}},
            {"differs": {"arm_a": "english", "arm_b": "both", "measure": "bits_per_byte.english"}},
        ],
        **changes,
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study, sort_keys=False, allow_unicode=True), encoding="utf8")
    return path
