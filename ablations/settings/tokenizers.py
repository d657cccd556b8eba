"""What a user may write about the tokenizers of a study: one for all, one for each source, or one for each arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from curation.runtime.config import build, merged
from curation.runtime.errors import ConfigError
from tokenizer.settings import TokenizerSettings

SHARED = "main"


class ArmTokenizer(TokenizerSettings):
    """How the text of arms becomes pieces.

    Args:
        of: `study`, one tokenizer of all real sources, which all arms share; `source`, one of the source that an arm is made of; or
            `arm`, one of the sources of the arm, in its proportions.
    """

    of: Literal["study", "source", "arm"] = "study"


@dataclass(frozen=True)
class NamedTokenizer:
    """A tokenizer of a study before it is trained: what it is called in files, and all that it depends on besides the text."""

    name: str
    settings: TokenizerSettings

    @property
    def key(self) -> str:
        """The same for arms that share it."""
        return f"{self.name} {self.settings.model_dump_json()}"


def said_of(study: ArmTokenizer, over: Mapping[str, Any], where: str) -> ArmTokenizer:
    """The study's settings with an arm's own merged in."""
    return build(ArmTokenizer, merged(study.model_dump(exclude_unset=True), over), where)


def tokenizer_of(
    study: ArmTokenizer, over: Mapping[str, Any], arm: str, mixture: Mapping[str, float], real: Sequence[str]
) -> NamedTokenizer:
    """The tokenizer of an arm.

    Args:
        study, over: settings of the study, and what the arm says of its own.
        mixture: sources and weights of the arm.
        real: all sources that are not controls.

    Raises:
        ConfigError: a setting cannot be used, or not with this arm.
    """
    where = f"arms.{arm}.tokenizer" if over else "tokenizer"
    said = said_of(study, over, where)
    plain = {name: getattr(said, name) for name in TokenizerSettings.model_fields}
    if said.of != "study" and (said.sources or said.weights):
        key = "sources" if said.sources else "weights"
        raise ConfigError(f"{where}.{key}: with of: {said.of} the arm says it. Leave {key} out.")
    if said.of == "study":
        sources, weights, name = said.sources or tuple(real), said.weights, SHARED
    elif len(mixture) == 1:
        sources, weights, name = tuple(mixture), {}, next(iter(mixture))
    elif said.of == "source":
        raise ConfigError(
            f"arm {arm}: it mixes {' and '.join(mixture)}, and tokenizer.of is source. Write of: arm or study."
        )
    else:
        sources, weights = tuple(s for s in real if s in mixture), dict(mixture)
        name = "-".join(sources)
    return NamedTokenizer(name, TokenizerSettings(**{**plain, "sources": sources, "weights": weights}))
