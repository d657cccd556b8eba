"""The tokenizer, which moves the onset of induction heads as much as the corpus does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from ablations.settings.nuisances.base import Change, Nuisance, VariedArm

SHARED = "one tokenizer of the study's text for all arms"
OWN = "a tokenizer of each arm's own text"
AS_WRITTEN = "the tokenizers that the study gives to its arms"


class Tokenizer(Nuisance):
    """One tokenizer that all arms share, and one of each arm's own.

    The shared one is as the study's `tokenizer` says, whatever an arm says of its own; those of each arm's own text keep what the
    arm says, such as a size. Where arms share no tokenizer and not all have their own, the claim is tried as written and with both.
    """

    kind: ClassVar[str] = "tokenizer"

    def as_it_is(self, compared: Sequence[VariedArm]) -> str:
        tokenizers = [arm.tokenizer for arm in compared]
        if all(each.of != "study" for each in tokenizers):
            return OWN
        return SHARED if all(each == tokenizers[0] for each in tokenizers) else AS_WRITTEN

    def variants(self, arm: VariedArm, compared: Sequence[VariedArm]) -> Mapping[str, Change]:
        own = {"of": "arm", "sources": None, "weights": None} if arm.tokenizer.of == "study" else {}
        changes = {
            "shared_pieces": Change(SHARED, tokenizer={"of": "study"}, instead=True),
            "own_pieces": Change(OWN, tokenizer=own),
        }
        now = self.as_it_is(compared)
        return {name: change for name, change in changes.items() if change.words != now}
