"""How the groups of a few-shot task are put to a model, and which answers are kept."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch

from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.data.items import Generation, Group, Item, TaskItems
from ablations.core.metrics.few_shot import FewShot
from ablations.core.model.model import Model
from ablations.core.results.answers import CONTENT_FREE, Score, TaskAnswers
from ablations.core.scoring.asking import Asked, ask, most_even
from ablations.core.spec.model_spec import ModelSpec
from ablations.readings.few_shot import AboutTask, few_shot_readings


def asked(logp: tuple[float, ...], candidate: int) -> Asked:
    """What a model says to nothing, behind one order of the demonstrations."""
    return Asked(Group(2, CONTENT_FREE, 0, (0,), (), candidate=candidate), [Score("0", 0, logp, (1, 1))])


def test_the_order_whose_answers_to_nothing_are_most_even_is_kept() -> None:
    free = [asked(logp, number) for number, logp in enumerate([(-1.0, -4.0), (-1.0, -1.1), (-1.1, -1.0)])]
    assert most_even(free) == {(2, 0): 1}


# ---- put to a model


@pytest.fixture(scope="module")
def model() -> Model:
    made = Model(ModelSpec(vocab_size=20, layers=2, width=16, heads=2, context=64), seed=1).eval()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * 0.3)
    return made


def data_of(task: TaskItems, items: int = 99) -> EvaluationData:
    return EvaluationData(
        context=64, vocab_size=20, bos=0, specials=(0,), heldout={}, tasks=[task], seed=1,
        windows=1, items=items, sequences=1, batch=8,
    )  # fmt: skip


ITEMS = tuple(Item(f"q{i}", (1 + i, 2, 3), ((4,), (5, 6)), i % 2, choice_bytes=(3, 6)) for i in range(6))
DEMOS = (7, 8, 9, 10, 11, 12)


def answers_to(model: Model, task: TaskItems, **changes: Any) -> TaskAnswers:
    """As they are kept."""
    data = data_of(task).replace(**changes)
    found = FewShot().measure(model, data)
    assert list(found.answers) == [""]
    assert {each.reading for each in found.readings} == ({"at_limit"} if task.generation and data.generate else set())
    return found.answers[""]


def groups_of(draws: int = 2) -> list[Group]:
    made = [Group(0, "gold", 0, (0, 1), ITEMS)]
    for draw, k in product(range(draws), (1, 2)):
        shown = tuple(demo + draw for demo in DEMOS[: 3 * k])
        permuted = tuple(token + 3 for token in shown)
        flipped = tuple(replace(item, gold=1 - item.gold) for item in ITEMS)
        labels = (1, 0)[:k]
        made += [
            Group(k, "gold", draw, (0, 1, *shown), ITEMS, labels),
            Group(k, "permuted", draw, (0, 1, *permuted), ITEMS, labels),
            Group(k, "flipped", draw, (0, 1, *permuted), flipped, labels),
        ]
    return made


def tokens_read(model: Model, task: TaskItems) -> int:
    """How many tokens went through the model to ask all groups."""
    counted: list[int] = []
    hook = model.embedding.register_forward_hook(lambda module, inputs, output: counted.append(inputs[0].numel()))
    ask(model, task, data_of(task))
    hook.remove()
    return sum(counted)


def test_demonstrations_are_read_once_for_all_k_and_all_items(model: Model) -> None:
    """Of each draw the longest gold and the longest permuted prefix; k = 0 and smaller k begin them; flipped is permuted."""
    task = TaskItems("toy", 1, (0, 1, 2), tuple(groups_of()))
    questions = len(ITEMS) * (3 + 1)  # a question and the first token of its longer choice
    prefixes = 4 * (2 + len(DEMOS))  # gold and permuted of two draws
    assert tokens_read(model, task) == prefixes + questions * (1 + 2 * 2 * 2)


def test_groups_are_scored_alike_in_company_and_alone(model: Model) -> None:
    task = TaskItems("toy", 1, (0, 1, 2), tuple(groups_of()))
    together = ask(model, task, data_of(task))
    assert [each.group for each in together] == list(task.groups)
    for each in together:
        (alone,) = ask(model, replace(task, groups=(each.group,)), data_of(task))
        assert [s.id for s in alone.scores] == [s.id for s in each.scores]
        for one, other in zip(alone.scores, each.scores, strict=True):
            assert one.choices == pytest.approx(other.choices, abs=1e-5)
            assert (one.gold, one.bytes) == (other.gold, other.bytes)


def test_flipped_labels_turn_right_into_wrong(model: Model) -> None:
    answers = answers_to(model, TaskItems("toy", 1, (0, 1, 2), tuple(groups_of())))
    values = {reading.name: reading.value or 0.0 for reading in few_shot_readings(answers, AboutTask())}
    assert values["few_shot.toy.k2.flipped.accuracy"] == pytest.approx(1 - values["few_shot.toy.k2.permuted.accuracy"])
    assert values["few_shot.toy.k2.flipped.margin"] == pytest.approx(-values["few_shot.toy.k2.permuted.margin"])
    assert values["few_shot.toy.k2.gold.nll_per_byte"] > 0


def test_only_the_chosen_order_is_read_and_it_is_named(model: Model) -> None:
    orders = [(7, 8, 9), (9, 8, 7)]
    free = (Item("n/a", (13, 3), ((4,), (5, 6)), 0),)
    groups = [
        Group(1, condition, 0, (0, *shown), items, (0,), candidate)
        for candidate, shown in enumerate(orders)
        for condition, items in (("gold", ITEMS), ("permuted", ITEMS), (CONTENT_FREE, free))
    ]
    task = TaskItems("toy", 1, (1,), tuple(groups))
    kept = answers_to(model, task)
    assert [group.condition for group in kept.groups] == ["gold", "permuted", CONTENT_FREE]
    assert [group.condition for group in kept.asked()] == ["gold", "permuted"]
    assert len({group.candidate for group in kept.groups}) == 1
    assert kept.groups[0].candidate is not None
    without = tuple(group for group in groups if group.condition != CONTENT_FREE)
    found = answers_to(model, replace(task, groups=without))
    assert [group.condition for group in found.groups] == ["gold", "permuted"]


def test_answers_hold_the_log_probability_of_every_choice_and_what_stands_with_it(model: Model) -> None:
    """If this fails, a question about the answers can be asked only by asking the model again."""
    task = TaskItems("toy", 1, (0, 1, 2), tuple(groups_of()))
    kept = answers_to(model, task)
    assert kept.task == "toy"
    assert len(kept.groups) == len(task.groups)
    for group, answers in zip(task.groups, kept.groups, strict=True):
        assert (answers.k, answers.condition, answers.draw) == (group.k, group.condition, group.draw)
        assert (answers.demo_labels, answers.candidate, answers.written) == (group.demo_labels, None, None)
        for item, score in zip(group.items, answers.scores, strict=True):
            assert (score.id, score.gold, score.tokens, score.bytes) == (item.id, item.gold, (1, 2), (3, 6))
            assert len(score.choices) == len(item.choices) == 2
            assert all(logp < 0 for logp in score.choices)


def test_written_answers_are_kept_as_tokens_at_the_end_and_not_along_the_way(model: Model) -> None:
    items = tuple(Item(f"q{i}", (1 + i, 2), ((4, 5),), 0) for i in range(3))
    groups = [Group(1, c, 0, (0, 7, t), items) for c, t in (("gold", 8), ("permuted", 9))]
    task = TaskItems("toy", 1, (1,), tuple(groups), generation=Generation(5, (3,)), metrics=("exact_match",))
    kept = answers_to(model, task)
    gold, permuted = kept.groups
    assert gold.written is not None
    assert [len(answer) <= 5 for answer in gold.written] == [True] * 3
    assert permuted.written is None
    quick = answers_to(model, task, generate=False)
    assert quick.groups[0].written is None
    assert [group.scores for group in quick.groups] == [group.scores for group in kept.groups]
