"""ROUGE-L: how much of two texts is one sequence of words, gaps allowed. Source: Lin 2004, https://aclanthology.org/W04-1013.

Words are separated by white space once the text is normalised as the other metrics have it (lower case, no ASCII
punctuation). So a Korean word counts with its particles, and another particle makes another word: a harder measure than
over morphemes. Common ROUGE tools drop every letter beyond a to z, and with them all of Korean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ablations.readings.text_metrics.base import Example, References, TextMetric
from ablations.readings.text_metrics.normalised import normalised
from ablations.readings.text_metrics.references import mean_of_best


class RougeL(TextMetric):
    """F1 of the longest common subsequence of words of answer and best reference, mean over items."""

    kind: ClassVar[str] = "rouge_l"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "F1, 0 to 1"
    words: ClassVar[str] = "ROUGE-L"
    of_one_answer: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        (["police kill the gunman"], [["Police killed the gunman."]], 0.75),
        (["the gunman kill police"], [["police killed the gunman"]], 0.5),
        (["나는 학교에 갔다", ""], [["나는 어제 학교에 갔다", "나는 갔다"], ["아니"]], 3 / 7),
    )

    def score(self, answers: Sequence[str], references: References) -> float:
        return mean_of_best(self._of_pair, answers, references)

    def cut(self, text: str) -> list[str]:
        """The words of a text; a metric over others, such as morphemes, overrides this alone."""
        return normalised(text).split()

    def _of_pair(self, answer: str, reference: str) -> float:
        """Recall and precision weigh the same; 0 where no word is shared."""
        written, right = self.cut(answer), self.cut(reference)
        shared = common_subsequence(written, right)
        return 2 * shared / (len(written) + len(right)) if shared else 0.0


def common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence, a word of `b` in a few operations on integers of len(a) bits.

    Bit i of `open_` is 0 where the longest common subsequence grows with word i of `a`. Source: Crochemore et al. 2001,
    https://doi.org/10.1016/S0020-0190(01)00182-X.
    """
    places: dict[str, int] = {}
    for place, word in enumerate(a):
        places[word] = places.get(word, 0) | 1 << place
    all_bits = (1 << len(a)) - 1
    open_ = all_bits
    for word in b:
        here = places.get(word, 0)
        open_ = ((open_ + (open_ & here)) | (open_ & ~here)) & all_bits
    return len(a) - open_.bit_count()
