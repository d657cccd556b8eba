"""Rotary positions: queries and keys are turned by the position of their token.

Source: Su et al. 2021, https://arxiv.org/abs/2104.09864.
"""

from __future__ import annotations

import torch
from torch import Tensor


def rotate(x_BHTD: Tensor, cos_TD: Tensor, sin_TD: Tensor) -> Tensor:
    """Rotary positions on the two halves."""
    a, b = x_BHTD.chunk(2, dim=-1)
    return torch.cat((a * cos_TD - b * sin_TD, a * sin_TD + b * cos_TD), dim=-1)


def rotations(context: int, head_width: int, base: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines of position times frequency, each of shape (context, head_width / 2)."""
    # in float32, as transformers does it: an exported model then has the same angles
    frequencies = 1.0 / base ** (torch.arange(0, head_width, 2).float() / head_width)
    angles = torch.outer(torch.arange(context).float(), frequencies)
    return angles.cos(), angles.sin()
