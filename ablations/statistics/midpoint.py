"""The midpoint rule of Shin et al. 2022, https://arxiv.org/abs/2204.13509: a printed mark, no test.

A score above halfway between the majority baseline and the model of all corpora is bold there, one below is underlined. The rule
knows no seeds and no interval; it is printed so that tables can be compared with theirs.
"""

from __future__ import annotations

from collections.abc import Mapping


def marks(values: Mapping[str, float], reference: str, baseline: float) -> dict[str, str]:
    """Arm -> "above" or "below"; an arm right on the midpoint has no mark.

    Args:
        values: arm -> score, higher being better (an accuracy, F1 or BLEU).
        reference: the arm of all corpora.
        baseline: the score of the strongest blind guess.
    """
    if reference not in values:
        return {}
    middle = (values[reference] + baseline) / 2
    return {arm: "above" if value > middle else "below" for arm, value in values.items() if value != middle}
