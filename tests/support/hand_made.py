"""A model with two heads set by hand, so that it is known what it does.

How the hand-set model works. Its residual stream has four parts: which token this is (one of V), a constant, which token was
before (V), and which token is predicted (V). RoPE turns queries and keys by their position, in pairs of dimensions (i, i + D/2)
with frequencies from fast to slow.
- The previous-token head asks with the constant, in the pairs and with the angles that give the largest attention to the token
  before that position alone can give. Its values carry the token, written into the part for the token before.
- The induction head asks with the token and is answered by the token before, in the slow pairs, which hardly turn within a context.
  Its values carry the token, written into the part for the prediction, the only one that the output matrix reads.
This works with QK-norm at the sharpness and the rotary base that are shipped, and without it (lengths are large).
All other heads have random weights and write a little noise everywhere.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ablations.core.model.attention import Attention
from ablations.core.model.model import Model
from ablations.core.model.positions.rope import Rope
from ablations.core.model.sharpest import sharpest_rotary
from ablations.core.spec.model_spec import ModelSpec

VOCAB, CONTEXT, HEADS, WIDTH = 30, 22, 2, 128
D = WIDTH // HEADS
TOKEN, CONSTANT, BEFORE, PREDICTED = 0, VOCAB, VOCAB + 1, 2 * VOCAB + 1  # where the parts begin
PREVIOUS, INDUCTION = (0, 1), (1, 0)
FAST = 16
BASE = Rope().base  # speeds of the pairs from 16 on are below 0.01 radians a token


def by_hand(layers: int = 2, qk_norm: bool = True) -> Model:
    spec = ModelSpec(layers, WIDTH, HEADS, CONTEXT, vocab_size=VOCAB, mlp_ratio=0, qk_norm=qk_norm)
    model = Model(spec, seed=1).eval()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for block in model.blocks:
            noise = torch.randn(WIDTH, WIDTH, generator=generator) * 0.002
            attention_of(block).out.weight.copy_(noise)
        model.embedding.weight.zero_()
        model.embedding.weight[:, TOKEN : TOKEN + VOCAB] = torch.eye(VOCAB)
        model.embedding.weight[:, CONSTANT] = 1.0
        model.head.weight.zero_()
        model.head.weight[:, PREDICTED : PREDICTED + VOCAB] = 3 * torch.eye(VOCAB)
    previous_token_head(model, *PREVIOUS)
    induction_head(model, *(INDUCTION if layers > 1 else (0, 0)))
    return model


def attention_of(block: nn.Module) -> Attention:
    found = block.attention
    assert isinstance(found, Attention)
    return found


def slot(vocabulary: int) -> list[int]:
    """Dimensions of a head for so many tokens: both halves of the slow pairs."""
    slow = range(FAST, D // 2)
    return [*slow, *(D // 2 + i for i in slow)][:vocabulary]


def parts(model: Model, layer: int, head: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Rows of the query, key and value matrices of a head, and its columns of the output matrix; all zero."""
    attention = attention_of(model.blocks[layer])
    q, k, v = attention.qkv.weight.view(3, HEADS, D, WIDTH)[:, head]
    out = attention.out.weight[:, head * D : (head + 1) * D]
    for part in (q, k, v, out):
        part.zero_()
    return q, k, v, out


@torch.no_grad()
def previous_token_head(model: Model, layer: int, head: int) -> None:
    q, k, v, out = parts(model, layer, head)
    speeds = [BASE ** (-pair / D) for pair in range(0, D, 2)]
    best = torch.from_numpy(sharpest_rotary(tuple(speeds), model.spec.context, model.spec.sharpness).products)
    length = best.abs().sqrt()  # half of a product's length for the query, half for the key
    q[: D // 2, CONSTANT], q[D // 2 :, CONSTANT] = length * best.angle().cos(), length * best.angle().sin()
    k[: D // 2, CONSTANT] = length
    v[slot(VOCAB), range(TOKEN, TOKEN + VOCAB)] = 1.0
    out[range(BEFORE, BEFORE + VOCAB), slot(VOCAB)] = 1.0
    lengthen(model, q, k)


@torch.no_grad()
def induction_head(model: Model, layer: int, head: int) -> None:
    q, k, v, out = parts(model, layer, head)
    q[slot(VOCAB), range(TOKEN, TOKEN + VOCAB)] = 1.0
    k[slot(VOCAB), range(BEFORE, BEFORE + VOCAB)] = 1.0
    v[slot(VOCAB), range(TOKEN, TOKEN + VOCAB)] = 1.0
    out[range(PREDICTED, PREDICTED + VOCAB), slot(VOCAB)] = 1.0
    lengthen(model, q, k)


def lengthen(model: Model, *weights: Tensor) -> None:
    """Without QK-norm it is the length that makes attention sharp."""
    if not model.spec.qk_norm:
        for weight in weights:
            weight.mul_(8.0)
