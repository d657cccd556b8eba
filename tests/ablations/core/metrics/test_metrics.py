"""Contracts of every metric, and slow oracles of each."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from cells import BOS, VOCAB, write_cell, write_tokens
from numpy.typing import NDArray

from ablations.core.data.documents import Documents
from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.data.repeats import passage_length, repeats
from ablations.core.measuring import MetricRun, metric_runs
from ablations.core.metrics.base import Measured, Metric
from ablations.core.metrics.bits_per_byte import windows_in_turn
from ablations.core.metrics.late_minus_early import bands
from ablations.core.metrics.registry import METRICS
from ablations.core.model.model import Model
from ablations.core.results.answers import TaskAnswers
from ablations.core.results.readings import Reading
from ablations.core.spec.cell_spec import read_measuring
from ablations.core.spec.model_spec import ModelSpec, PositionsSpec
from ablations.core.training.members import read_whole
from ablations.readings.few_shot import AboutTask, few_shot_readings

CLASSES = METRICS.classes()
MEASURES = list(metric_runs([cls() for cls in CLASSES.values()], ["control_map"]))
every_metric = pytest.mark.parametrize("metric", [cls() for cls in CLASSES.values()], ids=CLASSES)
every_measure = pytest.mark.parametrize("wanted", MEASURES, ids=[wanted.label for wanted in MEASURES])


def measured(wanted: MetricRun, model: Model, data: EvaluationData) -> Measured:
    return wanted.metric.measure(model, data.only(wanted.metric.reads, wanted.task))


def of(metric: str, model: Model, data: EvaluationData) -> Measured:
    """The measure of a cell, or of its one task."""
    (wanted,) = metric_runs([CLASSES[metric]()], [task.task for task in data.tasks])
    return measured(wanted, model, data)


def values_of(found: Measured) -> dict[str, float]:
    """By what their names say behind the metric's."""
    return {r.name.partition(".")[2]: r.value for r in found.readings if r.value is not None}


def counts_of(found: Measured) -> dict[str, dict[str, int]]:
    return {r.name.partition(".")[2]: dict(r.n) for r in found.readings}


def logp_of(found: Measured) -> list[float]:
    """Of every choice that was asked."""
    every = (group for answers in found.answers.values() for group in answers.groups)
    return [logp for group in every for score in group.scores for logp in score.choices]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> EvaluationData:
    folder = tmp_path_factory.mktemp("cell")
    write_cell(folder, context=40)
    texts = [
        [BOS, *(1 + (i * j) % (VOCAB - 1) for j in range(length - 1))] for i, length in enumerate((7, 95, 41, 2, 40))
    ]
    write_tokens(folder, "tokens/ragged", texts, [5 * len(text) for text in texts])
    measuring = read_measuring(folder)
    assert measuring
    full = EvaluationData.of(folder, read_whole(folder).training, measuring)
    ragged = Documents.read(folder, "tokens/ragged", VOCAB, BOS)
    return full.replace(heldout={**full.heldout, "ragged": ragged})


@pytest.fixture(scope="module")
def model() -> Model:
    made = Model(ModelSpec(vocab_size=VOCAB, layers=2, width=16, heads=2, context=40, mlp_ratio=1), seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for weight in made.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.3)
    return made.eval()


def uniform() -> Model:
    """The head of a new model is zero: every piece has the chance 1 / V."""
    return Model(ModelSpec(vocab_size=VOCAB, layers=1, width=16, heads=2, context=40), seed=1).eval()


@every_metric
def test_a_metric_says_what_it_measures(metric: Metric) -> None:
    assert metric.unit
    assert metric.better in ("lower", "higher", None)
    assert isinstance(metric.in_curve, bool)
    assert type(metric).__doc__
    assert metric.version >= 1
    assert metric.scopes
    assert metric.reads <= {field.name for field in dataclasses.fields(EvaluationData)}


