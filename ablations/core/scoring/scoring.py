"""Losses of token sequences and log-probabilities of answers, which do not depend on what else is in the batch.

The demonstrations that a group's items share go through the model once, and once for all groups whose demonstrations begin
in the same way. Rows of a batch are independent: attention is causal and padding is on the right; no matrix product has
fewer rows than the rounding of BLAS needs to be the same; logits are float32, and what is summed over the vocabulary and
over an answer's tokens is float64.

Shapes: B sequences, T positions, M places asked for, N rows of logits, V vocabulary, W width.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ablations.core.data.items import Group, Item
from ablations.core.model.cache import Cache, KeysValues
from ablations.core.model.model import Model
from ablations.core.results.answers import Score
from ablations.core.scoring.answer_rows import LEAST_ROWS, AnswerRow, batch_of
from curation.runtime.errors import LoamError

Tokens = Sequence[int] | NDArray[np.integer]
TOKENS_A_PASS = 2**14  # bounds the memory of a batch of long rows
TOKENS_A_CPU_PASS = (
    2**11
)  # what caches hold: measuring a small model on a processor takes a third less time than with all of them
LOGITS_A_PASS = 2**24  # 64 MiB


class PrefixKeeper:
    """Keys and values of the last prefix, kept as long as the next one is a beginning of it.

    In descending order a prefix comes right after those that it begins, so that one place is enough for all
    numbers of demonstrations of all draws.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.tokens: tuple[int, ...] = ()
        self.keys_values: KeysValues | None = None

    def of(self, prefix: tuple[int, ...]) -> KeysValues | None:
        """Of all tokens of the prefix; None of none."""
        if not prefix:
            return None
        if self.keys_values is None or self.tokens[: len(prefix)] != prefix:
            with torch.no_grad():
                self.keys_values = self.model.keys_values(torch.tensor(prefix, device=self.model.device))
            self.tokens = prefix
        return self.keys_values.cut(len(prefix))


def token_losses(
    model: Model, sequences: Sequence[Tokens], batch: int, places: Sequence[Tokens] | None = None
) -> list[NDArray[np.float32]]:
    """Next-token losses in nats: T numbers for a sequence of T + 1 tokens, the first for predicting the second.

    Args:
        places: where in the context each token of each sequence stands, if not one after the other from 0.

    Raises:
        LoamError: a loss is not a number.
    """
    losses: list[NDArray[np.float32]] = [np.zeros(0, np.float32)] * len(sequences)
    with torch.no_grad():
        for chosen in batches([len(sequence) for sequence in sequences], batch, model.device):
            padded_BT = _padded([sequences[index] for index in chosen], model.device)
            places_BT = _padded([places[index] for index in chosen], model.device)[:, :-1] if places else None
            logits_BTV = model.logits(model.hidden(padded_BT[:, :-1], places_BT=places_BT))
            loss_BT = F.cross_entropy(logits_BTV.transpose(1, 2), padded_BT[:, 1:], reduction="none")
            for row, index in zip(loss_BT.cpu().numpy(), chosen, strict=True):
                losses[index] = row[: len(sequences[index]) - 1].copy()
                check_numbers(losses[index], f"sequence {index}")
    return losses


def last_losses(model: Model, sequences: Sequence[Tokens], batch: int) -> NDArray[np.float64]:
    """The loss in nats of the last token of each sequence of two or more, without the logits of the others.

    Raises:
        LoamError: a loss is not a number.
    """
    losses = np.zeros(len(sequences))
    with torch.no_grad():
        for chosen in batches([len(sequence) for sequence in sequences], batch, model.device):
            padded_BT = _padded([sequences[index] for index in chosen], model.device)
            ends_B = torch.tensor([len(sequences[index]) - 1 for index in chosen], device=model.device)
            hidden_B1W = model.hidden(padded_BT[:, :-1], asked_BM=ends_B[:, None] - 1)
            rows_B = torch.arange(len(chosen), device=model.device)
            logp_B = picked(model, hidden_B1W[:, 0], rows_B, padded_BT[rows_B, ends_B])
            losses[chosen] = -logp_B.cpu().numpy()
    check_numbers(losses, "the last tokens of sequences")
    return losses


def score_group(
    model: Model, group: Group, items: Sequence[Item], batch: int, keeper: PrefixKeeper | None = None, where: str = ""
) -> list[Score]:
    """Score those of a group's items that fit, in their order. `where` names the group in errors.

    Raises:
        LoamError: the model's logits are not numbers.
    """
    items, shared, head = split_group(model, group, items)
    keeper = keeper or PrefixKeeper(model)
    rows = [AnswerRow(head, item) for item in items]
    scores: list[Score | None] = [None] * len(items)
    for chosen in batches([row.length for row in rows], batch, model.device):
        scored = _score_rows(model, keeper.of(shared), [rows[index] for index in chosen])
        for index, logp in zip(chosen, scored, strict=True):
            check_numbers(logp, f"{where or group.condition}, item {items[index].id}")
            scores[index] = _score(items[index], logp)
    return [score for score in scores if score is not None]


