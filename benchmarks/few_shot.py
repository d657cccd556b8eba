"""Few-shot scoring beside lm-eval, on one pinned core and one thread: `python -m benchmarks.few_shot`.

First both have to say the same: log-probabilities within 0.001 and equal accuracy on NSMC and KoBEST COPA, lm-eval through its
own task machinery on an exported cell. Then items per second of NSMC. Loading of models is left out on both sides, and so is
lm-eval's encoding of texts, for ours reads ready tokens. `--brief` takes two minutes and keeps nothing.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ablations.core.data.items import Group
from ablations.core.scoring.scoring import score_group
from benchmarks.few_shot_setting import SHAPE, Setting, settings
from benchmarks.peers import lm_eval_peer as lm_eval
from benchmarks.record import keep, median_seconds, pinned

WITHIN = 1e-3  # nats
AGREE_ON = (("nsmc", 4, 100), ("kobest_copa", 4, 100), ("nsmc", 70, 20))  # task, demonstrations, questions
AGREE_BRIEFLY = (("nsmc", 4, 20), ("kobest_copa", 4, 20))
ITEMS = 200  # of a group, as in a study
PEER_ITEMS = {4: 200, 70: 40}  # the peer is slow; its speed is per item
PEER_BATCHES = (1, 8, 32)
PEER_RUNS = 3
BATCH = 32
Answer = dict[str, Any]


def agreement(setting: Setting, asked: Sequence[tuple[str, int, int]]) -> None:
    """Ask lm-eval the same, and stop where it says something else."""
    groups = [setting.group(task, k, count) for task, k, count in asked]
    jobs = [
        {"do": "task", "folder": setting.exported, "documents": setting.documents(group), "batch": 8}
        for group in groups
    ]
    for (task, k, _), group, said in zip(asked, groups, lm_eval.ask(jobs), strict=True):
        found = compare(setting, group, said)
        norm = "with" if setting.spec.qk_norm else "without"
        crossed = setting.items[task].counts["border_crossings"]
        print(f"{task}, {k} shots, {norm} QK-norm: {found}; a piece crossed the answer's border {crossed} times")


def compare(setting: Setting, group: Group, said: Answer) -> str:
    """A sentence about lm-eval's answers and ours.

    Raises:
        AssertionError: they differ in a log-probability or in the accuracy.
    """
    scores = score_group(setting.model, group, group.items, BATCH)
    same = [score for score in scores if score.id in said["log_probabilities"]]
    pairs = [pair for s in same for pair in zip(s.choices, said["log_probabilities"][s.id], strict=True)]
    furthest = max(abs(ours - theirs) for ours, theirs in pairs)
    assert furthest <= WITHIN, f"log-probabilities differ by up to {furthest:.2g} nats"
    accuracy = statistics.fmean(score.correct for score in same)
    assert abs(accuracy - said["accuracy"]) < 1e-9, f"accuracy {accuracy}, lm-eval {said['accuracy']}"
    return (
        f"log-probabilities of {len(same)} items differ by at most {furthest:.2g} nats, accuracy is {accuracy:.3f} in both; "
        f"lm-eval splits {len(scores) - len(same)} others at another place"
    )


def speed(setting: Setting, k: int, brief: bool) -> None:
    """Items a second of NSMC, ours and lm-eval's at its best batch size."""
    group = setting.group("nsmc", k, 50 if brief else ITEMS)
    few = setting.group("nsmc", k, 8 if brief else PEER_ITEMS[k])
    ours = {each: len(each.items) / median_seconds(partial(_score, setting, each)) for each in (group, few)}
    runs = 1 if brief else PEER_RUNS
    work = {"do": "speed", "folder": setting.exported, "documents": setting.documents(few), "runs": runs}
    spent = lm_eval.ask([{**work, "batch": batch} for batch in PEER_BATCHES])
    peers = {
        batch: len(few.items) / statistics.median(seconds["pieces"])
        for batch, seconds in zip(PEER_BATCHES, spent, strict=True)
    }
    best = max(peers, key=lambda batch: peers[batch])
    texts = len(few.items) / statistics.median(spent[PEER_BATCHES.index(best)]["texts"])
    what = f"few-shot scoring of NSMC at {k} shots"
    say: dict[str, Any] = {
        "shape": SHAPE,
        "vocabulary": setting.spec.vocab_size,
        "rows": setting.called,
        "tokens_of_prefix": len(group.prefix),
        "torch": torch.__version__,
    }
    _keep(brief, what, ours[group], items=len(group.items), batch=BATCH, **say)
    _keep(
        *(brief, f"{what}, lm-eval {lm_eval.VERSION}", peers[best]),
        items=len(few.items),
        best_batch=best,
        by_batch={batch: round(rate, 3) for batch, rate in peers.items()},
        with_its_encoding=round(texts, 3),
        ratio=round(ours[group] / peers[best], 1),
        ratio_on_the_same_items=round(ours[few] / peers[best], 1),
        **say,
    )
    print(
        f"   ours is {ours[group] / peers[best]:.1f} times as fast with {len(group.items)} items a group, "
        f"{ours[few] / peers[best]:.1f} times on lm-eval's own {len(few.items)} items"
    )


def _score(setting: Setting, group: Group) -> None:
    score_group(setting.model, group, group.items, BATCH)


def _keep(brief: bool, what: str, value: float, **details: Any) -> None:
    if brief:
        print(f"{what}: {value:,.4g} items/s {details}")
    else:
        keep(what, value, "items/s", **details)


def few_shot(brief: bool = False) -> None:
    """Agreement on a Llama and on a Qwen3 export, then speed on the Llama, which is lm-eval's quicker one."""
    torch.set_num_threads(1)
    asked = AGREE_BRIEFLY if brief else AGREE_ON
    shots = {"nsmc": (4, 70), "kobest_copa": (4,)}
    with tempfile.TemporaryDirectory() as folder:
        for setting in settings(Path(folder), shots, ITEMS, (True, False)):
            agreement(setting, asked)
        for k in shots["nsmc"]:
            speed(setting, k, brief)


if __name__ == "__main__":
    pinned()
    few_shot(brief="--brief" in sys.argv)