@every_measure
def test_readings_are_finite_counted_and_fit_for_json(wanted: MetricRun, model: Model, data: EvaluationData) -> None:
    found = measured(wanted, model, data)
    assert found.readings or found.answers or found.details
    assert len({reading.name for reading in found.readings}) == len(found.readings)
    for reading in found.readings:
        assert reading.name.startswith(f"{wanted.metric.kind}.")
        assert reading.unit
        assert reading.words
        assert reading.better in ("lower", "higher", None)
        assert reading.n
        assert all(isinstance(count, int) for count in reading.n.values())
        assert math.isfinite(reading.value) if reading.value is not None else not any(reading.n.values())
    known = {reading.name: reading for reading in found.readings}
    thresholds = [wanted.metric.onset_threshold(reading, known) for reading in found.readings]
    assert all(threshold is None or math.isfinite(threshold) for threshold in thresholds)


@every_measure
def test_what_is_measured_is_what_its_file_gives_back(wanted: MetricRun, model: Model, data: EvaluationData) -> None:
    found = measured(wanted, model, data)
    kept = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert [Reading.from_json(reading) for reading in kept["readings"]] == list(found.readings)
    assert {done: TaskAnswers.from_json(answers) for done, answers in kept["answers"].items()} == found.answers
    assert all(answers.task == wanted.task for answers in found.answers.values())


@every_measure
def test_a_metric_reads_nothing_else_than_it_says(wanted: MetricRun, model: Model, data: EvaluationData) -> None:
    """If this fails, a measure depends on what is no part of its identity, and an old one is taken for a new one."""
    everything = data.replace(tasks=[task for task in data.tasks if task.task == wanted.task])
    assert wanted.metric.measure(model, everything) == measured(wanted, model, data)


@every_measure
@pytest.mark.parametrize("batch", [1, 3, 64])
def test_a_reading_does_not_depend_on_the_batch(
    wanted: MetricRun, model: Model, data: EvaluationData, batch: int
) -> None:
    """If this fails, two machines with other memory measure different models."""
    alone, together = (measured(wanted, model, data.replace(batch=size)) for size in (batch, 16))
    assert values_of(alone) == pytest.approx(values_of(together), abs=1e-5)
    assert logp_of(alone) == pytest.approx(logp_of(together), abs=1e-5)


@every_measure
def test_measuring_twice_gives_the_same_and_changes_no_weight(
    wanted: MetricRun, model: Model, data: EvaluationData
) -> None:
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    assert measured(wanted, model, data) == measured(wanted, model, data)
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())


def test_bits_per_byte_of_a_uniform_model_is_known(data: EvaluationData) -> None:
    values = values_of(of("bits_per_byte", uniform(), data))
    tokens = 7 + 95 + 41 + 2 + 40 - 5
    assert values["ragged"] == pytest.approx(tokens * math.log2(VOCAB) / (5 * 185), rel=1e-6)


def test_bits_per_byte_predicts_each_token_once_after_bos(model: Model, data: EvaluationData) -> None:
    found = of("bits_per_byte", model, data)
    documents, nats = data.heldout["ragged"], 0.0
    for index in range(len(documents)):
        rest = documents.of(index)[1:].tolist()
        for start in range(0, len(rest), 40):
            nats += slow_losses(model, [BOS, *rest[start : start + 40]]).sum()
    assert values_of(found)["ragged"] == pytest.approx(nats / math.log(2) / documents.utf8_bytes.sum(), rel=1e-5)
    assert counts_of(found)["ragged"] == {"documents": 5, "windows": 7, "tokens": 180}


def test_fewer_windows_are_the_first_of_more_and_no_document_comes_twice_before_all_came_once(
    data: EvaluationData,
) -> None:
    """Else one long document would stand for a source."""
    documents = data.heldout["ragged"]
    few, more = (windows_in_turn(documents, data.replace(windows=n)).document_N.tolist() for n in (2, 7))
    assert few == more[:2]
    assert sorted(more[:5]) == [0, 1, 2, 3, 4]
    assert more[5] in (1, 2), "those of more than one window"
    starts = windows_in_turn(documents, data.replace(windows=99))
    assert sorted(zip(starts.document_N.tolist(), starts.start_N.tolist(), strict=True)) == [
        (0, 1), (1, 1), (1, 41), (1, 81), (2, 1), (3, 1), (4, 1)
    ]  # fmt: skip
    assert starts.bytes_N.sum() == pytest.approx(documents.utf8_bytes.sum())


