"""The attention heads of a model: what one writes, and the model without some of them. `Model.hidden` returns what they attend to.

Shapes: N values, W width, H heads, D = W / H, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from ablations.core.model.attention import Attention
from ablations.core.model.model import Block, Model

Head = tuple[int, int]  # layer and head, both from 0


def layers_with_attention(model: Model) -> dict[int, Attention]:
    """Layer -> its attention, for those that have any."""
    found = {}
    for layer, block in enumerate(model.blocks):
        assert isinstance(block, Block)
        if block.attention is not None:
            found[layer] = block.attention
    return found


def heads_of(model: Model) -> list[Head]:
    """Every head of a model."""
    return [
        (layer, head) for layer, attention in layers_with_attention(model).items() for head in range(attention.heads)
    ]


@torch.no_grad()
def written_logits(model: Model, layer: int, head: int, values_ND: Tensor) -> Tensor:
    """What a head adds to the logits when it attends to one place alone, straight through the output matrix, shape (N, V).

    Up to the positive factor of the last normalisation, which changes no order.
    """
    attention = layers_with_attention(model)[layer]
    out_WD = attention.out.weight[:, _columns(attention, head)]
    return (values_ND @ (model.head.weight @ out_WD).T).float()


@contextmanager
def silenced(model: Model, heads: Sequence[Head]) -> Iterator[None]:
    """The model with zeros for what these heads write. On leaving, the weights are what they were, to the bit."""
    attention = layers_with_attention(model)
    before = {layer: attention[layer].out.weight.detach().clone() for layer, _ in heads}
    try:
        with torch.no_grad():
            for layer, head in heads:
                attention[layer].out.weight[:, _columns(attention[layer], head)] = 0.0
        yield
    finally:
        with torch.no_grad():
            for layer, weight in before.items():
                attention[layer].out.weight.copy_(weight)


def _columns(attention: Attention, head: int) -> slice:
    width = attention.out.weight.shape[1] // attention.heads
    return slice(head * width, (head + 1) * width)
