"""Names of measures in words, for sentences and axes; a name that nobody described stays as it is."""

from __future__ import annotations

import re

_WORDS = (
    (r"few_shot\.(.+)\.k(\d+)\.permuted_minus_gold", r"what permuted labels cost in \1, k = \2"),
    (r"few_shot\.(.+)\.k0\.gold\.nll", r"NLL of the gold answer in \1, zero-shot"),
    (r"few_shot\.(.+)\.k(\d+)\.(\w+)\.nll", r"NLL of the gold answer in \1, k = \2, \3 demos"),
    (r"few_shot\.(.+)\.k(\d+)\.(\w+)\.(\w+)", r"\4 in \1, k = \2, \3 demos"),
    (r"bits_per_byte\.(.+)", r"bits per byte, \1"),
    (r"late_minus_early\.(.+)\.icl_score", r"ICL score (token 500 minus 50), \1"),
    (r"late_minus_early\.(.+)", r"late-minus-early loss, \1"),
    (r"repeated_tokens\.first_minus_second", "gain on a random sequence shown twice"),
    (r"heads\.(\w+)\.max", r"strongest head: \1"),
    (r"head_ablation\.(.+)\.top", r"what \1 loses without the top induction heads"),
    (r"head_ablation\.(.+)\.random", r"what \1 loses without as many other heads"),
)


def words(measure: str) -> str:
    """'few_shot.nsmc.k4.permuted_minus_gold' -> 'what permuted labels cost in nsmc, k = 4'."""
    for pattern, said in _WORDS:
        if found := re.fullmatch(pattern, measure):
            return found.expand(said).replace("_", " ") if measure.startswith("heads.") else found.expand(said)
    return measure
