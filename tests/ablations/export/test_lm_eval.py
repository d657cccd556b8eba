"""lm-eval on an exported cell says what our scorer says; `make bench` asks it the same of real tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablations.core.data.items import Group, Item
from ablations.core.spec.model_spec import ModelSpec
from ablations.prompts.joining import split
from benchmarks import few_shot
from benchmarks.few_shot_setting import Setting, exported, random_model
from benchmarks.peers import lm_eval_peer
from tokenizer.model import TokenizerModel
from tokenizer.train import BOS, MODEL, train_bpe

pytestmark = pytest.mark.skipif(
    not lm_eval_peer.is_ready(), reason="no .bench/lm_eval; make it: python -m benchmarks.peers.lm_eval_peer"
)
VOCABULARY = 310
DEMOS = "리뷰: 참 좋았다\n평가: 긍정\n\n리뷰: 지루했다 3번\n평가: 부정\n\n"
ASKED = [
    ("리뷰: 강과 마을\n평가:", (" 부정", " 긍정")),
    ("리뷰:  두 칸 😀\n평가:", (" 부정이다", " 긍정")),
    ("그는 웃", ("었다", "는다")),
]


def setting_in(folder: Path, qk_norm: bool) -> Setting:
    folder.mkdir()
    lines = (f"리뷰: 강과 마을 {i * 7} 웃었다 웃는다\n평가: {('긍정', '부정')[i % 2]}" for i in range(300))
    (folder / MODEL).write_bytes(train_bpe(lines, VOCABULARY))
    tokenizer = TokenizerModel((folder / MODEL).read_bytes(), MODEL)
    spec = ModelSpec(vocab_size=VOCABULARY, layers=2, width=16, heads=2, context=128, qk_norm=qk_norm)
    model = random_model(spec)
    return Setting("made-up rows", tokenizer, {}, spec, model, exported(folder / "cell", folder, spec, model))


def group_of(tokenizer: TokenizerModel) -> tuple[Group, list[bool]]:
    """The questions behind two demonstrations, and at which of them a piece crosses the border to the answer."""
    start, items, crossings = tokenizer.encode(DEMOS), [], []
    for number, (prompt, choices) in enumerate(ASKED):
        before, answers, crossed = split(DEMOS + prompt, choices, tokenizer.encode)
        assert before[: len(start)] == start
        items.append(Item(str(number), tuple(before[len(start) :]), tuple(map(tuple, answers)), number % 2))
        crossings.append(crossed)
    return Group(2, "gold", 0, (BOS, *start), tuple(items)), crossings


@pytest.mark.slow
def test_lm_eval_gives_our_log_probabilities_and_accuracy(tmp_path: Path) -> None:
    """Asked the second time, one text is cut between two pieces that are one in it, which lm-eval cannot be asked."""
    made = [setting_in(tmp_path / str(qk_norm), qk_norm) for qk_norm in (True, False)]
    group, crossings = group_of(made[0].tokenizer)
    assert crossings == [False, False, True]
    ours = made[0].documents(group)
    theirs = [*ours[:2], {**ours[2], "prompt": DEMOS + ASKED[2][0], "choices": ASKED[2][1]}]
    jobs = [
        {"do": "task", "folder": setting.exported, "documents": rows, "batch": 2}
        for setting in made
        for rows in (ours, theirs)
    ]
    said = lm_eval_peer.ask(jobs)
    found = [few_shot.compare(made[number // 2], group, answer) for number, answer in enumerate(said)]
    assert [sentence.split("; ")[1] for sentence in found] == [
        "lm-eval splits 0 others at another place",
        "lm-eval splits 1 others at another place",
    ] * 2
