"""What counts as right: the best of an item's references, and the one reference that a blind guesser always gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from statistics import fmean

from ablations.readings.text_metrics.base import References


def mean_of_best(each: Callable[[str, str], float], answers: Sequence[str], references: References) -> float:
    """Mean over items of an answer's score against the best of its references, as SQuAD and KorQuAD count it."""
    pairs = zip(answers, references, strict=True)
    return fmean(max(each(answer, right) for right in texts) for answer, texts in pairs)


def commonest_reference(references: References) -> str:
    """The most frequent first reference, of equals the first in the order of the alphabet."""
    counts = Counter(texts[0] for texts in references)
    return min(counts, key=lambda text: (-counts[text], text))
