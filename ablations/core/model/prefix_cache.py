"""Keys and values of tokens that many sequences follow, and attention to them without a copy for each sequence.

Shapes: B sequences, T new positions, S keys, P tokens of the shared prefix, H heads, D width of a head.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Pair = tuple[Tensor, Tensor]  # keys and values, each of shape (B, H, S, D)


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


def attended(
    q_BHTD: Tensor, own: Pair, shared: Pair | None, seen_BTS: Tensor | None, scale: float
) -> Tensor:  # fmt: skip
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


def _with_mass(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, scale: float
) -> tuple[Tensor, Tensor]:
    """Attention, and the logarithm of its softmax's denominator, shape (B, H, T)."""
    return (_by_kernel if q.device.type == "cpu" else _by_hand)(q, k, v, mask, causal, scale)


def _by_kernel(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, scale: float
) -> tuple[Tensor, Tensor]:
    """By the kernel behind torch's own attention on CPUs, which knows the denominator; torch's public function does not tell it."""
    flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    return flash(q, k, v, is_causal=causal, attn_mask=mask, scale=scale)  # type: ignore[no-any-return]


def _by_hand(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, scale: float) -> tuple[Tensor, Tensor]:
    logits = q @ k.transpose(-1, -2) * scale
    if causal:
        mask = torch.full(logits.shape[-2:], -torch.inf, device=q.device).triu(1)
    logits = logits if mask is None else logits + mask
    mass = logits.logsumexp(-1)
    return (logits - mass[..., None]).exp() @ v, mass