def split_group(
    model: Model, group: Group, items: Sequence[Item]
) -> tuple[Sequence[Item], tuple[int, ...], tuple[int, ...]]:
    """Those of a group's items that fit, and the two parts of its prefix; see `split_prefix`.

    Where demonstrations and question see one another nothing is shared: demonstrations that did not see the question would be
    read as no window of the training was.
    """
    fitting = [item for item in items if item.fits]
    return fitting, *(((), group.prefix) if model.parts.mask.both_ways else split_prefix(group.prefix, fitting))


def split_prefix(prefix: tuple[int, ...], items: Sequence[Item]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The part of a prefix that is computed once, and the part that each row begins with.

    A row needs a token to predict from; and a BOS alone is not worth sharing.
    """
    shared = len(prefix) if all(item.prompt for item in items) else len(prefix) - 1
    if shared <= 1:
        shared = 0
    return prefix[:shared], prefix[shared:]


def batches(lengths: Sequence[int], most: int, device: torch.device) -> Iterator[list[int]]:
    """Numbers of the sequences of each batch, longest first, so that little is padded and memory fails at once if at all."""
    tokens = TOKENS_A_CPU_PASS if device.type == "cpu" else TOKENS_A_PASS
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    while order:
        size = max(1, min(most, tokens // max(1, lengths[order[0]])))
        yield order[:size]
        order = order[size:]


def check_numbers(values: NDArray[np.floating], where: str) -> None:
    """Refuse losses or log-probabilities that are not numbers.

    Raises:
        LoamError: names the sequence or item.
    """
    if not np.isfinite(values).all():
        raise LoamError(
            f"logits are not numbers at {where}; the weights are broken. Train the cell again with a lower learning rate."
        )


def _padded(sequences: Sequence[Tokens], device: torch.device) -> Tensor:
    padded = np.zeros((len(sequences), max(map(len, sequences))), np.int64)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return torch.from_numpy(padded).to(device)


def _score_rows(model: Model, shared: KeysValues | None, rows: Sequence[AnswerRow]) -> list[NDArray[np.float64]]:
    """Of each row, the log-probabilities of the tokens of its choices, one choice after the other."""
    made = batch_of(rows, shared.length if shared else 0, model.device, model.parts.mask.both_ways)
    targets = [[(number, *target) for target in row.targets()] for number, row in enumerate(rows)]
    numbers_Q, asked_Q, tokens_Q = torch.tensor([each for row in targets for each in row], device=model.device).T
    with torch.no_grad():
        hidden_BMW = model.hidden(made.tokens_BT, Cache(shared), made.places_BT, made.seen_BTT, made.asked_BM)
        M = hidden_BMW.shape[1]
        wanted_N, rows_Q = torch.unique(numbers_Q * M + asked_Q, return_inverse=True)
        logp_Q = picked(model, hidden_BMW.flatten(0, 1)[wanted_N], rows_Q, tokens_Q).cpu().numpy()
    return np.split(logp_Q, np.cumsum([len(row) for row in targets])[:-1])


def picked(model: Model, hidden_NW: Tensor, rows_Q: Tensor, tokens_Q: Tensor) -> Tensor:
    """Log-probabilities of some tokens after some hidden states, float64: no more rows of logits at once than memory allows."""
    N = len(hidden_NW)
    hidden_NW = torch.cat((hidden_NW, hidden_NW[:1].expand(LEAST_ROWS - N, -1))) if N < LEAST_ROWS else hidden_NW
    parts = -(-len(hidden_NW) * model.spec.vocab_size // LOGITS_A_PASS)
    logp_Q = torch.zeros(len(rows_Q), dtype=torch.float64, device=model.device)
    start = 0
    for part_NW in hidden_NW.tensor_split(min(parts, len(hidden_NW) // LEAST_ROWS)):
        here_Q = (rows_Q >= start) & (rows_Q < start + len(part_NW))
        logits_NV = model.logits(part_NW)
        chosen_Q = logits_NV[rows_Q[here_Q] - start, tokens_Q[here_Q]].double()
        logp_Q[here_Q] = chosen_Q - _log_sum_exp(logits_NV)[rows_Q[here_Q] - start]
        start += len(part_NW)
    return logp_Q


def _log_sum_exp(logits_NV: Tensor) -> Tensor:
    """Over the vocabulary, summed in float64; the logits are used up."""
    top_N1 = logits_NV.amax(-1, keepdim=True)
    return logits_NV.sub_(top_N1).exp_().sum(-1, dtype=torch.float64).log() + top_N1[:, 0].double()


def _score(item: Item, logp: NDArray[np.float64]) -> Score:
    lengths = tuple(map(len, item.choices))
    sums = tuple(float(part.sum()) for part in np.split(logp, np.cumsum(lengths)[:-1]))
    return Score(item.id, item.gold, sums, lengths, item.choice_bytes)
