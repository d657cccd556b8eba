"""Losses of token sequences and log-probabilities of answers, in float32, whatever the batch.

Sequences are padded on the right; attention is causal, so padding reaches no earlier position.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ablations.core.items import Group, Item
from ablations.core.model import Model

Tokens = Sequence[int] | NDArray[np.integer]


@dataclass(frozen=True)
class Score:
    """Log-probabilities, in nats over the whole vocabulary, of each choice of an item."""

    id: str
    gold: int
    choices: tuple[float, ...]

    @property
    def gold_nll(self) -> float:
        return -self.choices[self.gold]

    @property
    def correct(self) -> bool:
        """The gold choice is likelier than any other; equal is not enough, so that a blind model does not score."""
        others = [p for i, p in enumerate(self.choices) if i != self.gold]
        return all(self.choices[self.gold] > p for p in others)


def token_losses(model: Model, sequences: Sequence[Tokens], batch: int) -> list[NDArray[np.float32]]:
    """Next-token losses in nats: T numbers for a sequence of T + 1 tokens, the first for predicting the second."""
    losses: list[NDArray[np.float32]] = [np.zeros(0, np.float32)] * len(sequences)
    with torch.no_grad():
        for chosen, padded_BT in _batches(sequences, batch, model.device):
            loss_BT = F.cross_entropy(model(padded_BT[:, :-1]).transpose(1, 2), padded_BT[:, 1:], reduction="none")
            for row, index in zip(loss_BT.cpu().numpy(), chosen, strict=True):
                losses[index] = row[: len(sequences[index]) - 1].copy()
    return losses


def next_token_scores(
    model: Model, prefix: Tokens, sequences: Sequence[Tokens], batch: int
) -> Iterator[tuple[int, Tensor]]:
    """Index and log-probabilities of the token after each sequence behind the prefix, shape (V); in no particular order."""
    for chosen, hidden_BTW in _hidden(model, prefix, sequences, batch):
        last_B = torch.tensor([hidden_BTW.shape[1] - 1 - _padding(sequences, chosen, index) for index in chosen])
        hidden_BW = hidden_BTW[torch.arange(len(chosen)), last_B]
        yield from zip(chosen, model.logits(hidden_BW).log_softmax(-1).cpu(), strict=True)


def answer_scores(
    model: Model, prefix: Tokens, sequences: Sequence[Tokens], lengths: Sequence[int], batch: int
) -> list[float]:
    """Log-probability of the last `lengths[i]` tokens of each sequence behind the prefix, in nats.

    Only the places before those tokens go through the output matrix, which is most of a small model's work.
    """
    scores = [0.0] * len(sequences)
    for chosen, hidden_BTW in _hidden(model, prefix, [sequence[:-1] for sequence in sequences], batch):
        counts = [lengths[index] for index in chosen]
        rows_N = torch.arange(len(chosen)).repeat_interleave(torch.tensor(counts))
        ends = [hidden_BTW.shape[1] - _padding(sequences, chosen, index) for index in chosen]
        places_N = torch.cat([torch.arange(end - n, end) for end, n in zip(ends, counts, strict=True)])
        targets = [int(token) for index in chosen for token in sequences[index][-lengths[index] :]]
        logp_NV = model.logits(hidden_BTW[rows_N, places_N]).log_softmax(-1).cpu()
        picked_N = logp_NV[torch.arange(len(targets)), torch.tensor(targets)]
        for index, part in zip(chosen, torch.split(picked_N, counts), strict=True):
            scores[index] = float(part.sum())
    return scores


def _hidden(
    model: Model, prefix: Tokens, sequences: Sequence[Tokens], batch: int
) -> Iterator[tuple[list[int], Tensor]]:
    """Indices and hidden states from the last token of the prefix on, shape (B, 1 + T, W), padded on the right."""
    behind = [(prefix[-1], *sequence) for sequence in sequences]
    prefix_P = torch.tensor([int(token) for token in prefix[:-1]], device=model.device)
    with torch.no_grad():
        for chosen, padded_BT in _batches(behind, batch, model.device):
            # the BOS alone is not worth sharing
            yield chosen, model.hidden_after(prefix_P, padded_BT) if len(prefix) > 1 else model.hidden(padded_BT)


def _padding(sequences: Sequence[Tokens], chosen: Sequence[int], index: int) -> int:
    """Places that the longest of a batch, its first, has more than another."""
    return len(sequences[chosen[0]]) - len(sequences[index])


def score_group(model: Model, group: Group, items: Sequence[Item], batch: int) -> list[Score]:
    """Score those of a group's items that fit, in their order."""
    items = [item for item in items if item.fits]
    if all(len(choice) == 1 for item in items for choice in item.choices):
        return _score_single_tokens(model, group, items, batch)
    return _score_any(model, group, items, batch)


def _score_single_tokens(model: Model, group: Group, items: Sequence[Item], batch: int) -> list[Score]:
    """One pass an item: all its choices are read off the same distribution."""
    scores: dict[int, Score] = {}
    for index, logp_V in next_token_scores(model, group.prefix, [item.prompt for item in items], batch):
        item = items[index]
        picked = logp_V[[choice[0] for choice in item.choices]].tolist()
        scores[index] = Score(item.id, item.gold, tuple(picked))
    return [scores[index] for index in range(len(items))]


def _score_any(model: Model, group: Group, items: Sequence[Item], batch: int) -> list[Score]:
    """One pass a choice: the sum over its tokens."""
    sequences = [(*item.prompt, *choice) for item in items for choice in item.choices]
    lengths = [len(choice) for item in items for choice in item.choices]
    scores = iter(answer_scores(model, group.prefix, sequences, lengths, batch))
    return [Score(item.id, item.gold, tuple(next(scores) for _ in item.choices)) for item in items]


def _batches(sequences: Sequence[Tokens], batch: int, device: torch.device) -> Iterator[tuple[list[int], Tensor]]:
    """Indices and padded tokens, longest first, so that little is padded and memory fails at once if at all."""
    order = sorted(range(len(sequences)), key=lambda index: (-len(sequences[index]), index))
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        padded = np.zeros((len(chosen), len(sequences[chosen[0]])), np.int64)
        for row, index in enumerate(chosen):
            padded[row, : len(sequences[index])] = sequences[index]
        yield chosen, torch.from_numpy(padded).to(device)
