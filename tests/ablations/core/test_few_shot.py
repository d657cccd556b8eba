"""Readings of few-shot tasks on scores made by hand, and how groups are put to a model."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from ablations.core.asking import Asked, ask, most_even
from ablations.core.blind import blind_accuracies, blind_accuracy, blind_label_score
from ablations.core.evaluation import EvaluationData
from ablations.core.few_shot_readings import TaskReadings
from ablations.core.items import CONTENT_FREE, UNCONDITIONAL, Generation, Group, Item, TaskItems
from ablations.core.label_f1 import f1_positive, macro_f1
from ablations.core.metrics.few_shot import FewShot
from ablations.core.model import Model
from ablations.core.model_spec import ModelSpec
from ablations.core.scores import Score, calibrated, content_free_shares, likeliest

LABELS = st.lists(st.integers(0, 2), min_size=1, max_size=20)


def readings(asked, **task):
    return TaskReadings(TaskItems("toy", 1, (2,), tuple(each.group for each in asked), **task), asked).all()


def asked(scores, condition="gold", k=2, draw=0, demo_labels=(), **rest) -> Asked:
    """Scores as (gold, log-probabilities) or whole."""
    made = [s if isinstance(s, Score) else Score(str(i), s[0], tuple(s[1])) for i, s in enumerate(scores)]
    made = [replace(s, tokens=s.tokens or (1,) * len(s.choices)) for s in made]
    return Asked(Group(k, condition, draw, (0,), (), demo_labels, **rest), made)


def test_each_normalisation_can_choose_another_answer():
    """Four choices; the sum, the tokens, the bytes, the cue and the empty question each prefer another one."""
    score = Score("a", 0, (-2.0, -3.0, -2.5, -2.2), tokens=(1, 3, 2, 1), bytes=(1, 4, 9, 2))
    groups = [
        asked([score]),
        asked([Score("*", 0, (-1.0, -1.0, -1.0, -6.0))], UNCONDITIONAL, k=0),
        asked([Score("n/a", 0, (-0.1, -9.0, -0.1, -0.1))], CONTENT_FREE),
    ]
    rights = {
        "accuracy": 0,
        "accuracy_per_token": 1,
        "accuracy_per_byte": 2,
        "accuracy_pmi": 3,
        "accuracy_calibrated": 1,
    }
    for name, gold in rights.items():
        found = readings([asked([replace(score, gold=gold)]), *groups[1:]])
        right = {ending for ending in rights if found.values[f"toy.k2.gold.{ending}"] == 1}
        assert name in right
        assert right == {ending for ending, choice in rights.items() if choice == gold}
        assert not any(UNCONDITIONAL in key or CONTENT_FREE in key or ".k0" in key for key in (*found.values, *found.n))


def test_calibration_makes_an_empty_question_undecided():
    """Whatever the model says to nothing is what calibration takes away."""
    free = [Score("a", 0, (-1.0, -2.0)), Score("b", 0, (-3.0, -1.0))]
    each = [[math.exp(p) / sum(map(math.exp, s.choices)) for p in s.choices] for s in free]
    shares = content_free_shares(free)
    assert shares == pytest.approx([sum(column) / 2 for column in zip(*each, strict=True)])
    says_nothing = Score("c", 0, tuple(math.log(share) + 7 for share in shares))
    assert calibrated(says_nothing, shares) == pytest.approx((7.0, 7.0))


def test_margin_and_loss_are_means_and_a_tie_is_no_right_answer():
    found = readings([asked([(0, (-1.0, -3.0)), (1, (-1.0, -1.0)), (1, (-4.0, -1.5))])])
    assert found.values["toy.k2.gold.nll"] == pytest.approx((1 + 1 + 1.5) / 3)
    assert found.values["toy.k2.gold.margin"] == pytest.approx((2 + 0 + 2.5) / 3)
    assert found.values["toy.k2.gold.accuracy"] == pytest.approx(2 / 3)
    assert likeliest((-1.0, -1.0, -2.0)) == -1


def test_what_a_task_does_not_have_is_absent():
    """A group whose items are all too long has an n of 0, no value, and never NaN."""
    found = readings([asked([], k=2), asked([], "permuted", k=2)], labels=("a", "b"), metrics=("macro_f1",))
    assert found.values == {}
    assert set(found.n.values()) == {0}
    assert {"toy.k2.gold", "toy.k2.permuted_minus_gold"} <= set(found.n)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 2)), min_size=1, max_size=30))
def test_f1_is_that_of_scikit_learn(pairs):
    gold, predicted = ([pair[i] for pair in pairs] for i in (0, 1))
    labels = sorted({*gold, *predicted} - {-1})
    assert macro_f1(gold, predicted) == pytest.approx(f1_score(gold, predicted, labels=labels, average="macro"))
    wanted = f1_score(gold, predicted, labels=[1], average="macro", zero_division=0)
    assert f1_positive(gold, predicted) == pytest.approx(wanted)


def test_f1_is_a_mean_over_draws_and_has_its_own_baseline():
    draws = [
        asked([(0, (-1.0, -2.0)), (1, (-1.0, -2.0))], draw=0, demo_labels=(0, 1)),
        asked([(0, (-1.0, -2.0)), (1, (-2.0, -1.0))], draw=1, demo_labels=(1, 1)),
    ]
    found = readings(draws, labels=("a", "b"), metrics=("macro_f1", "f1_positive", "bleu_en"))
    assert found.values["toy.k2.gold.macro_f1"] == pytest.approx((1 / 3 + 1) / 2)
    assert found.values["toy.k2.gold.f1_positive"] == pytest.approx((0 + 1) / 2)
    assert found.values["toy.k2.blind_macro_f1"] == pytest.approx(1 / 2)  # labels in their proportions; one label: 1/3
    assert found.values["toy.k2.blind_f1_positive"] == pytest.approx(2 / 3)  # always positive
    assert not any("bleu" in name for name in found.values)


@given(st.lists(LABELS, min_size=1, max_size=4), st.data())
def test_blind_guesses_are_those_of_guessers_who_answer_one_by_one(gold, data):
    shown = [data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=5)) for _ in gold]
    answers = [(label, group) for labels, group in zip(gold, shown, strict=True) for label in labels]
    n, labels = len(answers), [label for label, _ in answers]
    top = min(set(labels), key=lambda label: (-labels.count(label), label))
    wanted = {
        "majority": sum(label == top for label, _ in answers) / n,
        "prior_matched": sum(labels.count(label) / n for label, _ in answers) / n,
        "copy_last": sum(label == group[-1] for label, group in answers) / n,
        "most_frequent_demo": sum(
            label == min(group, key=lambda each: (-group.count(each), each)) for label, group in answers
        )
        / n,
    }
    assert blind_accuracies(gold, shown) == pytest.approx(wanted)
    assert blind_accuracy(gold, shown) == pytest.approx(max(wanted.values()))
    assert set(blind_accuracies(gold, [()] * len(gold))) == {"majority", "prior_matched"}
    assert 0 < blind_label_score("macro_f1", gold, shown) <= 1


def prediction(gold: int, label: int, labels: int = 2) -> tuple[int, tuple[float, ...]]:
    return gold, tuple(-1.0 if i == label else -2.0 for i in range(labels))


def test_a_model_that_repeats_the_commonest_or_the_last_label_shows_its_bias():
    shown = [(0, 0, 1), (1, 1, 0), (1, 0)]
    majority = [asked([prediction(g, s[0]) for g in (0, 1)], draw=i, demo_labels=s) for i, s in enumerate(shown)]
    found = readings(majority, labels=("a", "b"))
    assert found.values["toy.k2.bias.majority_label"] == 0.5  # says it always, it is right half of the time
    assert found.n["toy.k2.bias.majority_label"] == 4  # of the last draw's labels none is the commonest
    last = [asked([prediction(g, s[-1]) for g in (0, 1)], draw=i, demo_labels=s) for i, s in enumerate(shown)]
    assert readings(last, labels=("a", "b")).values["toy.k2.bias.recency"] == 0.5


@pytest.mark.parametrize("answers", ["right", "the first label", "a tie"])
def test_a_model_without_a_bias_to_its_demonstrations_shows_none(answers):
    """Behind each combination of demonstrations once, so that whatever ignores them cannot agree with them by chance."""
    groups = []
    for draw, shown in enumerate(product((0, 1), repeat=3)):
        says = {"right": lambda g: prediction(g, g), "the first label": lambda g: prediction(g, 0), "a tie": _tie}
        groups.append(asked([says[answers](g) for g in (0, 1, 1, 0)], draw=draw, demo_labels=shown))
    found = readings(groups, labels=("a", "b"))
    assert found.values["toy.k2.bias.majority_label"] == 0
    assert found.values["toy.k2.bias.recency"] == 0


def _tie(gold: int) -> tuple[int, tuple[float, ...]]:
    return gold, (-1.0, -1.0)


def test_bias_needs_labels_that_mean_the_same_for_all_items():
    found = readings([asked([(0, (-1.0, -2.0))], demo_labels=(0, 1))])
    assert not any("bias" in name for name in (*found.values, *found.n))


def test_the_order_whose_answers_to_nothing_are_most_even_is_kept():
    free = [
        asked([(0, (-1.0, -4.0))], CONTENT_FREE, candidate=0),
        asked([(0, (-1.0, -1.1))], CONTENT_FREE, candidate=1),
        asked([(0, (-1.1, -1.0))], CONTENT_FREE, candidate=2),
    ]
    assert most_even(free) == {(2, 0): 1}


# ---- put to a model


@pytest.fixture(scope="module")
def model() -> Model:
    made = Model(ModelSpec(20, layers=2, width=16, heads=2, context=64), seed=1).eval()
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


def test_demonstrations_are_read_once_for_all_k_and_all_items(model):
    """Of each draw the longest gold and the longest permuted prefix; k = 0 and smaller k begin them; flipped is permuted."""
    task = TaskItems("toy", 1, (0, 1, 2), tuple(groups_of()))
    questions = len(ITEMS) * (3 + 1)  # a question and the first token of its longer choice
    prefixes = 4 * (2 + len(DEMOS))  # gold and permuted of two draws
    assert tokens_read(model, task) == prefixes + questions * (1 + 2 * 2 * 2)


def test_groups_are_scored_alike_in_company_and_alone(model):
    task = TaskItems("toy", 1, (0, 1, 2), tuple(groups_of()))
    together = ask(model, task, data_of(task))
    assert [each.group for each in together] == list(task.groups)
    for each in together:
        (alone,) = ask(model, replace(task, groups=(each.group,)), data_of(task))
        assert [s.id for s in alone.scores] == [s.id for s in each.scores]
        for one, other in zip(alone.scores, each.scores, strict=True):
            assert one.choices == pytest.approx(other.choices, abs=1e-5)
            assert (one.gold, one.bytes) == (other.gold, other.bytes)


def test_flipped_labels_turn_right_into_wrong(model):
    values = FewShot().measure(model, data_of(TaskItems("toy", 1, (0, 1, 2), tuple(groups_of())))).values
    assert values["toy.k2.flipped.accuracy"] == pytest.approx(1 - values["toy.k2.permuted.accuracy"])
    assert values["toy.k2.flipped.margin"] == pytest.approx(-values["toy.k2.permuted.margin"])
    assert values["toy.k2.gold.nll_per_byte"] > 0


def test_only_the_chosen_order_is_read_and_it_is_named(model):
    orders = [(7, 8, 9), (9, 8, 7)]
    free = (Item("n/a", (13, 3), ((4,), (5, 6)), 0),)
    groups = [
        Group(1, condition, 0, (0, *shown), items, (0,), candidate)
        for candidate, shown in enumerate(orders)
        for condition, items in (("gold", ITEMS), ("permuted", ITEMS), (CONTENT_FREE, free))
    ]
    task = TaskItems("toy", 1, (1,), tuple(groups))
    details = FewShot().measure(model, data_of(task)).details["toy"]["groups"]
    assert [group["condition"] for group in details] == ["gold", "permuted"]
    assert len({group["candidate"] for group in details}) == 1
    without = [group for group in groups if group.condition != CONTENT_FREE]
    found = FewShot().measure(model, data_of(replace(task, groups=tuple(without)))).details["toy"]["groups"]
    assert [group["condition"] for group in found] == ["gold", "permuted"]


def test_written_answers_are_kept_as_tokens_at_the_end_and_not_along_the_way(model):
    items = tuple(Item(f"q{i}", (1 + i, 2), ((4, 5),), 0) for i in range(3))
    groups = [Group(1, c, 0, (0, 7, t), items) for c, t in (("gold", 8), ("permuted", 9))]
    task = TaskItems("toy", 1, (1,), tuple(groups), generation=Generation(5, (3,)), metrics=("exact_match",))
    reading = FewShot().measure(model, data_of(task))
    assert set(reading.values) == {"toy.k1.gold.nll", "toy.k1.permuted.nll", "toy.k1.permuted_minus_gold"}
    gold, permuted = reading.details["toy"]["groups"]
    assert [len(answer) <= 5 for answer in gold["generated"]] == [True] * 3
    assert "generated" not in permuted
    assert "correct" not in gold
    quick = FewShot().measure(model, data_of(task).replace(generate=False))
    assert "generated" not in quick.details["toy"]["groups"][0]
    assert quick.values == reading.values
