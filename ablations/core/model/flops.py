"""How much a model computes."""

from __future__ import annotations

from ablations.core.spec.model_spec import ModelSpec


def flops_a_token(model: ModelSpec) -> float:
    """Floating-point operations that one training token needs: 6 for each weight that multiplies it, and attention's.

    A multiplication and an addition forward, twice that backward. Embeddings are looked up, not multiplied, and do not count; the
    output matrix does. Attention takes 12 x layers x width x context: every position is counted as if it saw the whole context,
    as the definition has it, though a causal kernel may skip half. What is computed twice counts once.

    Source: Chowdhery et al. 2022, https://arxiv.org/abs/2204.02311, appendix B.
    """
    attention = 4 * model.width**2 if model.attention else 0
    weights = model.layers * (attention + 2 * round(model.width * model.mlp_ratio) * model.width)
    weights += model.vocab_size * model.width
    mixing = 12 * model.layers * model.width * model.context if model.attention else 0
    return 6.0 * weights + mixing
