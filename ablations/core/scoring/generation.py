"""Written answers: greedy, a batch at a time, after the keys and values of the group's demonstrations.

Shapes: B sequences, T positions of the longest question, S keys, W width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ablations.core.data.items import Generation, Group, Item
from ablations.core.model.cache import Cache, KeysValues
from ablations.core.model.model import Model
from ablations.core.scoring.answer_rows import LEAST_ROWS
from ablations.core.scoring.scoring import PrefixKeeper, batches, check_numbers, split_group


def generate_group(
    model: Model, group: Group, items: Sequence[Item], how: Generation, batch: int,
    keeper: PrefixKeeper | None = None, where: str = "",
) -> list[Written]:  # fmt: skip
    """The likeliest next token again and again, for those items that fit, in their order. `where` names the group in errors.

    An answer ends before the first token of `how.stop`, or is cut after `how.max_tokens` or where the context is full. One of just
    as many tokens as are allowed is not cut if it would have ended there; where the context is full nobody can know.

    Raises:
        LoamError: the model's logits are not numbers.
    """
    items, shared, head = split_group(model, group, items)
    keeper = keeper or PrefixKeeper(model)
    rows = [(*head, *item.prompt) for item in items]
    answers = [Written((), cut=False)] * len(items)
    with torch.no_grad():
        for chosen in batches([len(row) for row in rows], batch, model.device):
            beginning = [rows[index] for index in chosen]
            written = _Writing(model, keeper.of(shared), beginning, how, where or group.condition).run()
            for index, answer in zip(chosen, written, strict=True):
                answers[index] = answer
    return answers


class Written(NamedTuple):
    """The tokens of a written answer, and whether it was cut where more would have come."""

    tokens: tuple[int, ...]
    cut: bool


class _Writing:
    """One batch of answers as they grow."""

    def __init__(
        self, model: Model, shared: KeysValues | None, rows: Sequence[tuple[int, ...]], how: Generation, where: str
    ) -> None:
        self.model, self.cache, self.how, self.where = model, Cache(shared), how, where
        self.rows = [*rows, *[rows[0]] * (LEAST_ROWS - len(rows))]
        self.wanted = len(rows)
        self.start = self.cache.length
        self.lengths_B = torch.tensor([len(row) for row in self.rows], device=model.device)
        self.answers: list[list[int]] = [[] for _ in self.rows]
        self.cut = [False] * len(self.rows)
        self.room = [model.spec.context - self.start - len(row) + 1 for row in self.rows]

    def run(self) -> list[Written]:
        T = max(len(row) for row in self.rows)
        padded_BT = torch.tensor([[*row, *[0] * (T - len(row))] for row in self.rows], device=self.model.device)
        last_B1 = self.lengths_B[:, None] - 1
        seen_BS = torch.arange(T, device=self.model.device) < self.lengths_B[:, None]
        mask_BTS = None
        if self.model.parts.mask.both_ways:  # demonstrations and question are a prefix, whose tokens see one another
            mask_BTS = torch.zeros((len(seen_BS), T, T), device=self.model.device)
            mask_BTS.masked_fill_(~seen_BS[:, None], -torch.inf)
        hidden_B1W = self.model.hidden(padded_BT, self.cache, seen_BTS=mask_BTS, asked_BM=last_B1)
        step, open_ = 0, set(range(self.wanted))
        while open_ := self._take(hidden_B1W[:, 0], open_):
            tokens_B1 = torch.tensor([answer[-1:] or [0] for answer in self.answers], device=self.model.device)
            places_B1 = (self.start + last_B1 + step + 1).clamp(max=self.model.spec.context - 1)
            seen_BS = torch.cat((seen_BS, torch.ones_like(seen_BS[:, :1])), 1)
            mask_B1S = torch.zeros(seen_BS.shape, device=self.model.device).masked_fill_(~seen_BS, -torch.inf)[:, None]
            hidden_B1W = self.model.hidden(tokens_B1, self.cache, places_B1, mask_B1S)
            step += 1
        return [Written(tuple(answer), cut) for answer, cut in zip(self.answers, self.cut, strict=True)][: self.wanted]

    def _take(self, hidden_BW: Tensor, open_: set[int]) -> set[int]:
        """Write the next token of the open answers, and return which are still open."""
        logits_BV = self.model.logits(hidden_BW)
        check_numbers(logits_BV.cpu().numpy(), f"{self.where}, a written answer")
        remain = set()
        for row, token in enumerate(logits_BV.argmax(-1).tolist()):
            if row not in open_ or token in self.how.stop:
                continue
            if len(self.answers[row]) < self.how.max_tokens:
                self.answers[row].append(token)
                if len(self.answers[row]) < self.room[row]:
                    remain.add(row)
                    continue
            self.cut[row] = True
        return remain
