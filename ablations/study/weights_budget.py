"""How much disk the weights of a study's cells take: those of the end, and those that are kept along the way."""

from __future__ import annotations

from ablations.core.spec.model_spec import ModelSpec
from ablations.settings.study import Study
from ablations.study.drafts import drafts
from curation.runtime.errors import ConfigError

BYTES = 4  # float32


def weights_bytes(study: Study) -> int:
    """Of all cells together."""
    each = (BYTES * parameters(d.training.model) * len(d.training.evaluation_steps()) for d in drafts(study))
    return sum(each)


def parameters(model: ModelSpec) -> int:
    """Weights of a model."""
    attention = 4 * model.width**2 if model.attention else 0
    block = attention + 2 * round(model.width * model.mlp_ratio) * model.width
    return model.layers * block + model.vocab_size * model.width * (1 if model.tied else 2)


def check_budget(study: Study) -> None:
    """Refuse a study whose kept weights would not fit, before anything is trained.

    Raises:
        ConfigError: names how much they would take.
    """
    needed = weights_bytes(study) / 2**30
    if needed > study.weights_gib:
        raise ConfigError(
            f"weights_gib: the weights of all cells at their evaluation points take {needed:.1f} GiB, and "
            f"{study.weights_gib:g} are allowed. Lower cells.evaluations, or raise weights_gib."
        )
