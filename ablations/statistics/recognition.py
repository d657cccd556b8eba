"""Recognising a task and learning it, separated by the answers to `known_map`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ablations.core.results.readings import FEW_SHOT, Name

CHANCE = 1 / 8  # of a choice of `known_map`


@dataclass(frozen=True)
class Recognition:
    """How a model finds its answers about a map that it may know by heart.

    Attributes:
        recognised: nats that knowing the map saves on a question without demonstrations, against one who knows which words are
            values and nothing more. 0 for a model that never met the map; ln(values) at most.
        learnt: nats by which the value that the context shows is likelier than the true one, when the two differ. Positive: the
            model follows the context; negative: it answers by heart against it.
        nonce_accuracy: share right when words that never were values replace them. Chance is 1 in 8, and one who
            only copies any shown word gets no more.
    """

    recognised: float
    learnt: float
    nonce_accuracy: float


def recognition(values: Mapping[str, float], n_values: int, k: int = 8, task: str = "known_map") -> Recognition | None:
    """From a cell's final readings; None when it was not asked this task.

    recognised = ln(n_values) - nll(k = 0, gold); learnt = nll(k, permuted) - nll(k, flipped): the same prompts, the true and the
    shown value.

    Args:
        values: full name -> value, such as `few_shot.known_map.k8.flipped.nll`.
        n_values: how many values the whole map has: 64 for the controls.
    """
    asked = ((0, "gold", "nll"), (k, "permuted", "nll"), (k, "flipped", "nll"), (k, "nonce", "accuracy"))
    names = [
        Name(FEW_SHOT, reading, task=task, k=shown, condition=condition).text for shown, condition, reading in asked
    ]
    if any(name not in values for name in names):
        return None
    alone, true, shown, nonce = (values[name] for name in names)
    return Recognition(math.log(n_values) - alone, true - shown, nonce)


def in_words(shown: Recognition, least: float = 1.0) -> str:
    """A sentence: what the model does, with the two differences.

    Args:
        least: nats from which a difference counts, as in the instrument's limits.
    """
    if shown.learnt > least:
        what = "learns the map from its context" + (", also where it knows another" if shown.recognised > least else "")
    elif shown.recognised > least:
        what = "recognises the map and answers by heart" + (", against its context" if shown.learnt < -least else "")
    else:
        what = "neither knows the map nor learns it from its context"
    return (
        f"{what} (known without demonstrations: {shown.recognised:+.2f} nats; shown over true value: {shown.learnt:+.2f} nats; "
        f"made-up words: {shown.nonce_accuracy:.0%} right, chance {CHANCE:.1%})"
    )