@every_measure
def test_items_have_the_reading_as_their_mean_and_the_standard_error_as_their_spread(
    wanted: MetricRun, model: Model, data: EvaluationData
) -> None:
    """Else the documents of an interval are those of another number."""
    found = measured(wanted, model, data)
    known = {reading.name: reading for reading in found.readings}
    for name, items in found.items.items():
        assert len(items.ids) == len(items.values) == len(set(items.ids))
        value = known[name].value
        assert value is not None
        assert np.mean(items.values) == pytest.approx(value, rel=1e-5, abs=1e-6)
        error = known.get(f"{name}.standard_error")
        if error is not None and ".pooled" not in name and ".common" not in name:
            assert error.value == pytest.approx(np.std(items.values, ddof=1) / len(items.values) ** 0.5, rel=1e-4)


def test_late_tokens_with_cut_context_are_scored_behind_sixteen_tokens(model: Model, data: EvaluationData) -> None:
    documents, (_, late) = data.heldout["ragged"], bands(40)
    lost = []
    for index in (1, 2, 4):
        window = documents.of(index)[:40].tolist()
        full = slow_losses(model, window)[np.array(late) - 1].mean()
        seen = torch.zeros(40, 40).masked_fill(torch.ones(40, 40).triu(1).bool(), -torch.inf)
        seen[late.start - 16 :, 1 : late.start - 16] = -torch.inf  # what is near does not see what is far
        logits = model(torch.tensor([window]), seen[None])[0, : late.stop - 1].log_softmax(-1)
        cut = -float(logits[range(late.start - 1, late.stop - 1), window[late.start : late.stop]].detach().mean())
        lost.append(cut - full)
    values = values_of(of("late_minus_early", model, data))
    assert values["ragged.cut_minus_full"] == pytest.approx(np.mean(lost), abs=1e-5)


@pytest.mark.parametrize("positions", ["rope", "learned"])
def test_without_attention_cutting_the_context_costs_nothing_though_late_text_is_other_text(
    positions: str,
    data: EvaluationData,
) -> None:
    places = PositionsSpec(kind=positions)
    spec = ModelSpec(vocab_size=VOCAB, layers=2, width=16, heads=2, context=40, attention=False, positions=places)
    blind, generator = Model(spec, 1).eval(), torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in blind.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator))
    values = values_of(of("late_minus_early", blind, data))
    assert values["ragged.cut_minus_full"] == pytest.approx(0, abs=1e-6)
    assert abs(values["ragged"]) > 0.01


def test_late_minus_early_is_the_difference_of_mean_losses(model: Model, data: EvaluationData) -> None:
    found = of("late_minus_early", model, data)
    documents = data.heldout["ragged"]
    rows = np.stack([slow_losses(model, documents.of(i)[:40].tolist()) for i in (1, 2, 4)])
    early, late = (np.array(band) - 1 for band in bands(40))
    assert counts_of(found)["ragged"] == {"windows": 3}
    assert values_of(found)["ragged"] == pytest.approx((rows[:, late] - rows[:, early]).mean(), abs=1e-5)
    assert found.details["loss_by_token"]["ragged"] == pytest.approx(rows.mean(0), abs=1e-5)


