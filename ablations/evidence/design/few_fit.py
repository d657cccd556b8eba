"""Numbers of demonstrations that most prompts of a task have no room for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from ablations.evidence.design.base import Design, DesignCheck
from ablations.prompts.fitting import BYTES_A_TOKEN, LEAST_FITTING
from curation.dashboard.numbers import listed


class FewFit(DesignCheck):
    """At some number of demonstrations fewer than 95 % of a task's prompts fit in the context."""

    kind: ClassVar[str] = "few_fit"
    refuses: ClassVar[bool] = True

    def concerns(self, design: Design) -> Iterator[str]:
        for (task, context), shares in design.fitting.items():
            few = {k: share for k, share in shares.items() if share < LEAST_FITTING}
            if few:
                said = listed([f"{share:.0%} at k = {k}" for k, share in sorted(few.items())])
                yield (
                    f"task {task}: in a context of {context} tokens fit {said} of its prompts, and {LEAST_FITTING:.0%} is needed, "
                    "or a curve over k is one over ever shorter questions. Take these k out of shots, or raise cells.model.context"
                )

    def facts(self, design: Design) -> Iterator[str]:
        if design.expected and any(design.fitting.values()):
            yield f"which prompts fit is expected at {BYTES_A_TOKEN} bytes a token, and known once the text is encoded"
