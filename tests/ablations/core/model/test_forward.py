"""One way through the model: plain, behind a cache, for some places only and with a tap on attention, it is the same model."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from ablations.core.model.activations.registry import ACTIVATIONS
from ablations.core.model.attention import Attention
from ablations.core.model.cache import Cache
from ablations.core.model.model import Model, loss_of
from ablations.core.model.norms.registry import NORMS
from ablations.core.model.positions.registry import POSITIONS
from ablations.core.spec.model_spec import ActivationSpec, ModelSpec, NormSpec, PositionsSpec

SHAPES: dict[str, dict[str, Any]] = {
    "two layers": {},
    "one layer": {"layers": 1},
    "three layers": {"layers": 3, "heads": 4},
    "without qk_norm": {"qk_norm": False},
    "tied": {"tied": True},
    "no mlp": {"mlp_ratio": 0},
    "no attention": {"attention": False},
    **{kind: {"positions": PositionsSpec(kind=kind)} for kind in POSITIONS.catalogue()},
    "alibi, three heads": {"positions": PositionsSpec(kind="alibi"), "width": 18, "heads": 3},
    **{kind: {"norm": NormSpec(kind=kind)} for kind in NORMS.catalogue()},
    "post": {"norm": NormSpec(settings={"place": "post"})},
    **{kind: {"activation": ActivationSpec(kind=kind)} for kind in ACTIVATIONS.catalogue()},
    "sharpness learned": {"learned_sharpness": True},
}
T, CUT, PIECES = 24, 9, 50
Seen = dict[int, tuple[Tensor, Tensor]]


@pytest.fixture(params=list(SHAPES.values()), ids=list(SHAPES))
def model(request: pytest.FixtureRequest) -> Model:
    """No matrix is zero, as they are before training."""
    spec = {"vocab_size": PIECES, "layers": 2, "width": 16, "heads": 2, "context": T, **request.param}
    model, generator = Model(ModelSpec(**spec), seed=1).eval(), torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * 0.2)
    return model.requires_grad_(False)


def tokens(rows: int = 3) -> Tensor:
    return torch.randint(PIECES, (rows, T), generator=torch.Generator().manual_seed(7))


def close(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


def test_with_a_tap_the_numbers_are_the_same_to_the_bit(model: Model) -> None:
    assert torch.equal(model.hidden(tokens(), tap=lambda *_: None), model.hidden(tokens()))


def test_with_a_cache_that_is_empty_the_numbers_are_the_same_to_the_bit(model: Model) -> None:
    assert torch.equal(model.hidden(tokens(), Cache()), model.hidden(tokens()))


def test_token_by_token_it_is_the_same_model(model: Model) -> None:
    """As answers are written; the places and what is seen count on from the cache."""
    cache, plain = Cache(), model.hidden(tokens())
    close(torch.cat([model.hidden(tokens()[:, place : place + 1], cache) for place in range(T)], 1), plain)
    assert cache.length == T


def test_in_pieces_of_several_tokens_it_is_the_same_model(model: Model) -> None:
    cache, plain = Cache(), model.hidden(tokens())
    pieces = [model.hidden(part, cache) for part in tokens().split([CUT, 5, T - CUT - 5], dim=1)]
    close(torch.cat(pieces, 1), plain)


def test_behind_a_shared_prefix_it_is_the_same_model(model: Model) -> None:
    whole = torch.cat((tokens(1)[:, :CUT].expand(3, -1), tokens()[:, CUT:]), 1)
    cache = Cache(model.keys_values(whole[0, :CUT]))
    parts = [model.hidden(part, cache) for part in whole[:, CUT:].split([4, T - CUT - 4], dim=1)]
    close(torch.cat(parts, 1), model.hidden(whole)[:, CUT:])


@pytest.mark.parametrize("cached", [False, True], ids=["alone", "behind a cache"])
def test_places_that_are_asked_for_are_those_of_the_whole(model: Model, cached: bool) -> None:
    asked, cache = torch.tensor([[0, 7], [3, 3], [14, 1]]), Cache()
    start = CUT if cached else 0
    if cached:
        model.hidden(tokens()[:, :CUT], cache)
    some = model.hidden(tokens()[:, start:], cache if cached else None, asked_BM=asked)
    rows = (asked + start)[..., None].expand(-1, -1, model.spec.width)
    close(some, model.hidden(tokens()).gather(1, rows))


def test_what_the_tap_saw_gives_what_attention_wrote(model: Model) -> None:
    """If this fails, heads are called induction heads for what they do not look at."""
    seen: Seen = {}
    written: dict[int, Tensor] = {}
    layers = dict(enumerate(_attentions(model)))
    for number, attention in layers.items():
        attention.register_forward_hook(lambda _, __, found, number=number: written.update({number: found[0]}))
    model.hidden(tokens(), tap=lambda layer, weights, values: seen.update({layer: (weights, values)}))
    assert sorted(seen) == sorted(layers) == (list(range(model.spec.layers)) if model.spec.attention else [])
    for number, (weights_BHTS, values_BHSD) in seen.items():
        close(layers[number].out((weights_BHTS @ values_BHSD).transpose(1, 2).flatten(2)), written[number])
        close(weights_BHTS.sum(-1), torch.ones(weights_BHTS.shape[:3]))
        assert not weights_BHTS.triu(1).any()


def test_behind_a_cache_the_tap_sees_what_it_sees_in_the_whole(model: Model) -> None:
    whole = torch.cat((tokens(1)[:, :CUT].expand(3, -1), tokens()[:, CUT:]), 1)
    plain, cache = tapped(model, whole), Cache(model.keys_values(whole[0, :CUT]))
    pieces = [tapped(model, part, cache) for part in whole[:, CUT:].split([4, T - CUT - 4], dim=1)]
    for layer, (weights_BHTS, values_BHSD) in plain.items():
        close(pieces[0][layer][0], weights_BHTS[:, :, CUT : CUT + 4, : CUT + 4])
        close(pieces[1][layer][0], weights_BHTS[:, :, CUT + 4 :])
        close(pieces[1][layer][1], values_BHSD)


def tapped(model: Model, tokens_BT: Tensor, cache: Cache | None = None) -> Seen:
    seen: Seen = {}
    model.hidden(tokens_BT, cache, tap=lambda layer, weights, values: seen.update({layer: (weights, values)}))
    return seen


def _attentions(model: Model) -> list[Attention]:
    return [part for part in model.modules() if isinstance(part, Attention)]


@pytest.mark.filterwarnings("ignore:.*script_method.*:DeprecationWarning")  # of torch, when it compiles
def test_training_compiles_in_one_piece(model: Model) -> None:
    """A break in the graph costs most of what `compute.compile` gains."""
    torch.compiler.reset()
    model.requires_grad_(True)
    compiled = torch.compile(loss_of, backend="eager", fullgraph=True, dynamic=False)
    assert torch.equal(
        compiled(model, tokens()[:, :-1], tokens()[:, 1:]), loss_of(model, tokens()[:, :-1], tokens()[:, 1:])
    )
