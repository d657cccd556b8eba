"""Induction heads: what each attention head looks at on repeated random tokens, and whether it writes what it sees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from statistics import fmean
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.data.repeats import Repeats, repeats
from ablations.core.metrics.base import Measured, Metric
from ablations.core.model.heads import Head, heads_of, written_logits
from ablations.core.model.model import Model
from ablations.core.results.readings import Better, Reading

INDUCTION, TIMES_EVEN = 0.05, 3.0  # prefix matching above both this and so many times even attention: an induction head
COPYING_SEQUENCES = 8  # the output circuit depends on tokens, hardly on sequences, and costs a vocabulary a token
DECIMALS = 5
MATCHING, EVEN = "prefix_matching.max", "prefix_matching.even"
PREVIOUS, EVEN_PREVIOUS = "previous_token.max", "previous_token.even"
EVEN_OF = {MATCHING: EVEN, PREVIOUS: EVEN_PREVIOUS}


class Heads(Metric):
    """How far heads match prefixes, copy, and look at the token before; 1 when a head does nothing else.

    On the sequences of `repeated_tokens`, in their second showing, of each head:
    `prefix_matching`: mean attention, over positions, to all tokens that directly follow an earlier copy of the current token
    (random pieces may fall twice outside the passage, so there can be several); without the sequences of the one distance that
    adds most, since a head that looks back by a fixed number of places finds the copies at its own distance and at no other.
    `previous_token`: mean attention to the position before.
    `copying`: what the head would write if it attended to one place alone, straight through the output matrix; the mean share of
    other pieces whose logit it raises less than that of the piece at this place, equals counting half. Chance is 0.5. Over the
    places of the first showing.

    Readings are the largest prefix matching, what even attention would give (`prefix_matching.even`) and how many times that it is
    (`prefix_matching.over_even`, which does not depend on the tokenizer), the copying of the head that matches best, the largest
    previous-token score with what even attention would give, and the number of `induction_heads`: prefix matching above 0.05 and
    above three times even attention. The limit is low since a model whose words have fixed roles looks back from some of the random
    tokens only, and several heads may share the work: a glossary model that reads every map rightly has three heads at 0.09 to
    0.12. All heads are in the details. A model without attention has no readings.

    Source: Olsson et al. 2022, https://arxiv.org/abs/2209.11895, "prefix matching" and "copying". Theirs sums raised logits, ours
    ranks them, so that it does not depend on their scale or the size of the vocabulary.
    """

    kind: ClassVar[str] = "heads"
    version: ClassVar[int] = 3
    unit: ClassVar[str] = "share (of attention; of other pieces)"
    better: ClassVar[Better] = "higher"
    in_curve: ClassVar[bool] = True
    reads: ClassVar[frozenset[str]] = frozenset({"sequences"})

    def measure(self, model: Model, data: EvaluationData) -> Measured:
        scores = head_scores(model, data)
        n = {"heads": len(scores), "sequences": data.sequences if scores else 0}
        if not scores:
            return Measured([self.reading(None, MATCHING, n={"heads": 0}, words="strongest head: prefix matching")])
        best = max(scores, key=lambda head: scores[head]["prefix_matching"])
        even, count = even_attention(data), float(len(induction_heads(scores, data)))
        previous = max(score["previous_token"] for score in scores.values())
        readings = [
            self.reading(scores[best]["prefix_matching"], MATCHING, n=n, words="strongest head: prefix matching"),
            self.reading(even, EVEN, n=n, better=None, words="prefix matching of even attention"),
            self.reading(
                scores[best]["prefix_matching"] / even,
                "prefix_matching.over_even",
                n=n,
                unit="times even attention",
                words="strongest head: prefix matching in units of even attention",
            ),
            self.reading(
                scores[best]["copying"],
                "copying.of_best_prefix_matcher",
                n=n,
                words="copying of the best prefix matcher",
            ),
            self.reading(previous, PREVIOUS, n=n, words="strongest head: previous token"),
            self.reading(
                even_previous(data), EVEN_PREVIOUS, n=n, better=None, words="previous token of even attention"
            ),
            self.reading(count, "induction_heads", n=n, unit="heads", better=None, words="number of induction heads"),
        ]
        rounded = [
            {"layer": layer, "head": head, **{name: round(value, DECIMALS) for name, value in score.items()}}
            for (layer, head), score in scores.items()
        ]
        details = {"heads": rounded, "copying_sequences": min(data.sequences, COPYING_SEQUENCES)}
        return Measured(readings, details=details)

    @classmethod
    def is_tokenizer_free(cls, reading: str) -> bool:
        """Attention in units of even attention, whose level depends on the vocabulary, and counts by limits in them."""
        return reading in ("prefix_matching.over_even", "induction_heads")

    def onset_threshold(self, reading: Reading, final: Mapping[str, Reading]) -> float | None:
        """Of an induction head, and before it of a head that looks at the token before."""
        even = final.get(f"{self.kind}.{EVEN_OF.get(reading.reading)}")
        if even is None or even.value is None:
            return None
        return max(INDUCTION, TIMES_EVEN * even.value)


def head_scores(model: Model, data: EvaluationData) -> dict[Head, dict[str, float]]:
    """`prefix_matching`, `previous_token` and `copying` of every head, on `data.sequences` sequences with a repeat."""
    made = repeats(data)
    sums = _Sums(model, made)
    with torch.no_grad():
        for start in range(0, len(made.tokens_BT), data.batch):
            sums.add(slice(start, start + data.batch), max(0, COPYING_SEQUENCES - start))
    return {head: sums.means(head) for head in heads_of(model)}


class _Sums:
    """What the heads did over the batches so far."""

    def __init__(self, model: Model, made: Repeats) -> None:
        self.model, self.made = model, made
        self.first_BT, self.second_BT = made.places(made.first_B), made.places(made.second_B)
        self.matched: defaultdict[Head, list[float]] = defaultdict(list)  # a mean over the places of each sequence
        self.previous: defaultdict[Head, list[float]] = defaultdict(list)
        self.copying: defaultdict[Head, list[NDArray[np.float64]]] = defaultdict(list)

    def add(self, batch: slice, copying: int) -> None:
        """One batch; `copying` is of how many of its sequences the output circuit is looked at."""
        batch_BT, device = self.made.tokens_BT[batch], self.model.device
        tokens_BT = torch.from_numpy(batch_BT).to(device)
        asked_BT = torch.from_numpy(self.second_BT[batch]).to(device)
        shown_BT = torch.from_numpy(self.first_BT[batch][:copying]).to(device)
        matches_BTS = torch.from_numpy(behind_copies(batch_BT)).to(device)

        def look(layer: int, all_BHTS: Tensor, values_BHSD: Tensor) -> None:
            for head in range(all_BHTS.shape[1]):
                weights_BTS = all_BHTS[:, head].double() * asked_BT[..., None]
                place = layer, head
                self.matched[place] += ((weights_BTS * matches_BTS).sum((1, 2)) / self.made.length).tolist()
                self.previous[place] += (weights_BTS.diagonal(-1, 1, 2).sum(1) / self.made.length).tolist()
                if copying:
                    logits_NV = written_logits(self.model, layer, head, values_BHSD[:copying, head][shown_BT])
                    self.copying[place].append(raised_above(logits_NV, tokens_BT[:copying][shown_BT]))

        self.model.hidden(tokens_BT, tap=look)

    def means(self, head: Head) -> dict[str, float]:
        return {
            "prefix_matching": least_without_a_distance(np.array(self.matched[head]), self.made.distance_B),
            "previous_token": fmean(self.previous[head]),
            "copying": float(np.concatenate(self.copying[head]).mean()),
        }


def least_without_a_distance(matched_B: NDArray[np.float64], distance_B: NDArray[np.int64]) -> float:
    """The least mean over sequences when those of one distance are left out; 0 where all have one, which tells nothing."""
    _, which_B, count_D = np.unique(distance_B, return_inverse=True, return_counts=True)
    if len(count_D) == 1:
        return 0.0
    left_D = matched_B.sum() - np.bincount(which_B, matched_B)
    return float((left_D / (len(matched_B) - count_D)).min())


def behind_copies(tokens_BT: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether position s directly follows an earlier copy of the token at t: shape (B, T, S), s at most t."""
    behind_BTS = np.zeros((*tokens_BT.shape, tokens_BT.shape[1]), bool)
    behind_BTS[:, :, 1:] = tokens_BT[:, :, None] == tokens_BT[:, None, :-1]
    return np.tril(behind_BTS)


