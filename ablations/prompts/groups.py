"""The groups of one task's items: demonstrations and questions put together and encoded.

Demonstrations are encoded once and questions once wherever a prompt may be cut between them, whatever the number of groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from ablations.core.data.hashing import key_of
from ablations.core.data.items import Group, Item
from ablations.core.results.answers import CONTENT_FREE, UNCONDITIONAL
from ablations.prompts.demos import Demos, Design
from ablations.prompts.joining import Joining, common_start, split
from ablations.prompts.tasks.base import Example, FewShotTask
from ablations.prompts.tasks.conditions import ASKED, GOLD, Condition, conditions, labels_of
from ablations.prompts.tasks.questions import Question
from curation.runtime.errors import ConfigError

# Zhao et al. 2021, https://arxiv.org/abs/2102.09690, average over these three
FILLERS = ("N/A", "", "[MASK]")
FOR_ALL = "*"


def preamble(task: FewShotTask, demos: Sequence[Example], answers: Sequence[str]) -> str:
    """All that precedes the question."""
    template = task.template
    parts = [template.instruction] if template.instruction else []
    parts += [demo.prompt + answer for demo, answer in zip(demos, answers, strict=True)]
    return "".join(part + template.separator for part in parts)


@dataclass(frozen=True)
class _EncodedItem:
    """An item encoded after any preamble of one sort, with its length in tokens."""

    item: Item
    length: int
    crossed: bool


@dataclass
class GroupMaker:
    """Makes the groups of one task, encoding every text once."""

    task: FewShotTask
    asked: Sequence[Question]
    joining: Joining
    bos: int
    context: int
    design: Design
    demos: Demos

    counts: Counter[str] = field(default_factory=Counter)
    _lengths: set[int] = field(default_factory=set)  # of questions with demonstrations
    _cut: dict[tuple[str, Example], _EncodedItem] = field(default_factory=dict)
    _behind: dict[tuple[bool, Condition], list[_EncodedItem]] = field(default_factory=dict)

    def groups(self) -> Iterator[Group]:
        if not self.task.written:
            yield self._unconditional()
        for draw in range(self.design.draws):
            yield from self._shared(draw) if self.design.shared else self._own(draw)

    def check_fits(self, groups: Sequence[Group]) -> None:
        """Some question has to fit after one demonstration, or the task shows nothing.

        Raises:
            ConfigError: none does; with the tokens of the shortest.
        """
        with_demos = [group for group in groups if group.k > 0 and group.condition in ASKED]
        if with_demos and not any(item.fits for group in with_demos for item in group.items):
            least = min(group.k for group in with_demos)
            raise ConfigError(
                f"task {self.task.kind}: the context is too short for {least} demonstration{'s' * (least > 1)}: the shortest "
                f"prompt takes {min(self._lengths)} tokens, cells.model.context is {self.context}. Raise it, or leave the task out."
            )

    def _shared(self, draw: int) -> Iterator[Group]:
        """Groups whose demonstrations all queries see."""
        for k in self._shots(draw):
            candidates = self.demos.shared(draw, k)
            for number, demos in enumerate(candidates):
                candidate = number if len(candidates) > 1 else None
                examples = [demo.example for demo in demos]
                of_draw = self._conditions(draw, examples)
                for condition in of_draw:
                    labels = labels_of(examples, condition)
                    prefix, items = self._items(preamble(self.task, examples, condition.answers), condition)
                    self._count(k, len(prefix), items)
                    own_items = tuple(each.item for each in items)
                    yield Group(k, condition.name, draw, prefix, own_items, labels, candidate)
                if self.task.shared_choices:
                    gold = next(each for each in of_draw if each.name == GOLD)
                    yield self._content_free(k, draw, examples, gold, candidate)

    def _own(self, draw: int) -> Iterator[Group]:
        """Groups whose items have demonstrations of their own; every prefix is BOS alone."""
        of_query = [self.demos.of_query(draw, number) for number in range(len(self.asked))]
        for k in self._shots(draw):
            by_condition: dict[str, list[_EncodedItem]] = {}
            for question, by_k in zip(self.asked, of_query, strict=True):
                examples = [demo.example for demo in by_k[self.design.shots.index(k)]]
                for condition in self._conditions(draw, examples):
                    text = preamble(self.task, examples, condition.answers)
                    by_condition.setdefault(condition.name, []).append(self._with_demos(text, question, condition))
            for name, items in by_condition.items():
                self._count(k, 1, items)
                own_items = tuple(each.item if each.item.fits else replace(each.item, prompt=()) for each in items)
                yield Group(k, name, draw, (self.bos,), own_items)

    def _shots(self, draw: int) -> list[int]:
        return [k for k in self.design.shots if k > 0 or draw == 0]

    def _conditions(self, draw: int, examples: Sequence[Example]) -> list[Condition]:
        seed = key_of(self.task.kind, draw)
        return conditions(examples, self.task.shared_choices, self.design.conditions, seed)

    def _items(self, text: str, condition: Condition) -> tuple[tuple[int, ...], list[_EncodedItem]]:
        """The prefix of a preamble, and the items after it."""
        behind = self.joining.may_cut(text)
        if not text or behind:
            prefix = (self.bos, *self.joining.whole(text))
            return prefix, [self._fitted(len(prefix), each) for each in self._every(behind, condition)]
        whole = [self._encoded(text, each, condition.asked(each.example)) for each in self.asked]
        start = common_start([list(each.item.prompt) for each in whole] + [self.joining.whole(text)])
        prefix = (self.bos, *whole[0].item.prompt[:start])
        short = [replace(each, item=replace(each.item, prompt=each.item.prompt[start:])) for each in whole]
        return prefix, [self._fitted(len(prefix), replace(each, length=each.length - start)) for each in short]

    def _every(self, behind: bool, condition: Condition) -> list[_EncodedItem]:
        """All questions, alone or after any preamble that may be cut off."""
        key = behind, replace(condition, name="", answers=())
        if key not in self._behind:
            self._behind[key] = [self._alone(behind, each, condition.asked(each.example)) for each in self.asked]
        return self._behind[key]

    def _alone(self, behind: bool, question: Question, example: Example) -> _EncodedItem:
        encode = self.joining.behind if behind else self.joining.whole
        return _encoded_item(question.id, example, split(example.prompt, example.choices, encode))

    def _encoded(self, text: str, question: Question, example: Example) -> _EncodedItem:
        """A question after a preamble that may not be cut off."""
        return _encoded_item(question.id, example, split(text + example.prompt, example.choices, self.joining.whole))

    def _with_demos(self, text: str, question: Question, condition: Condition) -> _EncodedItem:
        """A question with its own demonstrations in its prompt."""
        example = condition.asked(question.example)
        if not self.joining.may_cut(text):
            return self._fitted(1, self._encoded(text, question, example))
        key = question.id, example
        if key not in self._cut:
            self._cut[key] = self._alone(True, question, example)
        cut = self._cut[key]
        start = self.joining.whole(text)
        item = replace(cut.item, prompt=(*start, *cut.item.prompt))
        return self._fitted(1, replace(cut, item=item, length=len(start) + cut.length))

    def _fitted(self, prefix: int, asking: _EncodedItem) -> _EncodedItem:
        """A model reads all tokens but the last."""
        if prefix + asking.length - 1 <= self.context:
            return asking
        return replace(asking, item=replace(asking.item, fits=False))

    def _count(self, k: int, prefix: int, items: Sequence[_EncodedItem]) -> None:
        too_long = sum(not each.item.fits for each in items)
        self.counts["border_crossings"] += sum(each.crossed for each in items)
        if k > 0:
            self._lengths.add(prefix + min((each.length for each in items), default=0) - 1)
        if too_long:
            self.counts["too_long"] += too_long
            self.counts[f"too_long.k{k}"] += too_long

    @cached_property
    def _without_content(self) -> list[Question]:
        """Questions of fillers, whose ids differ only after a dot: they are chosen together."""
        template, choices = self.task.template, self.task.shared_choices
        prompts = [template.without_content(filler) for filler in FILLERS]
        return [
            Question(f"{CONTENT_FREE}.{number}", "", Example(prompt, choices, 0), "")
            for number, prompt in enumerate(prompts)
        ]

    def _content_free(
        self, k: int, draw: int, examples: Sequence[Example], gold: Condition, candidate: int | None
    ) -> Group:
        text = preamble(self.task, examples, gold.answers)
        behind = self.joining.may_cut(text)
        start = self.joining.whole(text) if behind else []
        encoded = [
            self._alone(behind, each, each.example) if not text or behind else self._encoded(text, each, each.example)
            for each in self._without_content
        ]
        self.counts["border_crossings"] += sum(each.crossed for each in encoded)
        items = tuple(self._fitted(1 + len(start), each).item for each in encoded)
        return Group(k, CONTENT_FREE, draw, (self.bos, *start), items, labels_of(examples, gold), candidate)

    def _unconditional(self) -> Group:
        """The cue alone before the choices: once for all questions, or once for each where its choices are its own."""
        asked = self.asked[:1] if self.task.shared_choices else self.asked
        items = []
        for question in asked:
            encoded = self._alone(False, question, replace(question.example, prompt=question.cue.lstrip()))
            self.counts["border_crossings"] += encoded.crossed
            item = self._fitted(1, encoded).item
            items.append(replace(item, id=FOR_ALL, gold=0) if self.task.shared_choices else item)
        return Group(0, UNCONDITIONAL, 0, (self.bos,), tuple(items))


def _encoded_item(name: str, example: Example, tokens: tuple[list[int], list[list[int]], bool]) -> _EncodedItem:
    prompt, choices, crossed = tokens
    sizes = tuple(len(choice.strip().encode()) for choice in example.choices)
    item = Item(name, tuple(prompt), tuple(map(tuple, choices)), example.gold, True, sizes)
    return _EncodedItem(item, len(prompt) + max(map(len, choices)), crossed)
