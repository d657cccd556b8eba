"""How much attention position alone can give to the token before, held against a slow search and against the model itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from ablations.core.model.attention import Attention
from ablations.core.model.model import Model
from ablations.core.model.parts import previous_token
from ablations.core.model.positions.rope import Rope
from ablations.core.model.sharpest import sharpest_rotary
from ablations.core.spec.model_spec import ModelSpec, PositionsSpec, head_width


def speeds_of(head_width: int, base: float = 10000.0) -> tuple[float, ...]:
    return tuple(base ** (-pair / head_width) for pair in range(0, head_width, 2))


def attention_of(products: np.ndarray, speeds: tuple[float, ...], context: int, sharpness: float) -> float:
    """Of the definition: the softmax of the logits at distance 1."""
    logits = sharpness * np.real(np.exp(1j * np.outer(np.arange(context), speeds)) @ products)
    weights = np.exp(logits - logits.max())
    return float(weights[1] / weights.sum())


@pytest.mark.parametrize(
    ("head_width", "context", "sharpness", "low", "high"),
    [  # the published search of directions at random starts found 0.33, 0.16, 0.25, 0.78 and 0.63; a little less than there is
        (16, 128, 6, 0.33, 0.37),
        (16, 512, 6, 0.16, 0.18),
        (64, 512, 6, 0.25, 0.27),
        (16, 128, 12, 0.78, 0.82),
        (16, 512, 12, 0.63, 0.67),
        (16, 512, 24, 0.97, 0.99),
        (64, 256, 24, 0.99, 1.0),
    ],
)
def test_the_largest_attention_of_known_shapes(
    head_width: int, context: int, sharpness: float, low: float, high: float
) -> None:
    assert low <= sharpest_rotary(speeds_of(head_width), context, sharpness).attention <= high


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([4, 8, 16]), st.integers(8, 48), st.floats(1, 20), st.sampled_from([100.0, 10000.0]))
def test_no_other_search_finds_more_than_a_hundredth_more(
    head_width: int, context: int, sharpness: float, base: float
) -> None:
    speeds = speeds_of(head_width, base)
    found = sharpest_rotary(speeds, context, sharpness)
    assert np.abs(found.products).sum() <= 1 + 1e-9
    assert attention_of(found.products, speeds, context, sharpness) == pytest.approx(found.attention)

    def lost(parts: np.ndarray) -> float:
        real, imaginary = parts.reshape(2, -1)
        products = real + 1j * imaginary
        return -attention_of(products / max(1.0, np.abs(products).sum()), speeds, context, sharpness)

    rng = np.random.default_rng(0)
    other = max(-minimize(lost, rng.normal(size=head_width), method="Powell").fun for _ in range(2))
    assert other <= found.attention * 1.011 + 1e-9


@pytest.mark.parametrize("kind", ["rope", "nope", "alibi"])
def test_a_layer_whose_queries_and_keys_are_the_same_for_all_tokens_gives_no_more(kind: str) -> None:
    """For random directions, and for the best one under rotary positions, which reaches it."""
    spec = ModelSpec(1, 32, 2, 24, vocab_size=10, positions=PositionsSpec(kind=kind), sharpness=10.0)
    largest = previous_token(spec)
    assert largest is not None
    generator = torch.Generator().manual_seed(1)
    found = []
    for attempt in range(50):
        model = Model(spec, 1).eval()
        layer = model.blocks[0].attention
        assert isinstance(layer, Attention)
        with torch.no_grad():
            model.embedding.weight.fill_(1.0)  # every token is alike
            layer.qkv.weight.copy_(torch.randn(layer.qkv.weight.shape, generator=generator))
            if kind == "rope" and attempt == 0:
                set_best(layer, spec)
        model.hidden(
            torch.zeros(1, spec.context, dtype=torch.int64),
            tap=lambda _, weights, __: found.append(weights[0, :, -1, -2]),
        )
    best = float(torch.stack(found).detach().max())
    assert best <= largest * 1.011
    if kind != "nope":
        assert best == pytest.approx(largest, rel=0.01)


def test_learned_places_that_are_a_simplex_reach_their_largest_attention_and_random_ones_do_not() -> None:
    spec = ModelSpec(1, 32, 1, 24, vocab_size=10, positions=PositionsSpec(kind="learned"), sharpness=6.0)
    largest = previous_token(spec)
    generator = torch.Generator().manual_seed(1)
    apart = torch.eye(24, 32) - torch.cat([torch.full((24, 24), 1 / 24), torch.zeros(24, 8)], 1)
    found = []
    for places in (apart, *(torch.randn(24, 32, generator=generator) for _ in range(20))):
        model = Model(spec, 1).eval()
        layer = model.blocks[0].attention
        assert isinstance(layer, Attention)
        with torch.no_grad():
            model.embedding.weight.zero_()
            model.places.own()["table_TW"].copy_(places)
            q, k, _ = layer.qkv.weight.view(3, 32, 32)
            k.copy_(torch.eye(32))
            asks = (
                torch.linalg.pinv(places.double(), rtol=1e-6) @ places.roll(1, 0).double()
            )  # a place, for the one before
            q.copy_(asks.T)
        tokens = torch.zeros(1, spec.context, dtype=torch.int64)
        model.hidden(tokens, tap=lambda _, weights, __: found.append(float(weights[0, 0, -1, -2].detach())))
    assert found[0] == pytest.approx(largest, rel=1e-4)
    assert max(found[1:]) < (largest or 0.0)


def set_best(layer: Attention, spec: ModelSpec) -> None:
    """Queries and keys of the first head that give the largest attention to the token before."""
    width = head_width(spec)
    speeds = speeds_of(width, Rope().base)
    products = torch.from_numpy(sharpest_rotary(speeds, spec.context, spec.sharpness).products)
    length, angle = products.abs().sqrt(), products.angle()
    q, k, _ = layer.qkv.weight.view(3, spec.heads, width, spec.width)
    q[0].zero_(), k[0].zero_()
    q[0, : width // 2, 0], q[0, width // 2 :, 0] = (length * angle.cos()).float(), (length * angle.sin()).float()
    k[0, : width // 2, 0] = length.float()


def test_without_qk_norm_there_is_no_bound_and_without_attention_nothing_to_say() -> None:
    assert previous_token(ModelSpec(1, 32, 2, 24, vocab_size=10, qk_norm=False)) == 1.0
    assert previous_token(ModelSpec(1, 32, 2, 24, vocab_size=10, attention=False)) is None


def test_the_shipped_default_can_look_at_the_token_before() -> None:
    for width, heads, context in ((128, 2, 256), (128, 2, 1024), (64, 4, 128), (512, 8, 512)):
        assert (previous_token(ModelSpec(2, width, heads, context, vocab_size=10)) or 0.0) > 0.97
