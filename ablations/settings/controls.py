"""What a user may write about the controls of a study; merged into `configs/controls.yaml`."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from curation.runtime.config import Config
from curation.runtime.errors import one_of


class ControlSource(Config):
    """One control corpus of `configs/controls.yaml`: generated (`curation/sources/controls.py`), or the documents `of` another
    control source with one statistic changed (`curation/transforms/`)."""

    corpus: str | None = None
    shuffle_values: bool = False
    of: str | None = None
    transform: Any = None

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.corpus is None) != (self.of is not None and self.transform is not None):
            raise ValueError(
                "needs corpus: NAME, or of: CONTROL SOURCE together with transform: NAME. Write one of the two."
            )
        return self

    def settings(self, documents: int, tokens: int, seed: int) -> dict[str, Any]:
        """As a recipe's source."""
        if self.of is not None:
            return {"of": self.of, "transform": self.transform}
        said = {"corpus": self.corpus, "shuffle_values": self.shuffle_values}
        return {"kind": "controls", "documents": documents, "tokens": tokens, "seed": seed, **said}


class ControlArm(Config):
    """One control arm: the corpus it is trained on, what differs in its cells, and what must come out.

    Args:
        low, high: limits of the loss in nats that permuting the demos' labels costs at the largest k, in every seed.
    """

    source: str
    low: float | None = None
    high: float | None = None
    cells: dict[str, Any] = {}


class ControlSettings(Config):
    """The controls of a study. They come with every study: a null result needs an instrument that was shown to work."""

    documents: int = Field(ge=1)
    seed: int = 0
    items: int = Field(ge=1)
    sources: dict[str, ControlSource]
    arms: dict[str, ControlArm]
    cells: dict[str, Any]
    seeds: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _arms_have_sources(self) -> Self:
        for name, arm in self.arms.items():
            if arm.source not in self.sources:
                raise ValueError(f"arm {name}: {one_of(self.sources, arm.source, 'control source')}")
        return self