def raised_above(logits_NV: Tensor, own_N: Tensor) -> NDArray[np.float64]:
    """Share of the other pieces whose logit is below that of a row's own piece; equal ones count half."""
    own_N1 = logits_NV.gather(1, own_N[:, None])
    below_N = (logits_NV < own_N1).sum(1)
    equal_N = (logits_NV == own_N1).sum(1) - 1
    shares: NDArray[np.float64] = ((below_N + equal_N / 2) / (logits_NV.shape[1] - 1)).double().cpu().numpy()
    return shares


def even_attention(data: EvaluationData) -> float:
    """Prefix matching of a head that looks at all positions alike, on the same sequences."""
    made = repeats(data)
    asked_BT, seen_T = made.places(made.second_B), np.arange(1, data.context + 1)
    shares = [
        (behind_copies(row[None])[0].sum(1) / seen_T)[asked]
        for row, asked in zip(made.tokens_BT, asked_BT, strict=True)
    ]
    return float(np.concatenate(shares).mean())


def even_previous(data: EvaluationData) -> float:
    """The previous-token score of such a head."""
    made = repeats(data)
    _, places = np.nonzero(made.places(made.second_B))
    return float((1 / (places + 1)).mean())


def induction_heads(scores: Mapping[Head, Mapping[str, float]], data: EvaluationData) -> list[Head]:
    """Heads above the limit, the strongest first."""
    least = max(INDUCTION, TIMES_EVEN * even_attention(data))
    above = [head for head, score in scores.items() if score["prefix_matching"] > least]
    return sorted(above, key=lambda head: (-scores[head]["prefix_matching"], head))
