"""The model sees only the past, starts from its seed alone, and keeps logits within bounds."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from ablations.core.model.activations.registry import ACTIVATIONS
from ablations.core.model.attention import Attention
from ablations.core.model.model import Model
from ablations.core.model.norms.registry import NORMS
from ablations.core.model.positions.registry import POSITIONS
from ablations.core.spec.model_spec import ActivationSpec, ModelSpec, NormSpec, PositionsSpec

SHAPES: dict[str, dict[str, Any]] = {
    "two layers": {},
    "one layer": {"layers": 1},
    "no mlp": {"mlp_ratio": 0},
    "no attention": {"attention": False},
    "tied": {"tied": True},
    **{kind: {"positions": PositionsSpec(kind=kind)} for kind in POSITIONS.catalogue()},
    **{kind: {"norm": NormSpec(kind=kind)} for kind in NORMS.catalogue()},
    "post": {"norm": NormSpec(settings={"place": "post"})},
    **{kind: {"activation": ActivationSpec(kind=kind)} for kind in ACTIVATIONS.catalogue()},
    "sharpness learned": {"learned_sharpness": True},
}
every_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def made(shape: dict[str, Any] | None = None, seed: int = 1) -> Model:
    spec = ModelSpec(**{"vocab_size": 50, "layers": 2, "width": 16, "heads": 2, "context": 24, **(shape or {})})
    model = Model(spec, seed)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():  # a new model's output matrices are zero
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * 0.2)
    return model


def attention_of(model: Model) -> Attention:
    found = model.blocks[0].attention
    assert isinstance(found, Attention)
    return found


def tokens(rows: int = 3, length: int = 24) -> Tensor:
    return torch.randint(50, (rows, length), generator=torch.Generator().manual_seed(7))


@every_shape
def test_no_logit_depends_on_a_later_token(shape: dict[str, Any]) -> None:
    model, first = made(shape), tokens()
    second = first.clone()
    second[:, 10:] = (second[:, 10:] + 1) % 50
    torch.testing.assert_close(model(first)[:, :10], model(second)[:, :10], rtol=0, atol=0)


def test_without_attention_only_the_present_token_counts() -> None:
    """It is the control for everything that context does."""
    model, first = made({"attention": False}), tokens()
    second = first.clone()
    second[:, :10] = (second[:, :10] + 1) % 50
    torch.testing.assert_close(model(first)[:, 10:], model(second)[:, 10:])


def test_one_layer_cannot_hand_on_the_previous_token_of_a_place() -> None:
    """No token shift: with one layer, what stands before an attended token reaches nothing that the token says.

    So with position taken out of play (a single earlier token), swapping what came two before changes the logits only
    as any other earlier token does: exchanging two earlier tokens' order matters only through rotary positions.
    """
    spec = ModelSpec(vocab_size=50, layers=1, width=16, heads=2, context=24, positions=PositionsSpec(kind="nope"))
    model = Model(spec, 1)
    with torch.no_grad():
        model.head.weight.normal_(generator=torch.Generator().manual_seed(1))
        attention_of(model).out.weight.normal_(generator=torch.Generator().manual_seed(2))
    swapped = [0, 9, 3, 5, 7], [0, 5, 7, 9, 3]
    a, b = (model(torch.tensor([row]))[0, -1] for row in ((*swapped[0], 2), (*swapped[1], 2)))
    torch.testing.assert_close(a, b, rtol=0, atol=1e-5)


@every_shape
def test_initial_weights_follow_from_the_seed_alone(shape: dict[str, Any]) -> None:
    spec = ModelSpec(**{"vocab_size": 50, "layers": 2, "width": 16, "heads": 2, "context": 24, **shape})
    first = Model(spec, 1).state_dict()
    torch.manual_seed(99)
    again, other = Model(spec, 1).state_dict(), Model(spec, 2).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["embedding.weight"], other["embedding.weight"])


def test_a_new_model_gives_every_piece_the_same_chance() -> None:
    assert Model(ModelSpec(2, 16, 2, 24, vocab_size=50), 1)(tokens()).abs().max() == 0


def test_attention_logits_stay_within_their_sharpness() -> None:
    model = made({"sharpness": 5.0})
    attention = attention_of(model)
    longest = (16 / 2) ** 0.5  # of a normalised query or key of 8 dimensions
    assert attention.scale * longest**2 == pytest.approx(5.0)
