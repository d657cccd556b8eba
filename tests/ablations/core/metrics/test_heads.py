"""Weights set by hand, so that it is known which head is an induction head: it is found, and it alone matters."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cells import BOS
from hand_made import (
    BASE,
    CONSTANT,
    CONTEXT,
    INDUCTION,
    PREVIOUS,
    VOCAB,
    D,
    attention_of,
    by_hand,
    previous_token_head,
)

from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.data.items import Group, Item, TaskItems
from ablations.core.data.repeats import repeats
from ablations.core.metrics.base import Measured
from ablations.core.metrics.few_shot import FewShot
from ablations.core.metrics.head_ablation import HeadAblation, others
from ablations.core.metrics.heads import (
    Heads,
    behind_copies,
    even_attention,
    head_scores,
    induction_heads,
    least_without_a_distance,
    raised_above,
)
from ablations.core.metrics.repeated_tokens import RepeatedTokens
from ablations.core.model.heads import heads_of, silenced
from ablations.core.model.model import Model
from ablations.core.results.answers import TaskAnswers
from ablations.core.results.readings import Reading
from ablations.core.spec.model_spec import ModelSpec
from ablations.readings.few_shot import AboutTask, gain_readings


@pytest.fixture(scope="module")
def data() -> EvaluationData:
    """Repeated sequences of ten tokens, and a task whose demonstrations say `a 1 b 2` and whose query is `a`."""
    rng = np.random.default_rng(0)
    items: dict[str, list[Item]] = {"gold": [], "permuted": []}
    for number in range(40):
        a, b, one, two = (int(token) for token in rng.permutation(np.arange(1, VOCAB))[:4])
        for condition, shown in (("gold", (one, two)), ("permuted", (two, one))):
            items[condition].append(Item(f"{number}", (a, shown[0], b, shown[1], a), ((one,), (two,)), 0))
    groups = tuple(Group(2, condition, 0, (BOS,), tuple(made)) for condition, made in items.items())
    return EvaluationData(
        context=CONTEXT,
        vocab_size=VOCAB,
        bos=BOS,
        specials=(BOS,),
        heldout={},
        tasks=[TaskItems("pairs", 1, (2,), groups)],
        seed=5,
        windows=8,
        items=40,
        sequences=32,
        batch=8,
    )


def readings_of(found: Measured) -> dict[str, Reading]:
    """By what their names say behind the metric's."""
    return {reading.name.partition(".")[2]: reading for reading in found.readings}


def values_of(found: Measured) -> dict[str, float]:
    return {name: reading.value for name, reading in readings_of(found).items() if reading.value is not None}


def gain_of(answers: TaskAnswers) -> float:
    """What permuted labels cost."""
    (gain,) = gain_readings(answers, AboutTask())
    assert gain.value is not None
    return gain.value


both_norms = pytest.mark.parametrize("qk_norm", [True, False], ids=["qk_norm", "without"])


@both_norms
def test_the_induction_head_and_the_previous_token_head_are_found_where_they_are(
    data: EvaluationData, qk_norm: bool
) -> None:
    scores = head_scores(by_hand(qk_norm=qk_norm), data)
    assert induction_heads(scores, data) == [INDUCTION]
    assert scores[INDUCTION]["prefix_matching"] > 0.97
    assert scores[INDUCTION]["copying"] > 0.99
    assert scores[PREVIOUS]["previous_token"] > 0.97
    for head, score in scores.items():
        if head != PREVIOUS:
            assert score["previous_token"] < 0.4


@both_norms
def test_readings_name_the_best_heads(data: EvaluationData, qk_norm: bool) -> None:
    found = Heads().measure(by_hand(qk_norm=qk_norm), data)
    values = values_of(found)
    assert values["prefix_matching.max"] > 0.97
    assert values["copying.of_best_prefix_matcher"] > 0.99
    assert values["previous_token.max"] > 0.97
    assert values["induction_heads"] == 1
    assert [(head["layer"], head["head"]) for head in found.details["heads"]] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert all(reading.n == {"heads": 4, "sequences": 32} for reading in found.readings)


