"""Emergence is counted over seeds: which cells have emerged, and how often a verdict on them is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ablations.claims.base import Claim
from ablations.claims.differs import Differs
from ablations.claims.onset_earlier import OnsetEarlier
from ablations.claims.registry import make_claim
from ablations.claims.share_differs import ShareDiffers
from ablations.claims.share_emerges import ShareEmerges
from ablations.claims.verdicts import decide, judge
from ablations.core.results.answers import GroupAnswers, Score, TaskAnswers
from ablations.core.results.readings import Reading
from ablations.statistics.cell_result import CellResult
from ablations.statistics.emergence import Emerged, Limits, emerged, emerged_above
from ablations.statistics.measures import Measures
from ablations.statistics.shares import (
    difference_interval,
    difference_p,
    log_rank_p,
    restricted_difference,
    share_interval,
    share_p,
)
from curation.runtime.errors import ConfigError

EVEN = Reading("heads", 0.006, "share", None, "even", "prefix_matching.even", n={"heads": 2})
GAIN = Reading(
    "few_shot", 0.0, "nats", "higher", "gain", "permuted_minus_gold", task="control_map", k=8, n={"items": 1}
)
POINTS = tuple(range(0, 1100, 100))


def cell(arm: str, seed: int, curve: Sequence[float], saved: float = 0.2, heads: int = 1) -> CellResult:
    """One whose prefix matching goes along a curve, in turn in so many heads."""
    details = [
        (
            at,
            {
                "heads": [
                    {"layer": 1, "head": h, "prefix_matching": value if h == i % heads else 0.0} for h in range(heads)
                ]
            },
        )
        for i, (at, value) in enumerate(zip(POINTS, curve, strict=True))
    ]
    curves = {"repeated_tokens.first_minus_second": [(at, saved) for at in POINTS]}
    return CellResult(f"{arm}_{seed}", arm, seed, {EVEN.name: EVEN}, curves=curves, curve_details={"heads": details})


def rising(at: int | None) -> list[float]:
    """Above the limit from a point on; never where it is None."""
    return [0.2 if at is not None and tokens >= at else 0.004 for tokens in POINTS]


@pytest.mark.parametrize(
    ("curve", "changes", "at"),
    [
        (rising(400), {}, 400),
        (rising(None), {}, None),
        (rising(1000), {}, None),  # the last point alone decides nothing
        ([0.2 if tokens in (300, 700) else 0.0 for tokens in POINTS], {}, None),  # noise
        ([0.2 if tokens in (300, 700, 800) else 0.0 for tokens in POINTS], {}, 700),
        (rising(400), {"saved": 0.04}, None),  # nothing is copied
        (rising(400), {"heads": 2}, None),  # never the same head twice in a row
        ([0.04] * 11, {}, None),
    ],
    ids=str,
)
def test_a_seed_has_emerged_when_one_head_is_above_the_limit_twice_in_a_row(
    curve: list[float], changes: dict[str, Any], at: int | None
) -> None:
    assert emerged(cell("a", 0, curve, **changes), Limits()) == Emerged(at, 900)


def test_the_limit_is_three_times_even_attention_where_that_is_more() -> None:
    assert emerged(cell("a", 0, [0.015] * 11), Limits(prefix_matching=0.01)) == Emerged(None, 900)
    assert emerged(cell("a", 0, [0.02] * 11), Limits(prefix_matching=0.01)) == Emerged(0, 900)


def test_a_cell_whose_curve_was_not_measured_says_nothing() -> None:
    assert emerged(CellResult("a", "a", 0, {}), Limits()) is None
    (verdict,) = judge([ShareEmerges(arm="a")], Measures.of_cells([CellResult("a", "a", 0, {})]))
    assert verdict.why == "arm a has no finished cell whose heads and repeats were measured twice after the start"


COPYING = "context_gain.news.order"


@pytest.mark.parametrize(
    ("curve", "at"),
    [
        ([0.0] * 4 + [0.11] * 7, 400),
        ([0.0] * 10 + [0.5], None),  # the last point alone decides nothing
        ([0.5 if i in (3, 5, 6) else 0.1 for i in range(11)], 500),
        ([0.1] * 11, None),
    ],
    ids=str,
)
def test_a_measure_has_emerged_when_it_is_above_its_level_twice_in_a_row(curve: list[float], at: int | None) -> None:
    """Copying on text, say, in cells of which no head matches prefixes of random pieces."""
    copied = replace(cell("a", 0, rising(None)), curves={COPYING: list(zip(POINTS, curve, strict=True))})
    assert emerged_above(copied, COPYING, 0.1) == Emerged(at, 900)
    claim = ShareEmerges(arm="a", measure=COPYING)
    (verdict,) = judge([claim], Measures.of_cells([replace(copied, seed=seed) for seed in range(8)]))
    assert verdict.outcome == ("supported" if at else "contradicted")
    assert verdict.measures == (COPYING,)
    assert (
        f"{COPYING} emerges in more than 0.5 of the seeds of arm a (above 0.1 at two evaluations in a row)"
        in verdict.sentence
    )
    assert not claim.compares_tokenizers()
    assert ShareEmerges(arm="a").compares_tokenizers()
    few = replace(copied, curves={COPYING: [(0, 1.0), (1000, 1.0)]})
    assert emerged_above(few, COPYING, 0.1) is None
    assert emerged_above(cell("a", 0, rising(400)), COPYING, 0.1) is None
    (verdict,) = judge([claim], Measures.of_cells([few]))
    assert verdict.why == f"arm a has no finished cell whose {COPYING} was measured twice after the start"


@pytest.mark.parametrize("points", [(0,), (0, 1000)])
def test_a_run_that_was_measured_once_after_the_start_says_nothing(points: tuple[int, ...]) -> None:
    """Two evaluations in a row cannot be: it has neither emerged nor failed to."""
    whole = cell("a", 0, rising(0))
    few = replace(
        whole,
        curves={name: [(at, value) for at, value in curve if at in points] for name, curve in whole.curves.items()},
        curve_details={"heads": [(at, each) for at, each in whole.curve_details["heads"] if at in points]},
    )
    assert emerged(few, Limits()) is None
    (verdict,) = judge([ShareEmerges(arm="a")], Measures.of_cells([replace(few, seed=seed) for seed in range(8)]))
    assert verdict.outcome == "undecided"


@pytest.mark.parametrize("kind", [ShareDiffers, OnsetEarlier])
@pytest.mark.parametrize("end", [600, 900])
def test_what_the_shorter_of_two_runs_could_not_have_shown_does_not_count(kind: Any, end: int) -> None:
    """Both arms have one onset, which the shorter run ends too early to show."""
    shorter = [cell("a", seed, rising(end)) for seed in range(8)]
    points = [at for at in POINTS if at <= end]
    shorter = [
        replace(
            each,
            curves={name: [(at, value) for at, value in curve if at in points] for name, curve in each.curves.items()},
            curve_details={"heads": [(at, value) for at, value in each.curve_details["heads"] if at in points]},
        )
        for each in shorter
    ]
    longer = [cell("b", seed, rising(end)) for seed in range(8)]
    for names in (("a", "b"), ("b", "a")):
        (verdict,) = judge([kind(arm_a=names[0], arm_b=names[1])], Measures.of_cells([*shorter, *longer]))
        assert verdict.outcome == "undecided"
        assert f"0 of 8 seeds against 0 of 8 seeds within {end - 100} tokens" in verdict.why.replace(
            "0 of 8 within", "0 of 8 seeds within"
        )


def study(**arms: Sequence[int | None]) -> Measures:
    return Measures.of_cells(
        cell(arm, seed, rising(at)) for arm, seeds in arms.items() for seed, at in enumerate(seeds)
    )


@pytest.mark.parametrize(
    ("claim", "arms", "outcome"),
    [
        (ShareEmerges(arm="a"), {"a": [300] * 6}, "supported"),
        (ShareEmerges(arm="a"), {"a": [300] * 5}, "undecided"),
        (ShareEmerges(arm="a"), {"a": [None] * 6}, "contradicted"),
        (ShareEmerges(arm="a"), {"a": [300] * 7 + [None]}, "undecided"),
        (ShareEmerges(arm="a"), {"a": [300] * 9 + [None]}, "supported"),
        (ShareEmerges(arm="a", more_than=0.2), {"a": [300] * 5 + [None]}, "supported"),
        (ShareDiffers(arm_a="a", arm_b="b"), {"a": [300] * 6, "b": [None] * 6}, "supported"),
        (ShareDiffers(arm_a="a", arm_b="b"), {"a": [300] * 4 + [None] * 2, "b": [300] + [None] * 5}, "undecided"),
        (OnsetEarlier(arm_a="a", arm_b="b"), {"a": [200] * 6, "b": [600] * 6}, "supported"),
        (OnsetEarlier(arm_a="a", arm_b="b"), {"a": [200] * 6, "b": [None] * 6}, "supported"),
        (OnsetEarlier(arm_a="b", arm_b="a"), {"a": [200] * 6, "b": [600] * 6}, "contradicted"),
        (OnsetEarlier(arm_a="a", arm_b="b"), {"a": [None] * 6, "b": [None] * 6}, "undecided"),
        (OnsetEarlier(arm_a="a", arm_b="b"), {"a": [200, 500, 300, 600, None], "b": [300, 600, 200, None, 500]}, "undecided"),
    ],
)  # fmt: skip
def test_verdicts_on_counts(claim: Claim, arms: dict[str, list[int | None]], outcome: str) -> None:
    (verdict,) = judge([claim], study(**arms))
    assert verdict.outcome == outcome, verdict.why
    assert "heads.prefix_matching.max above 0.05" in verdict.sentence


def test_a_verdict_says_what_was_counted() -> None:
    (verdict,) = judge([ShareEmerges(arm="a")], study(a=[300] * 6))
    assert verdict.why.startswith("6 of 6 seeds, a share of 0.54 to 1.00; the interval excludes zero")
    (verdict,) = judge([OnsetEarlier(arm_a="a", arm_b="b")], study(a=[200] * 6, b=[600] * 5 + [None]))
    assert verdict.why.startswith("6 of 6 seeds against 5 of 6 seeds within 900 tokens")
    assert verdict.effect == pytest.approx((5 * 600 + 900) / 6 - 200)


@given(st.integers(1, 30), st.data())
def test_the_exact_interval_holds_the_shares_that_the_exact_test_does_not_refuse(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    low, high = share_interval(k, n)
    for share in np.linspace(0.01, 0.99, 25):
        assert (share_p(k, n, share) >= 0.05 - 1e-9) == (low - 1e-9 <= share <= high + 1e-9)


def test_shares_of_two_arms_agree_with_published_examples() -> None:
    """Newcombe 1998, table II: 56/70 less 48/80, method 10, and 9/10 less 3/10."""
    assert difference_interval(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert difference_interval(9, 10, 3, 10) == pytest.approx((0.1705, 0.8090), abs=1e-4)
    assert difference_p(5, 5, 0, 5) == pytest.approx(2 / 252)


def slow_log_rank(a: Sequence[float], b: Sequence[float], limit: float) -> float:
    """The statistic by its definition: events seen in a less those expected there, over all times."""
    total = 0.0
    for time in sorted({each for each in (*a, *b) if each <= limit}):
        risk_a, risk = sum(x >= time for x in a), sum(x >= time for x in (*a, *b))
        events_a, events = sum(x == time for x in a), sum(x == time for x in (*a, *b))
        total += events_a - events * risk_a / risk
    return total


@given(
    st.lists(st.sampled_from([1.0, 2.0, 3.0, np.inf]), min_size=2, max_size=4),
    st.lists(st.sampled_from([1.0, 2.0, 3.0, np.inf]), min_size=2, max_size=4),
)
def test_the_log_rank_p_is_that_of_all_exchanges_of_the_defined_statistic(a: list[float], b: list[float]) -> None:
    pool, observed = [*a, *b], abs(slow_log_rank(a, b, 3.0))
    hits = all_ = 0
    for chosen in product([0, 1], repeat=len(pool)):
        if sum(chosen) == len(a):
            ones = [x for x, c in zip(pool, chosen, strict=True) if c]
            others = [x for x, c in zip(pool, chosen, strict=True) if not c]
            all_ += 1
            hits += abs(slow_log_rank(ones, others, 3.0)) >= observed - 1e-9
    assert log_rank_p(a, b, 3.0) == pytest.approx(hits / all_)


def test_onsets_that_were_not_seen_count_as_the_end_of_the_run_in_the_mean() -> None:
    effect, interval = restricted_difference([100.0, 200.0, np.inf], [np.inf, np.inf, 400.0], 500)
    assert effect == pytest.approx((500 + 500 + 400) / 3 - (100 + 200 + 500) / 3)
    assert interval is not None
    assert interval[0] < effect < interval[1]
    assert restricted_difference([np.inf] * 3, [np.inf] * 3, 500) == (0.0, None)


SHARES = (0.05, 0.1, 0.2, 0.5)
STUDIES = 2000


def simulated(share: float, rng: np.random.Generator, seeds: int) -> Measures:
    """Two arms whose seeds emerge with this chance at any time; where they do, permuted labels cost 5 nats."""
    cells = []
    for arm in ("a", "b"):
        for seed in range(seeds):
            happened = rng.random() < share
            at = int(rng.integers(0, 9)) * 100 if happened else None
            made = cell(arm, seed, rising(at))
            values = rng.normal(5.0 * happened, 0.05, 6)
            groups = tuple(
                GroupAnswers(8, condition, 0, tuple(Score(str(i), 0, (-x,), (1,)) for i, x in enumerate(losses)))
                for condition, losses in (("gold", np.ones(6)), ("permuted", 1 + values))
            )
            gain = Reading(**{**vars(GAIN), "value": float(values.mean())})
            readings = {**made.readings, gain.name: gain}
            cells.append(
                CellResult(made.cell, arm, seed, readings, {"control_map": TaskAnswers("control_map", groups)},
                           curves=made.curves, curve_details=made.curve_details)
            )  # fmt: skip
    return Measures.of_cells(cells)


def wrong(claim: Claim, share: float, outcome: str) -> bool:
    """Whether an outcome is false where both arms emerge in the same share of seeds."""
    match claim:
        case ShareEmerges():
            truth = share > claim.more_than
            return outcome == ("contradicted" if truth else "supported")
        case Differs() | ShareDiffers() | OnsetEarlier():
            return outcome != "undecided"
    raise AssertionError(claim)


CLAIMS: dict[str, Claim] = {
    "more than half": ShareEmerges(arm="a"),
    "more than a twentieth": ShareEmerges(arm="a", more_than=0.04),
    "more than a fifth": ShareEmerges(arm="a", more_than=0.2),
    "share differs": ShareDiffers(arm_a="a", arm_b="b"),
    "onset earlier": OnsetEarlier(arm_a="a", arm_b="b"),
    "differs": Differs(arm_a="a", arm_b="b", smallest=0.05),
}


@pytest.mark.simulation
@pytest.mark.parametrize("seeds", [8])
@pytest.mark.parametrize("share", SHARES)
def test_no_kind_of_claim_ends_wrongly_in_more_than_five_of_a_hundred_studies_of_a_switch(
    share: float, seeds: int
) -> None:
    """Each claim is the only one of its study, so that no adjustment makes up for anything."""
    rng = np.random.default_rng(int(100 * share) + seeds)
    found = dict.fromkeys(CLAIMS, 0)
    for _ in range(STUDIES):
        measures = simulated(share, rng, seeds)
        for name, claim in CLAIMS.items():
            (decision,) = decide([claim.estimates(measures)])
            found[name] += wrong(claim, share, decision.outcome)
    most = stats.binom.ppf(0.99, STUDIES, 0.05)
    assert all(count <= most for count in found.values()), found


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"measure": COPYING, "prefix_matching": 0.1}, f"and this claim counts seeds by {COPYING}. Leave one of them out"),
        ({"measure": COPYING, "repeats": 0.06}, "repeats is a limit of induction heads"),
        ({"above": 0.2}, "above is the limit of a measure, and none is named. Write measure: context_gain.SOURCE.order"),
    ],
    ids=str,
)  # fmt: skip
def test_a_limit_that_would_not_be_used_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        make_claim({"share_emerges": {"arm": "a", **settings}}, (), "claims[0]")


@pytest.mark.parametrize(
    "settings", [{}, {"measure": COPYING}, {"measure": COPYING, "above": 0.2}, {"repeats": 0.1}], ids=str
)
def test_a_claim_that_was_written_out_is_read_again(settings: dict[str, Any]) -> None:
    claim = make_claim({"share_emerges": {"arm": "a", **settings}}, (), "claims[0]")
    assert make_claim(claim.model_dump(mode="json"), (), "claims[0]") == claim
