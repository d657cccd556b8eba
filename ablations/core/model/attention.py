"""The part of a block that looks at other positions.

Shapes: B sequences, T positions that look, S positions looked at, M positions asked for, W width, H heads, D = W / H.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ablations.core.model.cache import Before, Pair, attended, looked_at
from ablations.core.model.norm import rms_norm
from ablations.core.model.positions import rotate
from ablations.core.spec.model_spec import ModelSpec

LayerTap = Callable[[Tensor, Tensor], None]  # is given weights (B, H, T, S) and values (B, H, S, D)


class Attention(nn.Module):
    """Causal self-attention. With `qk_norm` queries and keys are normalised, so that `sharpness` is the largest logit."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        head_width = spec.width // spec.heads
        self.heads, self.qk_norm = spec.heads, spec.qk_norm
        self.scale = spec.sharpness / head_width if spec.qk_norm else head_width**-0.5
        self.qkv = nn.Linear(spec.width, 3 * spec.width, bias=False)
        self.out = nn.Linear(spec.width, spec.width, bias=False)

    def forward(
        self, x_BTW: Tensor, turns: Pair, before: Before, seen_BTS: Tensor | None, asked_BM: Tensor | None, tap: LayerTap | None
    ) -> tuple[Tensor, Pair]:  # fmt: skip
        """What each position reads of those that it sees, and the keys and values of the sequences so far; see `Model.hidden`."""
        q, k, v = self._projected(x_BTW, *turns)
        own, shared = before
        if own is not None:
            k, v = torch.cat((own[0], k), 2), torch.cat((own[1], v), 2)
        if asked_BM is not None:
            q = q.gather(2, asked_BM[:, None, :, None].expand(-1, self.heads, -1, q.shape[3]))
        if tap is not None:
            tap(*looked_at(q, (k, v), shared, seen_BTS, self.scale))
        mixed_BHTD = attended(q, (k, v), shared, seen_BTS, self.scale)
        return self.out(mixed_BHTD.transpose(1, 2).flatten(2)), (k, v)

    def _projected(self, x_BTW: Tensor, cos_TD: Tensor, sin_TD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        B, T, W = x_BTW.shape
        q, k, v = self.qkv(x_BTW).view(B, T, 3, self.heads, W // self.heads).permute(2, 0, 3, 1, 4)
        if self.qk_norm:
            q, k = rms_norm(q), rms_norm(k)
        return rotate(q, cos_TD, sin_TD), rotate(k, cos_TD, sin_TD), v
