"""Context gain: which repeats it finds, how windows are changed, and what known models gain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from cells import BOS, VOCAB, write_cell, write_tokens
from hand_made import CONTEXT, INDUCTION, by_hand
from hand_made import VOCAB as HAND_VOCAB
from hypothesis import given
from hypothesis import strategies as st

from ablations.core.cell import train_cell
from ablations.core.data.documents import Documents
from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.data.text_repeats import LEAST_DISTANCE, FrequencyClasses, repeated_places, repeats_of
from ablations.core.metrics.context_gain import ContextGain
from ablations.core.metrics.ratio import mean_by_document
from ablations.core.model.heads import silenced
from ablations.core.model.model import Model
from ablations.core.spec.cell_spec import read_measuring
from ablations.core.spec.model_spec import ModelSpec
from ablations.core.training.members import read_whole

EQUAL = FrequencyClasses(np.full(12, 5), [BOS])
WINDOWS = st.lists(st.integers(1, 11), min_size=10, max_size=40).map(lambda rest: np.array([BOS, *rest], np.int64))


def values_of(model: Model, data: EvaluationData) -> dict[str, float]:
    found = ContextGain().measure(model, data.only(ContextGain.reads))
    return {r.name.partition(".")[2]: r.value for r in found.readings if r.value is not None}


@given(WINDOWS, st.integers(0, 99))
def test_repeats_are_those_of_a_slow_search_and_each_change_is_what_it_says(window: np.ndarray, key: int) -> None:
    found = {repeat.place: repeat for repeat in repeats_of(window, 0, repeated_places(window), key, EQUAL)}
    slow = set()
    for place in range(len(window)):
        earlier = [s for s in range(place) if window[s] == window[place]]
        once = len(earlier) == 1 and place - earlier[0] >= LEAST_DISTANCE and earlier[0] >= 2
        if once and window[earlier[0] - 1] == window[place - 1]:
            slow.add(place)
    assert set(found) <= slow
    for place in slow - set(found):
        assert len(set(window.tolist())) > 8 or place < 14, "only where nothing else can stand there, or change places"
    for place, repeat in found.items():
        plain = window[: place + 1]
        content, order = repeat.changed(window)
        assert np.flatnonzero(content != plain).tolist() == [repeat.earlier]
        assert content[repeat.earlier] not in window
        assert sorted(order) == sorted(plain), "the bag of tokens stays"
        changed = np.flatnonzero(order != plain)
        assert set(changed) == {repeat.earlier - 1, repeat.exchanged}
        assert order[-1] == plain[-1]
        assert order[-2] == plain[-2]
        assert order[repeat.earlier] == plain[repeat.earlier]


def test_another_token_is_of_the_same_frequency_class_as_long_as_there_is_one() -> None:
    classes = FrequencyClasses(np.array([99, 8, 9, 15, 100, 120, 1, 0]), [0])
    assert {classes.other(1, np.array([1]), draw) for draw in range(9)} == {2, 3}
    assert {classes.other(1, np.array([1, 2, 3]), draw) for draw in range(9)} == {6}, "the nearest class"
    assert classes.other(1, np.arange(7), 0) is None


def hand_text(folder: Path) -> EvaluationData:
    """Documents of random tokens in which one pair of tokens comes twice."""
    rng = np.random.default_rng(0)
    texts = []
    for _ in range(300):
        rest = rng.permutation(np.arange(1, HAND_VOCAB))[: CONTEXT - 1]
        rest[15:17] = rest[3:5]
        texts.append([BOS, *rest.tolist()])
    write_tokens(folder, "text", texts, [100] * len(texts))
    heldout = {"text": Documents.read(folder, "text", HAND_VOCAB, BOS)}
    return EvaluationData(
        context=CONTEXT, vocab_size=HAND_VOCAB, bos=BOS, specials=(BOS,), heldout=heldout, tasks=[], seed=5,
        windows=300, items=0, sequences=8, batch=64, repeats=2000,
    )  # fmt: skip


def test_of_a_hand_made_induction_head_the_order_is_worth_what_it_writes(tmp_path: Path) -> None:
    """It reads the earlier token, and with another order what follows the exchanged one; the loss differs by its logit."""
    data = hand_text(tmp_path)
    model = by_hand()
    values = values_of(model, data)
    losses = []
    documents = data.heldout["text"]
    for index in range(60):
        window = torch.from_numpy(documents.of(index)[:18].astype(np.int64))
        with torch.no_grad():
            logits = model(window[None, :-1])[0, -1]
        losses.append(float(logits[window[-1]] - logits.median()))
    written = float(np.mean(losses))
    assert written > 2
    assert values["text.order"] == pytest.approx(written, rel=0.1)
    assert values["text.content"] == pytest.approx(written, rel=0.1)
    with silenced(model, [INDUCTION]):
        without = values_of(model, data)
    assert without["text.order"] == pytest.approx(0, abs=0.02)
    assert values["text.order_per_byte"] == pytest.approx(values["text.order"] / 100, rel=1e-3)


def test_one_layer_of_the_same_heads_gains_from_content_at_most(tmp_path: Path) -> None:
    values = values_of(by_hand(layers=1), hand_text(tmp_path))
    assert values["text.order"] == pytest.approx(0, abs=0.02)


@pytest.fixture(scope="module")
def glossary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("glossary")
    write_cell(folder, context=128, heldout=200)
    return folder


def data_of(folder: Path) -> EvaluationData:
    measuring = read_measuring(folder)
    assert measuring
    return EvaluationData.of(folder, read_whole(folder).training, measuring).replace(tasks=[])


def test_without_attention_nothing_is_gained(glossary: Path) -> None:
    spec = ModelSpec(vocab_size=VOCAB, layers=2, width=16, heads=2, context=128, attention=False)
    model, generator = Model(spec, 1).eval(), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator))
    values = values_of(model, data_of(glossary))
    for name, value in values.items():
        assert value == pytest.approx(0, abs=1e-6), name


@pytest.mark.simulation
def test_a_trained_layer_gains_from_the_bag_of_a_glossary_and_not_from_its_order(tmp_path: Path) -> None:
    """One layer knows which values the document uses; two know which key they belong to."""
    found = {}
    for layers in (1, 2):
        folder = tmp_path / str(layers)
        write_cell(
            folder, context=128, documents=4000, heldout=400, metrics=[], tasks=[], evaluations=0,
            model={"layers": layers, "width": 64, "heads": 4}, schedule={"tokens": 1_000_000, "batch": 16, "warmup_steps": 20},
            optimizer={"kind": "muon_float32", "learning_rate": 0.01, "adam_learning_rate": 0.01},
        )  # fmt: skip
        trained = train_cell(folder)
        found[layers] = values_of(trained.model_at(trained.final), data_of(folder))
    assert abs(found[1]["glossary.order"]) < 0.01
    assert found[2]["glossary.order"] > 0.5


def test_the_mean_by_document_is_the_mean_of_all_values(tmp_path: Path) -> None:
    documents, values = np.array([4, 1, 4, 4, 9]), np.array([1.0, 2.0, 3.0, 5.0, 7.0])
    ratio = mean_by_document(documents, values)
    assert ratio.value == pytest.approx(values.mean())
    assert ratio.documents.tolist() == [1, 4, 9]
    assert ratio.values.mean() == pytest.approx(values.mean())
    assert ratio.error == pytest.approx(ratio.values.std(ddof=1) / 3**0.5)
    assert mean_by_document(documents[:0], values[:0]).value is None
