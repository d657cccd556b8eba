"""Adjustment for asking several questions.

Registered claims: Holm 1979, https://www.jstor.org/stable/4615733; below alpha together they are wrong in any of them with a chance
of alpha at most. Everything else: Benjamini and Hochberg 1995, https://doi.org/10.1111/j.2517-6161.1995.tb02031.x; of what is
below alpha a share of alpha is expected to be wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values in the order given.

    Written out, as statsmodels collects the garbage of the whole process at each call of its own: 0.1 seconds and more.
    """
    ps = np.asarray(p_values, np.float64)
    order = np.argsort(ps)
    adjusted = np.empty_like(ps)
    adjusted[order] = np.minimum(np.maximum.accumulate(ps[order] * np.arange(len(ps), 0, -1)), 1.0)
    return [float(p) for p in adjusted]


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values (q) in the order given."""
    # a second to load, and many commands never adjust
    from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]

    return [float(p) for p in multipletests(p_values, method="fdr_bh")[1]] if len(p_values) else []
