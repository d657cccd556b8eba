"""The part of a block that looks at other positions.

Shapes: B sequences, T positions that look, S positions looked at, M positions asked for, W width, H heads, D = W / H.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ablations.core.model.cache import Before, Pair, attended, looked_at
from ablations.core.model.norms.rms import rms_norm
from ablations.core.model.parts import Parts
from ablations.core.spec.model_spec import ModelSpec, head_width

LayerTap = Callable[[Tensor, Tensor], None]  # is given weights (B, H, T, S) and values (B, H, S, D)
Places = tuple[Tensor, ...]  # what the way to give positions needs to know of them


class Attention(nn.Module):
    """Self-attention. With `qk_norm` queries and keys are normalised, so that `sharpness` is the largest logit."""

    def __init__(self, spec: ModelSpec, parts: Parts) -> None:
        super().__init__()
        self.heads, self.head_width, self.qk_norm = spec.heads, head_width(spec), spec.qk_norm
        self.positions = parts.positions
        self.scale = spec.sharpness / self.head_width if spec.qk_norm else self.head_width**-0.5
        self.qkv = nn.Linear(spec.width, 3 * spec.width, bias=False)
        self.out = nn.Linear(spec.width, spec.width, bias=False)
        # of each head, the logarithm of how many times as sharp as at the start it is
        self.sharper_H = nn.Parameter(torch.zeros(spec.heads)) if spec.learned_sharpness else None

    def forward(
        self, x_BTW: Tensor, at: Places, before: Before, seen_BTS: Tensor | None, asked_BM: Tensor | None, tap: LayerTap | None
    ) -> tuple[Tensor, Pair]:  # fmt: skip
        """What each position reads of those that it sees, and the keys and values of the sequences so far; see `Model.hidden`."""
        q, k, v = self._projected(x_BTW, at)
        own, shared = before
        if own is not None:
            k, v = torch.cat((own[0], k), 2), torch.cat((own[1], v), 2)
        if asked_BM is not None:
            q = q.gather(2, asked_BM[:, None, :, None].expand(-1, self.heads, -1, q.shape[3]))
        if tap is not None:
            weights, values = looked_at(q, (k, v), shared, seen_BTS, self.scale)
            tap(weights, values[..., : self.head_width])
        mixed_BHTD = attended(q, (k, v), shared, seen_BTS, self.scale)[..., : self.head_width]
        return self.out(mixed_BHTD.transpose(1, 2).flatten(2)), (k, v)

    def _projected(self, x_BTW: Tensor, at: Places) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of one width: values get zeros where positions made keys wider."""
        B, T, _ = x_BTW.shape
        q, k, v = self.qkv(x_BTW).view(B, T, 3, self.heads, self.head_width).permute(2, 0, 3, 1, 4)
        if self.qk_norm:
            q, k = rms_norm(q), rms_norm(k)
        if self.sharper_H is not None:
            q = q * self.sharper_H.exp()[:, None, None]
        q, k = self.positions.turned(q, k, at, self.scale)
        wider = k.shape[3] - self.head_width
        return q, k, F.pad(v, (0, wider)) if wider else v