def test_the_common_set_holds_as_many_windows_of_each_source_and_no_source_without_any(
    model: Model, data: EvaluationData
) -> None:
    """Else the arm of the largest source would be measured mostly on its own text."""
    long, short = data.heldout["glossary"], data.heldout["ragged"]
    only_short = Documents(short.tokens[:7], np.array([0, 7]), short.ids[:1], short.utf8_bytes[:1])
    mixed = data.replace(heldout={"glossary": long, "ragged": short, "none": only_short})
    found = of("late_minus_early", model, mixed)
    values, counts = values_of(found), counts_of(found)
    assert {name: counts[name]["windows"] for name in ("glossary", "ragged", "none", "pooled", "common")} == {
        "glossary": 8, "ragged": 3, "none": 0, "pooled": 11, "common": 6
    }  # fmt: skip
    first = values_of(of("late_minus_early", model, mixed.replace(windows=3)))
    assert values["common"] == pytest.approx((first["glossary"] + first["ragged"]) / 2)
    assert values["pooled"] == pytest.approx((8 * values["glossary"] + 3 * values["ragged"]) / 11)
    errors = [first[f"{source}.standard_error"] for source in ("glossary", "ragged")]
    assert values["common.standard_error"] == pytest.approx(math.hypot(*errors) / 2)
    assert "none" not in values
    assert "none" not in found.details["loss_by_token"]


@pytest.fixture(scope="module")
def long_data(data: EvaluationData) -> EvaluationData:
    """Documents of 520 to 700 tokens, some of them shorter than 600."""
    rng = np.random.default_rng(0)
    lengths = np.array([520, 600, 700, 511, 650, 530])
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    tokens = rng.integers(1, VOCAB, offsets[-1]).astype(np.uint16)
    tokens[offsets[:-1]] = BOS
    ids = rng.integers(0, 256, (6, 16)).astype(np.uint8)
    return data.replace(heldout={"long": Documents(tokens, offsets, ids, lengths)}, windows=5, tasks=[])


@pytest.mark.parametrize("context", [512, 600])
def test_the_icl_score_is_token_500_minus_token_50_of_the_first_512_of_a_document(
    long_data: EvaluationData, context: int
) -> None:
    made = Model(ModelSpec(vocab_size=VOCAB, layers=1, width=16, heads=2, context=context, mlp_ratio=1), seed=1).eval()
    with torch.no_grad():
        made.head.weight.normal_(generator=torch.Generator().manual_seed(3))
    found = of("late_minus_early", made, long_data.replace(context=context))
    values, counts = values_of(found), counts_of(found)
    documents = long_data.heldout["long"]
    rows = []
    for index in long_data.hashed_order(documents):
        window = torch.from_numpy(documents.of(index)[:512].astype(np.int64))
        if len(window) == 512:
            with torch.no_grad():
                rows.append(F.cross_entropy(made(window[None, :-1])[0], window[1:], reduction="none").numpy())
    differences = np.stack(rows)[:, 499] - np.stack(rows)[:, 49]
    assert len(rows) == 5
    for name in ("long", "pooled", "common"):
        assert counts[f"{name}.icl_score"] == {"windows": 5}
        assert values[f"{name}.icl_score"] == pytest.approx(differences.mean(), abs=1e-5)
        error = differences.std(ddof=1) / 5**0.5
        assert values[f"{name}.icl_score.standard_error"] == pytest.approx(error, rel=1e-4)
    assert counts["long"] == {"windows": 5 if context == 512 else 3}
    assert len(found.details["loss_by_token"]["long"]) == context - 1
    if context > 512:
        assert found.details["icl_loss_by_token"]["long"] == pytest.approx(np.stack(rows).mean(0), abs=1e-5)


def test_there_is_no_icl_score_in_a_short_context(model: Model, data: EvaluationData) -> None:
    values = values_of(of("late_minus_early", model, data))
    assert not [name for name in values if "icl_score" in name]


def test_fewer_items_are_the_first_of_more_alike_in_every_group_and_pairs_stay_together(data: EvaluationData) -> None:
    """If this fails, permuted and gold are compared on different questions."""
    chosen = [[item.id for item in data.replace(items=4).items_of(group)] for group in data.tasks[0].groups]
    assert all(ids == chosen[0] for ids in chosen)
    assert [ids[:2] for ids in chosen] == [
        [item.id for item in data.replace(items=2).items_of(group)] for group in data.tasks[0].groups
    ]
    assert chosen[0][0].split(".")[0] == chosen[0][1].split(".")[0]


