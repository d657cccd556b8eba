"""C4's line and page rules as values. Source: Raffel et al. 2020, https://arxiv.org/abs/1910.10683, section 2.2."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from curation.annotators.base import Annotator, Column, Scores, Spans
from curation.text.batch import Batch
from curation.text.kernels import c4 as kernel
from curation.text.phrases import Phrases

PHRASES = {
    "lorem ipsum": kernel.FOUND_LOREM,
    "javascript": kernel.FOUND_JAVASCRIPT,
    **dict.fromkeys(
        ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies"),
        kernel.FOUND_POLICY,
    ),
}
KEYS = kernel.phrase_keys("psum", "avas", "f us", "olic", "ooki")  # each phrase holds one of them
KINDS = np.array(kernel.VERDICTS, dtype=object)


class C4(Annotator):
    """What C4 would do with each line of a page; given the same sentences the values are datatrove's.

    A line is judged by the first of these rules that it misses, its citations ("[1]", "[edit]") aside: no word of more than
    `most_word_chars`; ends with one of .?!"' but not with "..."; at least `least_line_words` words between spaces; does not speak
    of JavaScript or of a cookie or privacy policy. C4 drops a page when a line that is left by then holds "lorem ipsum" or a curly
    bracket, or when the lines that stay have fewer than five sentences together. The spans are all lines that miss a rule, blank
    ones excepted, so that a policy can cut kinds of them.
    """

    kind: Literal["c4"] = "c4"
    version: Literal[1] = 1
    least_line_words: int = Field(default=3, ge=0)
    most_word_chars: int = Field(default=1000, ge=1)

    columns: ClassVar = (
        Column("lines", unit="lines", type="int"),
        Column(
            "terminal_line_share",
            unit="lines ending in .?!\"' and not in ..., share of lines",
            range=(0, 1),
        ),
        Column("words_per_line", unit="words between spaces per line"),
        Column("cut_char_share", unit="share of characters in lines that C4 removes", range=(0, 1)),
        Column("sentences", unit="sentences in lines that stay", type="int"),
        Column("javascript", unit="lines removed for it", type="int"),
        Column("policy", unit="lines removed for it", type="int"),
        Column("lorem_ipsum", unit="lines with it that no rule above removes", type="int"),
        Column("curly_bracket", unit="lines with it that no rule above removes", type="int"),
        Column("spans", unit="lines that miss a rule, kind: the rule", type="spans", range=(None, None)),
    )
    examples: ClassVar = {
        "": (0, 0.0, 0.0, 0.0, 0, 0, 0, 0, 0, []),
        "A good line. It stays!\nHome\n\nToo short.\n": (
            *(4, 0.5, 2.0, 14 / 40, 2, 0, 0, 0, 0),
            [(23, 28, "no_terminal_punctuation"), (29, 40, "short_line")],
        ),
        'Please enable JavaScript now.\nWe use cookies here.\nif (a) { b "c"': (
            *(3, 1.0, 13 / 3, 49 / 65, 0, 1, 1, 0, 1),
            [(0, 30, "javascript"), (30, 51, "policy"), (51, 65, "curly_bracket")],
        ),
    }

    def score(self, batch: Batch) -> Scores:
        lines = batch.split_lines
        verdicts, counts, sums = kernel.judge_lines(
            *(batch.codes, batch.traits, batch.bounds, lines.start, lines.end, lines.offsets),
            *(self._phrases.following, self._phrases.bits, KEYS, self.least_line_words, self.most_word_chars),
        )
        sentences, terminal, words, cut = sums.T
        some = np.maximum(lines.count, 1)
        return {
            "lines": lines.count,
            "terminal_line_share": terminal / some,
            "words_per_line": words / some,
            "cut_char_share": cut / np.maximum(batch.chars, 1),
            "sentences": sentences,
            "javascript": counts[:, kernel.JAVASCRIPT],
            "policy": counts[:, kernel.POLICY],
            "lorem_ipsum": counts[:, kernel.LOREM],
            "curly_bracket": counts[:, kernel.CURLY],
            "spans": _spans(batch, verdicts),
        }

    @cached_property
    def _phrases(self) -> Phrases:
        return Phrases.of(PHRASES)


def _spans(batch: Batch, verdicts: np.ndarray) -> Spans:
    lines = batch.split_lines
    missed = np.flatnonzero((verdicts != kernel.KEPT) & (lines.end > lines.start))
    document = lines.document[missed]
    base = batch.bounds[document]
    stops = lines.after(batch.bounds)[missed]
    return Spans(document, lines.start[missed] - base, stops - base, KINDS[verdicts[missed]].tolist(), len(batch))