def look_back(model: Model, distance: int) -> Model:
    """The model with a head that looks back by so many places, whatever stands there, where the induction head was."""
    previous_token_head(model, *INDUCTION)
    with torch.no_grad():
        q = attention_of(model.blocks[1]).qkv.weight[:D]
        speeds = torch.tensor([BASE ** (-pair / D) for pair in range(0, D, 2)], dtype=torch.float64)
        turned = torch.complex(q[: D // 2, CONSTANT].double(), q[D // 2 :, CONSTANT].double())
        turned = turned * torch.polar(torch.ones_like(speeds), -speeds * (distance - 1))
        q[: D // 2, CONSTANT], q[D // 2 :, CONSTANT] = turned.real.float(), turned.imag.float()
    return model


@pytest.mark.parametrize("sequences", [2, 4, 16, 32])
@pytest.mark.parametrize("seed", [5, 6, 7])
def test_a_head_that_looks_back_by_a_fixed_number_of_places_is_no_induction_head_at_any_distance(
    data: EvaluationData, sequences: int, seed: int
) -> None:
    """It copies what was shown so long ago, whatever it is; on sequences that repeat at its distance it would seem one."""
    few = data.replace(sequences=sequences, seed=seed)
    made = repeats(few)
    model = by_hand()
    for distance in np.unique(made.distance_B - 1).tolist():
        scores = head_scores(look_back(model, distance), few)
        assert induction_heads(scores, few) == []
        assert scores[INDUCTION]["prefix_matching"] < 3 * even_attention(few)
    assert head_scores(by_hand(), few)[INDUCTION]["prefix_matching"] > 0.97


def test_prefix_matching_is_the_least_mean_without_one_distance() -> None:
    rng = np.random.default_rng(2)
    matched, distance = rng.random(9), rng.integers(3, 7, 9)
    slow = min(matched[distance != left].mean() for left in set(distance.tolist()))
    assert least_without_a_distance(matched, distance) == pytest.approx(slow)
    assert (
        least_without_a_distance(matched[:2], np.array([4, 4])) == 0.0
    )  # what one distance shows, a fixed look back shows too


def test_the_head_that_looks_at_the_token_before_has_an_onset_too(data: EvaluationData) -> None:
    found = readings_of(Heads().measure(by_hand(), data))
    known = {f"heads.{name}": reading for name, reading in found.items()}
    thresholds = {name: Heads().onset_threshold(reading, known) for name, reading in found.items()}
    assert {name for name, threshold in thresholds.items() if threshold is not None} == {
        "prefix_matching.max", "previous_token.max"
    }  # fmt: skip
    even = found["previous_token.even"].value
    assert even is not None
    assert thresholds["previous_token.max"] == pytest.approx(max(0.05, 3 * even))


def test_one_layer_has_no_induction_head_though_it_has_the_same_weights(data: EvaluationData) -> None:
    """Nothing has written the token before into the stream when the only layer looks."""
    model = by_hand(layers=1)
    assert induction_heads(head_scores(model, data), data) == []
    assert values_of(HeadAblation().measure(model, data.only(HeadAblation.reads))) == {"silenced": 0.0}
    assert HeadAblation().measure(model, data).answers == {}
    contrast = gain_of(FewShot().measure(model, data).answers[""])
    assert contrast == pytest.approx(0, abs=0.2)  # it knows the bag of values, not the map


@both_norms
def test_silencing_the_induction_head_destroys_copying_and_silencing_another_does_not(
    data: EvaluationData, qk_norm: bool
) -> None:
    model = by_hand(qk_norm=qk_norm)
    intact = values_of(RepeatedTokens().measure(model, data))
    assert intact["second"] < 1  # some of the ten random tokens are the same, which leaves two continuations
    assert intact["first_minus_second"] > 2
    found = HeadAblation().measure(model, data.only(HeadAblation.reads))
    assert found.details == {"top": [INDUCTION], "random": [(1, 1)]}
    costs = readings_of(found)
    assert set(costs) == {"silenced", *(f"repeated_tokens.first_minus_second.{done}" for done in ("top", "random"))}
    assert costs["silenced"].value == 1
    gain = intact["first_minus_second"]
    assert costs["repeated_tokens.first_minus_second.top"].value == pytest.approx(gain, abs=0.3)
    assert abs(costs["repeated_tokens.first_minus_second.random"].value or 0.0) < 0.1 * gain
    assert costs["repeated_tokens.first_minus_second.top"].of == "repeated_tokens.first_minus_second"


@both_norms
def test_without_the_induction_head_the_answers_to_a_task_lose_what_the_map_gave(
    data: EvaluationData, qk_norm: bool
) -> None:
    found = HeadAblation().measure(by_hand(qk_norm=qk_norm), data)
    assert (found.readings, found.details) == ((), {"top": [INDUCTION], "random": [(1, 1)]})
    gains = {done: gain_of(answers) for done, answers in found.answers.items()}
    assert set(gains) == {"intact", "top", "random"}
    assert gains["intact"] > 2
    assert abs(gains["top"]) < 0.3
    assert gains["random"] == pytest.approx(gains["intact"], rel=0.1)


def test_silencing_the_previous_token_head_breaks_the_circuit_too(data: EvaluationData) -> None:
    model = by_hand()
    with silenced(model, [PREVIOUS]):
        assert head_scores(model, data)[INDUCTION]["prefix_matching"] < 0.3
    assert head_scores(model, data)[INDUCTION]["prefix_matching"] > 0.97


def test_silenced_heads_write_nothing_and_come_back_to_the_bit_even_after_an_error() -> None:
    model = by_hand()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    with silenced(model, [(0, 0), (0, 1), (1, 1)]):
        first, second = (attention_of(block).out.weight for block in model.blocks)
        assert not first.any()
        assert second[:, :D].any()
        assert not second[:, D:].any()
    with pytest.raises(KeyError), silenced(model, [(0, 0)]):
        raise KeyError
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())


def test_the_control_heads_are_as_many_others_of_the_same_layer_first() -> None:
    model = Model(ModelSpec(vocab_size=VOCAB, layers=3, width=32, heads=4, context=CONTEXT), seed=1)
    top = [(1, 0), (2, 3)]
    chosen = others(model, top, 2, seed=4)
    assert len(set(chosen)) == 2
    assert not set(chosen) & set(top)
    assert {layer for layer, _ in chosen} <= {1, 2}
    crowded = [(1, 0), (1, 1), (1, 2), (1, 3)]
    assert all(layer != 1 for layer, _ in others(model, crowded, 2, seed=4))


def test_places_behind_copies_are_those_of_a_slow_search() -> None:
    tokens = np.random.default_rng(1).integers(0, 4, (5, 12))
    found = behind_copies(tokens)
    for row, t, s in np.ndindex(found.shape):
        slow = 1 <= s <= t and tokens[row, s - 1] == tokens[row, t]
        assert found[row, t, s] == slow


def test_even_attention_is_what_a_new_model_with_flat_queries_scores(data: EvaluationData) -> None:
    model = Model(ModelSpec(vocab_size=VOCAB, layers=1, width=32, heads=2, context=CONTEXT), seed=1)
    with torch.no_grad():
        attention_of(model.blocks[0]).qkv.weight[: 2 * 32] = 0.0
    made = repeats(data)
    seen = np.arange(1, CONTEXT + 1)
    shares = [behind_copies(row[None])[0].sum(1) / seen for row in made.tokens_BT]
    each = np.array([share[asked].mean() for share, asked in zip(shares, made.places(made.second_B), strict=True)])
    assert even_attention(data) == pytest.approx(each.mean())
    for score in head_scores(model, data).values():
        assert score["prefix_matching"] == pytest.approx(least_without_a_distance(each, made.distance_B), rel=1e-5)


def test_raised_above_is_a_share_of_the_others_with_equals_counting_half() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0], [1.0, 1.0, 1.0], [1.0, 1.0, 0.0]])
    assert raised_above(logits, torch.tensor([2, 2, 0, 0])).tolist() == [1.0, 0.0, 0.5, 0.75]


def test_of_a_model_without_attention_nothing_is_read(data: EvaluationData) -> None:
    model = Model(
        ModelSpec(vocab_size=VOCAB, layers=2, width=16, heads=2, context=CONTEXT, attention=False), seed=1
    ).eval()
    assert heads_of(model) == []
    (reading,) = Heads().measure(model, data).readings
    assert (reading.name, reading.value, reading.n) == ("heads.prefix_matching.max", None, {"heads": 0})
    assert Heads().onset_threshold(reading, {reading.name: reading}) is None
    assert values_of(HeadAblation().measure(model, data.only(HeadAblation.reads))) == {"silenced": 0.0}
    assert HeadAblation().measure(model, data).answers == {}
