"""Keys and values of tokens that came before, and attention to those that many sequences follow without a copy for each.

Shapes: B sequences, T new positions, S keys, P tokens of the shared prefix, H heads, D width of a head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Pair = tuple[Tensor, Tensor]  # keys and values, each of shape (B, H, S, D)
Before = tuple[
    Pair | None, Pair | None
]  # of the sequences themselves, and of a prefix that all of them follow, with B = 1
NOTHING: Before = None, None


@dataclass(frozen=True)
class KeysValues:
    """What the attention of each block keeps of `length` tokens; None for a block without attention."""

    length: int
    blocks: tuple[Pair | None, ...]

    def cut(self, length: int) -> KeysValues:
        """The same of the first tokens only: attention is causal, so they do not know what followed."""
        assert length <= self.length
        return KeysValues(
            length, tuple(pair and (pair[0][:, :, :length], pair[1][:, :, :length]) for pair in self.blocks)
        )


class Cache:
    """What came before the tokens of a pass; after the pass, they are part of it.

    Attributes:
        shared: of a prefix that all sequences follow.
        own: of the sequences themselves; grows by every pass.
    """

    def __init__(self, shared: KeysValues | None = None) -> None:
        self.shared = shared
        self.own: KeysValues | None = None

    @property
    def own_length(self) -> int:
        return self.own.length if self.own else 0

    @property
    def length(self) -> int:
        """Tokens before the next one."""
        return self.own_length + (self.shared.length if self.shared else 0)

    def of(self, layer: int) -> Before:
        own, shared = (each.blocks[layer] if each else None for each in (self.own, self.shared))
        return own, shared

    def grow(self, tokens: int, blocks: Sequence[Pair | None]) -> None:
        """By the pass of so many new tokens, whose keys and values are those of all own tokens."""
        self.own = KeysValues(self.own_length + tokens, tuple(blocks))


def attended(q_BHTD: Tensor, own: Pair, shared: Pair | None, seen_BTS: Tensor | None, scale: float) -> Tensor:
    """Attention of sequences to their own keys, and to a prefix that all of them follow. Shape (B, H, T, D).

    The prefix is attended to by the queries of all sequences at once, as if they were one sequence, and the two results are
    weighted by how much of the softmax each has. Behind 2,400 tokens that takes a third of the time of repeating the
    prefix for each sequence.

    Args:
        own: keys and values of the sequences themselves.
        shared: those of the prefix, with B = 1.
        seen_BTS: 0 where a position sees an own key and -inf elsewhere; None for plain causal attention.
    """
    mask_B1TS = None if seen_BTS is None else seen_BTS[:, None]
    if shared is None:
        causal = mask_B1TS is None
        return F.scaled_dot_product_attention(q_BHTD, *own, attn_mask=mask_B1TS, is_causal=causal, scale=scale)
    B, H, T, D = q_BHTD.shape
    near_BHTD, near_mass_BHT = _with_mass(q_BHTD, *own, mask_B1TS, mask_B1TS is None, scale)
    all_1HND = q_BHTD.transpose(0, 1).reshape(1, H, B * T, D)
    far_1HND, far_mass_1HN = _with_mass(all_1HND, *shared, None, False, scale)
    far_BHTD = far_1HND.reshape(H, B, T, D).transpose(0, 1)
    far_mass_BHT = far_mass_1HN.reshape(H, B, T).transpose(0, 1)
    return torch.lerp(near_BHTD, far_BHTD, torch.sigmoid(far_mass_BHT - near_mass_BHT)[..., None])


def looked_at(
    q_BHTD: Tensor, own: Pair, shared: Pair | None, seen_BTS: Tensor | None, scale: float
) -> tuple[Tensor, Tensor]:
    """Attention weights and the values that they weigh, step by step: what `attended` computes without holding them.

    Shapes (B, H, T, P + S) and (B, H, P + S, D), the prefix first.
    """
    k, v = own
    logits = (q_BHTD @ k.transpose(-1, -2)).float() * scale
    if seen_BTS is None:
        logits = logits.masked_fill(torch.ones_like(logits[0, 0], dtype=torch.bool).triu(1), -torch.inf)
    else:
        logits = logits + seen_BTS[:, None]
    if shared is not None:
        logits = torch.cat(((q_BHTD @ shared[0].transpose(-1, -2)).float() * scale, logits), -1)
        v = torch.cat((shared[1].expand(len(v), -1, -1, -1), v), 2)
    return logits.softmax(-1), v


def _with_mass(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, scale: float
) -> tuple[Tensor, Tensor]:
    """Attention, and the logarithm of its softmax's denominator, shape (B, H, T)."""
    return (_by_kernel if q.device.type == "cpu" else _by_hand)(q, k, v, mask, causal, scale)


def _by_kernel(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, scale: float
) -> tuple[Tensor, Tensor]:
    """By the kernel behind torch's own attention on CPUs, which returns the denominator; torch's public function does not."""
    flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    return flash(q, k, v, is_causal=causal, attn_mask=mask, scale=scale)  # type: ignore[no-any-return]


def _by_hand(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, scale: float) -> tuple[Tensor, Tensor]:
    logits = q @ k.transpose(-1, -2) * scale
    if causal:
        mask = torch.full(logits.shape[-2:], -torch.inf, device=q.device).triu(1)
    logits = logits if mask is None else logits + mask
    mass = logits.logsumexp(-1)
    return (logits - mass[..., None]).exp() @ v, mass
