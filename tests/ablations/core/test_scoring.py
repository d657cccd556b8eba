"""Answers behind a shared prefix score as they do in full sequences, one at a time."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ablations.core.items import Group, Item
from ablations.core.model import Model
from ablations.core.model_spec import ModelSpec
from ablations.core.scoring import score_group

VOCAB = 11
TOKENS = st.lists(st.integers(1, VOCAB - 1), max_size=5).map(tuple)
CHOICE = st.lists(st.integers(1, VOCAB - 1), min_size=1, max_size=3).map(tuple)
ITEM = st.tuples(TOKENS, st.lists(CHOICE, min_size=2, max_size=3))


@pytest.fixture(scope="module", params=[(2, 1.0, True), (1, 0.0, True), (1, 1.0, False)])
def model(request) -> Model:
    """With and without MLP and attention; no matrix is zero, as they are before training."""
    layers, mlp_ratio, attention = request.param
    shape = {"vocab_size": VOCAB, "width": 8, "heads": 2, "context": 24}
    made = Model(ModelSpec(layers=layers, mlp_ratio=mlp_ratio, attention=attention, **shape), seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * 0.3)
    return made


def oracle(model: Model, prefix: tuple[int, ...], prompt: tuple[int, ...], choice: tuple[int, ...]) -> float:
    """Log-probability of the choice, from one full sequence."""
    whole = torch.tensor([[*prefix, *prompt, *choice]])
    with torch.no_grad():
        logp = model(whole[:, :-1]).log_softmax(-1)[0]
    start = len(prefix) + len(prompt) - 1
    return sum(float(logp[start + i, token]) for i, token in enumerate(choice))


@given(
    rest=TOKENS, asked=st.lists(ITEM, min_size=1, max_size=4), single=st.booleans(), batch=st.sampled_from([1, 3, 64])
)
def test_answers_behind_a_shared_prefix_score_as_in_full_sequences(model, rest, asked, single, batch) -> None:
    prefix = (0, *rest)
    choices = [[choice[:1] for choice in each] if single else each for _, each in asked]
    pairs = zip(asked, choices, strict=True)
    items = [Item(str(i), prompt, tuple(each), 0) for i, ((prompt, _), each) in enumerate(pairs)]
    items.append(Item("long", (1,) * 99, ((1,), (2,)), 0, fits=False))
    scores = score_group(model, Group(1, "gold", 0, prefix, tuple(items)), items, batch)
    assert [score.id for score in scores] == [item.id for item in items[:-1]]
    for score, item in zip(scores, items, strict=False):
        wanted = [oracle(model, prefix, item.prompt, choice) for choice in item.choices]
        assert list(score.choices) == pytest.approx(wanted, abs=1e-5)
