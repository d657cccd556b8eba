"""Shape of a cell's model."""

from __future__ import annotations

from dataclasses import dataclass

from ablations.core.spec.member_spec import MemberSpec
from ablations.core.spec.strict import Problem, not_positive

MOST_TOKENS = 2**16  # token files hold uint16


@dataclass(frozen=True, kw_only=True)
class PositionsSpec(MemberSpec):
    """One of `ablations/core/model/positions`."""

    kind: str = "rope"


@dataclass(frozen=True, kw_only=True)
class NormSpec(MemberSpec):
    """One of `ablations/core/model/norms`."""

    kind: str = "rms"


@dataclass(frozen=True, kw_only=True)
class ActivationSpec(MemberSpec):
    """One of `ablations/core/model/activations`."""

    kind: str = "relu2"


@dataclass(frozen=True, kw_only=True)
class MaskSpec(MemberSpec):
    """One of `ablations/core/model/masks`."""

    kind: str = "causal"


@dataclass(frozen=True)
class ModelShape:
    """Shape of the model in a study's file. `mlp_ratio` 0 leaves the MLP out; `attention` false leaves attention out (a control).

    `sharpness` is the largest attention logit in nats: queries and keys are normalised. With `learned_sharpness` it is where each
    head begins. Without `qk_norm` queries and keys are as they are, logits are divided by the root of a head's width as usual, and
    `sharpness` is not used.
    """

    layers: int
    width: int
    heads: int
    context: int
    mlp_ratio: float = 4.0
    attention: bool = True
    positions: PositionsSpec = PositionsSpec()
    norm: NormSpec = NormSpec()
    activation: ActivationSpec = ActivationSpec()
    mask: MaskSpec = MaskSpec()
    sharpness: float = 24.0
    learned_sharpness: bool = False
    tied: bool = False
    qk_norm: bool = True

    def problems(self) -> list[Problem]:
        problems: list[Problem] = []
        problems += not_positive(self, "layers", "width", "heads")
        if self.context < 8:
            problems.append(("context", f"{self.context} tokens are too few to measure in", "Give at least 8"))
        if not problems and self.width % (2 * self.heads):
            problems.append(
                (
                    "heads",
                    f"{self.heads} heads do not split a width of {self.width} evenly",
                    "Make width a multiple of 2 x heads",
                )
            )
        if self.mlp_ratio < 0 or (self.mlp_ratio == 0 and not self.attention):
            problems.append(("mlp_ratio", f"{self.mlp_ratio} leaves nothing in a block", "Give a positive ratio"))
        if self.learned_sharpness and not self.qk_norm:
            fix = "Set qk_norm: true, or leave learned_sharpness out: without it queries grow by themselves"
            problems.append(("learned_sharpness", "there is no sharpness without qk_norm", fix))
        return problems + not_positive(self, "sharpness")


def head_width(shape: ModelShape) -> int:
    """Dimensions of a head."""
    return shape.width // shape.heads


@dataclass(frozen=True, kw_only=True)
class ModelSpec(ModelShape):
    """The model: its shape, and how many pieces its tokenizer has."""

    vocab_size: int

    def problems(self) -> list[Problem]:
        if not 2 <= self.vocab_size <= MOST_TOKENS:
            return [("vocab_size", f"{self.vocab_size} pieces", f"Give 2 to {MOST_TOKENS}: token files are uint16")]
        return super().problems()
