"""The tokenizer, which moves the onset of induction heads as much as the corpus does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ablations.settings.cells import CellSettings
from ablations.settings.nuisances.base import Change, Nuisance
from ablations.settings.tokenizers import ArmTokenizer

SHARED, OWN = "one tokenizer for all arms", "a tokenizer of each arm's own"


class Tokenizer(Nuisance):
    """One tokenizer that all arms share, and one of each arm's own."""

    kind: ClassVar[str] = "tokenizer"

    def as_it_is(self, cells: CellSettings, tokenizer: ArmTokenizer) -> str:
        return SHARED if tokenizer.of == "study" else OWN

    def variants(self, cells: CellSettings, tokenizer: ArmTokenizer) -> Mapping[str, Change]:
        if tokenizer.of == "study":
            return {"own_pieces": Change(OWN, tokenizer={"of": "arm", "sources": None, "weights": None})}
        return {"shared_pieces": Change(SHARED, tokenizer={"of": "study"})}
