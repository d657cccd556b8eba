"""How much memory a model takes while it learns or is measured."""

from __future__ import annotations

from ablations.core.spec.model_spec import ModelSpec

FLOAT_BYTES = 4
COPIES = 4  # of a weight: itself, its gradient, two moments
LOGITS, ACTIVATIONS = 3, 15  # numbers that are kept of each token: times the vocabulary; times layers and width


def model_bytes(model: ModelSpec, tokens: int) -> float:
    """What a model needs for so many tokens at once, generously; without the process that it runs in."""
    weights = float(model.vocab_size * model.width * (1 if model.tied else 2))
    weights += model.layers * model.width**2 * (4 + 2 * model.mlp_ratio)
    a_token = LOGITS * model.vocab_size + ACTIVATIONS * model.layers * model.width
    return FLOAT_BYTES * (COPIES * weights + tokens * a_token)
