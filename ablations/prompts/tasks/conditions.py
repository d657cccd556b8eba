"""What the demonstrations' answers are replaced by, and which answer then counts as right.

A model that recognises a task answers alike under all of them; one that learns from its demonstrations follows the labels that
they show. Sources: permuted, Min et al. 2022, https://arxiv.org/abs/2202.12837; flipped and made-up labels, Wei et al. 2023,
https://arxiv.org/abs/2303.03846.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ablations.core.data.hashing import key_of
from ablations.prompts.tasks.base import Example

GOLD, PERMUTED, FLIPPED, NONCE = "gold", "permuted", "flipped", "nonce"
ASKED = (GOLD, PERMUTED, FLIPPED, NONCE)
OF_SHARED_CHOICES = frozenset({FLIPPED, NONCE})  # each row must offer the same answers
LEAST_TO_DERANGE = 2

# pronounceable, and found nowhere in 470 MB of Korean or 165 MB of English text, not even inside a word
HANGUL_NONCE = "바릉 노묙 티걷 쿠솝 럼벱 조픽 하눕 메극 비뭅 카덥 소갹 누깁 리첩 댜모 푸넘 겨톡".split()
LATIN_NONCE = (
    "brimko daffen gorlip hestal jovrak kelvud morvit nudlash plimber quastib renfib sulgat tarnip vemdol wubbick yostra"
).split()


@dataclass(frozen=True)
class Condition:
    """Answers of some demonstrations as shown, and how their questions are asked.

    Attributes:
        answers: of the demonstrations, in their order.
        choices: offered in place of the questions' own; none keeps those.
        moved: the number that counts as right in the place of each; none keeps it.
    """

    name: str
    answers: tuple[str, ...]
    choices: tuple[str, ...] = ()
    moved: tuple[int, ...] = ()

    def asked(self, example: Example) -> Example:
        """A question as this condition asks it."""
        gold = self.moved[example.gold] if self.moved else example.gold
        return replace(example, choices=self.choices or example.choices, gold=gold)


def conditions(demos: Sequence[Example], shared: Sequence[str], names: Sequence[str], seed: int) -> list[Condition]:
    """Those of the conditions `names` that exist for some demonstrations; without any, only `gold` does.

    Args:
        shared: the choices when all rows offer the same: these are deranged or renamed, alike for every k. Without them the
            distinct answers of the demonstrations are deranged, for which there must be two.
        seed: of the derangement and of the made-up words.
    """
    gold = tuple(demo.choices[demo.gold] for demo in demos)
    gold_only = [Condition(GOLD, gold)] if GOLD in names else []
    if not demos:
        return gold_only
    if not shared:
        return gold_only + ([_permuted(gold, seed)] if PERMUTED in names and len(set(gold)) >= LEAST_TO_DERANGE else [])
    moved = tuple(derangement(len(shared), random.Random(seed)))
    other = tuple(shared[moved[demo.gold]] for demo in demos)
    words = nonce_words(shared, seed)
    every = [
        Condition(PERMUTED, other),
        Condition(FLIPPED, other, moved=moved),
        Condition(NONCE, tuple(words[demo.gold] for demo in demos), choices=words),
    ]
    return gold_only + [each for each in every if each.name in names]


def derangement(n: int, rng: random.Random) -> list[int]:
    """A random permutation of n things that leaves none in its place. Tries until one fits: about e times.

    Raises:
        ValueError: one thing cannot be moved.
    """
    if n < LEAST_TO_DERANGE:
        raise ValueError(f"{n} thing cannot be deranged; at least 2 can.")
    while True:
        order = list(range(n))
        rng.shuffle(order)
        if all(place != thing for place, thing in enumerate(order)):
            return order


def nonce_words(choices: Sequence[str], seed: int) -> tuple[str, ...]:
    """A made-up word for each choice, in its script, with the space that it begins with.

    Raises:
        ValueError: more choices than words.
    """
    words = HANGUL_NONCE if any("가" <= sign <= "힣" for choice in choices for sign in choice) else LATIN_NONCE
    if len(choices) > len(words):
        raise ValueError(f"{len(choices)} choices, and {len(words)} made-up words. Leave out the condition nonce.")
    drawn = random.Random(key_of(NONCE, seed)).sample(words, len(choices))
    return tuple(
        choice[: len(choice) - len(choice.lstrip())] + word for choice, word in zip(choices, drawn, strict=True)
    )


def labels_of(demos: Sequence[Example], condition: Condition) -> tuple[int, ...]:
    """The answers shown as numbers of the choices; -1 for an answer that is none of a demonstration's own choices."""
    found = []
    for demo, answer in zip(demos, condition.answers, strict=True):
        choices = condition.choices or demo.choices
        found.append(choices.index(answer) if answer in choices else -1)
    return tuple(found)


def _permuted(gold: Sequence[str], seed: int) -> Condition:
    """Each answer replaced by another of the demonstrations' answers, always the same one for it."""
    answers = list(dict.fromkeys(gold))
    moved = derangement(len(answers), random.Random(seed))
    other = {answer: answers[moved[i]] for i, answer in enumerate(answers)}
    return Condition(PERMUTED, tuple(other[answer] for answer in gold))
