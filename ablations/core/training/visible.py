"""What the positions of training windows see, and which of their targets are learned from.

Shapes: B windows, T positions.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ablations.core.model.model import NOT_LEARNED


def visible(tokens_BT: Tensor, prefix_B: NDArray[np.int64] | None, bos: int | None) -> Tensor | None:
    """0 where a position sees another, -inf elsewhere, shape (B, T, T); None where each sees all up to itself.

    Args:
        prefix_B: of each window, the number of tokens that see one another.
        bos: the token at which a document begins whose tokens see no other document; None where they do.
    """
    if prefix_B is None and bos is None:
        return None
    T, device = tokens_BT.shape[1], tokens_BT.device
    places = torch.arange(T, device=device)
    seen_BTS = (places[:, None] >= places).expand(len(tokens_BT), T, T)
    if prefix_B is not None:
        within_BS = places < torch.from_numpy(prefix_B).to(device)[:, None]
        seen_BTS = seen_BTS | (within_BS[:, :, None] & within_BS[:, None])
    if bos is not None:
        document_BT = (tokens_BT == bos).cumsum(1)
        seen_BTS = seen_BTS & (document_BT[:, :, None] == document_BT[:, None])
    return torch.zeros(seen_BTS.shape, device=device).masked_fill_(~seen_BTS, -torch.inf)


def learned_from(targets_BT: Tensor, prefix_B: NDArray[np.int64] | None) -> Tensor:
    """The targets, `NOT_LEARNED` in the place of those that stand in their window's prefix."""
    if prefix_B is None:
        return targets_BT
    places = torch.arange(1, targets_BT.shape[1] + 1, device=targets_BT.device)
    return targets_BT.masked_fill(places < torch.from_numpy(prefix_B).to(targets_BT.device)[:, None], NOT_LEARNED)
