"""Sources that a run would read many times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from ablations.evidence.design.base import Design, DesignCheck
from ablations.prompts.fitting import BYTES_A_TOKEN

MOST = 4.0  # up to which tokens are worth nearly as much as new ones: Muennighoff et al. 2023, https://arxiv.org/abs/2305.16264


class ManyRepetitions(DesignCheck):
    """A source is read more than four times: worth less than new text, and learned by heart."""

    kind: ClassVar[str] = "many_repetitions"
    refuses: ClassVar[bool] = False

    def facts(self, design: Design) -> Iterator[str]:
        for (arm, source), read in design.repetitions.items():
            if read.text_bytes is None:
                yield f"{arm} reads {source} {read.times:.2f} times"
            else:
                yield (
                    f"{arm} reads {source} about {read.times:.2f} times: an estimate from its {read.text_bytes:,.0f} bytes, "
                    f"{BYTES_A_TOKEN} a token"
                )
        arms = {arm for (arm, _), read in design.repetitions.items() if read.text_bytes is None}
        if design.study.arms.keys() - arms:
            yield "how often each source is read is known once the text is encoded; `loam ablate pack` and the report say it too"

    def concerns(self, design: Design) -> Iterator[str]:
        for (arm, source), read in design.repetitions.items():
            if read.times > MOST:
                about = "" if read.text_bytes is None else "about "
                yield (
                    f"arms.{arm}: {source} is read {about}{read.times:.1f} times, and beyond {MOST:g} repeated text is worth less "
                    "than new. Lower cells.schedule.tokens, or give it more text"
                )