@pytest.mark.parametrize("context", [8, 40, 128, 512, 2048])
def test_bands_are_even_apart_and_within_the_window(context: int) -> None:
    early, late = bands(context)
    assert len(early) == len(late) >= 2
    assert len(early) % 2 == 0
    assert early.start >= 1
    assert early.stop <= late.start
    assert late.stop <= context


def test_the_bands_of_512_hold_olssons_tokens() -> None:
    early, late = bands(512)
    assert 50 in early
    assert 500 in late


def test_no_long_document_means_no_reading_and_an_n_of_zero(data: EvaluationData, model: Model) -> None:
    short = data.replace(context=100, heldout={"ragged": data.heldout["ragged"]})
    found = of("late_minus_early", model, short)
    assert values_of(found) == {}
    assert {k: n for k, n in counts_of(found).items() if "." not in k} == {
        name: {"windows": 0} for name in ("ragged", "pooled", "common")
    }


def test_a_passage_is_shown_twice_at_a_distance_of_its_own_without_specials_and_sequences_nest(
    data: EvaluationData,
) -> None:
    """At one distance, looking back by a fixed number of places would do as well as induction."""
    few, more = (repeats(data.replace(sequences=n, specials=(0, 1, 2))) for n in (3, 200))
    assert (few.tokens_BT == more.tokens_BT[:3]).all()
    assert more.tokens_BT.shape == (200, data.context)
    assert more.length == passage_length(data.context) == 9
    assert (more.tokens_BT[:, 0] == BOS).all()
    assert more.tokens_BT[:, 1:].min() > 2
    for row, first, second in zip(more.tokens_BT, more.first_B, more.second_B, strict=True):
        assert first >= 1
        assert first + 9 <= second <= data.context - 9
        assert (row[first : first + 9] == row[second : second + 9]).all()
    distances = (more.second_B - more.first_B).tolist()
    assert set(distances) == set(range(9, 31)), "every distance that has room"


def test_repeated_tokens_gain_nothing_from_a_uniform_model(data: EvaluationData) -> None:
    values = values_of(of("repeated_tokens", uniform(), data))
    assert values["first_minus_second"] == pytest.approx(0, abs=1e-6)
    assert values["first"] == pytest.approx(math.log(VOCAB), rel=1e-6)


def test_few_shot_loss_is_over_the_whole_vocabulary(model: Model, data: EvaluationData) -> None:
    found = of("few_shot", model, data).answers[""].groups
    for group, answers in zip(data.tasks[0].groups, found, strict=True):
        assert (answers.k, answers.condition, answers.draw) == (group.k, group.condition, group.draw)
        item, score = data.items_of(group)[0], answers.scores[0]
        assert (score.id, score.gold, score.tokens) == (item.id, item.gold, (1,) * 8)
        for choice, logp in zip(item.choices, score.choices, strict=True):
            whole = [*group.prefix, *item.prompt, *choice]
            assert -logp == pytest.approx(slow_losses(model, whole)[-1], abs=1e-5)


def test_a_model_that_sees_no_difference_is_not_counted_as_right(data: EvaluationData) -> None:
    answers = of("few_shot", uniform(), data).answers[""]
    values = {reading.name: reading.value for reading in few_shot_readings(answers, AboutTask(labels=False))}
    assert values["few_shot.control_map.k8.gold.accuracy"] == 0
    assert values["few_shot.control_map.k8.gold.nll"] == pytest.approx(math.log(VOCAB), rel=1e-6)
    assert values["few_shot.control_map.k8.permuted_minus_gold"] == 0


def slow_losses(model: Model, tokens: Sequence[int]) -> NDArray[np.float64]:
    """One sequence, one position at a time."""
    losses = []
    with torch.no_grad():
        for place in range(1, len(tokens)):
            logits_V = model(torch.tensor([tokens[:place]]))[0, -1]
            losses.append(F.cross_entropy(logits_V[None], torch.tensor([tokens[place]])).item())
    return np.array(losses)
