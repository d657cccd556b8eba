"""Asks a model all groups of a task, computing the demonstrations that they share once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.data.items import Group, Item, TaskItems
from ablations.core.model.model import Model
from ablations.core.results.answers import CONTENT_FREE, GroupAnswers, Score, TaskAnswers, content_free_shares
from ablations.core.scoring.generation import Written, generate_group
from ablations.core.scoring.scoring import PrefixKeeper, score_group


@dataclass(frozen=True)
class Asked:
    """A group with the scores of its items, and the tokens of their written answers where the task has such."""

    group: Group
    scores: Sequence[Score]
    written: Sequence[Written] | None = None


def ask(model: Model, task: TaskItems, data: EvaluationData) -> list[Asked]:
    """Every group that counts, in the order of the task.

    Of several orders of the same demonstrations (`Group.candidate`) one counts: see `most_even`.

    Raises:
        LoamError: the model's logits are not numbers; names the task and the item.
    """
    asker = _Asker(model, task, data)
    deciding = set(_deciding(task.groups))
    asked = asker.all(deciding)
    candidates = most_even([asked[number] for number in sorted(deciding)])
    wanted = {
        number
        for number, group in enumerate(task.groups)
        if group.candidate is None or candidates.get((group.k, group.draw)) == group.candidate
    }
    asked |= asker.all(wanted - deciding)
    asked |= asker.all_written({number: asked[number] for number in wanted})
    return [asked[number] for number in sorted(wanted)]


def answers_of(model: Model, task: TaskItems, data: EvaluationData) -> TaskAnswers:
    """The answers to all groups that count, as they are stored.

    Raises:
        LoamError: the model's logits are not numbers; names the task and the item.
    """
    groups = [
        GroupAnswers(
            group.k, group.condition, group.draw, tuple(each.scores), group.demo_labels, group.candidate,
            None if each.written is None else tuple(answer.tokens for answer in each.written),
            cut=None if each.written is None else tuple(answer.cut for answer in each.written),
        )
        for each in ask(model, task, data)
        for group in (each.group,)
    ]  # fmt: skip
    return TaskAnswers(task.task, tuple(groups))


def most_even(asked: Sequence[Asked]) -> dict[tuple[int, int], int]:
    """Of each (k, draw), the candidate whose mean probabilities of the choices have the highest entropy, the first of equals.

    Over questions without content; over the questions themselves where there are none of those. Source: Lu et al. 2022,
    https://arxiv.org/abs/2104.08786, "global entropy", with probabilities instead of counts of labels, so that a few questions do.
    """
    entropies: defaultdict[tuple[int, int], dict[int, float]] = defaultdict(dict)
    for each in asked:
        shares = content_free_shares(each.scores)
        entropy = -sum(share * math.log(share) for share in shares)
        if each.group.candidate is not None:
            entropies[each.group.k, each.group.draw][each.group.candidate] = entropy
    return {
        key: max(sorted(by_candidate), key=lambda number: by_candidate[number])
        for key, by_candidate in entropies.items()
    }


def _deciding(groups: Sequence[Group]) -> Iterator[int]:
    """Groups by which the order of demonstrations is chosen."""
    free = {(group.k, group.draw) for group in groups if group.condition == CONTENT_FREE}
    for number, group in enumerate(groups):
        condition = CONTENT_FREE if (group.k, group.draw) in free else "gold"
        if group.candidate is not None and group.condition == condition:
            yield number


class _Asker:
    def __init__(self, model: Model, task: TaskItems, data: EvaluationData) -> None:
        self.model, self.task, self.data = model, task, data
        self.keeper = PrefixKeeper(model)

    def all(self, numbers: set[int]) -> dict[int, Asked]:
        """In descending order of prefixes: a longer prefix comes right before its own beginnings, so each is computed once.

        Groups that differ only in which answer counts as right are asked once as well.
        """
        asked: dict[int, Asked] = {}
        before: tuple[object, Sequence[Score]] = None, ()
        for number in self._descending(numbers):
            group = self.task.groups[number]
            items = [item for item in self.data.items_of(group) if item.fits]
            question = group.prefix, [(item.id, item.prompt, item.choices) for item in items]
            if question != before[0]:
                batch, where = self.data.batch, self._where(group)
                before = question, score_group(self.model, group, items, batch, self.keeper, where)
            asked[number] = Asked(group, [_with_gold(*pair) for pair in zip(before[1], items, strict=True)])
        return asked

    def all_written(self, asked: Mapping[int, Asked]) -> dict[int, Asked]:
        """The groups with gold demonstrations, with written answers, if the task has such."""
        how, written = self.task.generation, {}
        if how is None or not self.data.generate:
            return {}
        for number in self._descending(asked):
            group, scores = asked[number].group, asked[number].scores
            if group.condition == "gold":
                items = self.data.items_of(group)
                batch, where = self.data.batch, self._where(group)
                written[number] = Asked(
                    group, scores, generate_group(self.model, group, items, how, batch, self.keeper, where)
                )
        return written

    def _descending(self, numbers: Iterable[int]) -> list[int]:
        return sorted(numbers, key=lambda number: self.task.groups[number].prefix, reverse=True)

    def _where(self, group: Group) -> str:
        return f"{self.task.task}, k {group.k}, {group.condition}, draw {group.draw}"


def _with_gold(score: Score, item: Item) -> Score:
    return Score(score.id, item.gold, score.choices, score.tokens, score.bytes)
