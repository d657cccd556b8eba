"""What a verdict says of the other values of a nuisance, and what these cost."""

from __future__ import annotations

from pathlib import Path

from two_arms import DIFFERS, MEASURE, loaded

from ablations.core.results.readings import Reading
from ablations.evidence import power
from ablations.evidence.design.base import Design
from ablations.evidence.pilot import Pilot
from ablations.report.answer import answer_of
from ablations.report.contents import Instrument
from ablations.settings.variants import variants_of_claim
from ablations.statistics.cell_result import CellResult
from ablations.statistics.measures import Measures
from ablations.study.drafts import drafts
from ablations.study.robust import one_rate, robust_verdicts

NOISE = (0.011, 0.002, 0.017, 0.006, 0.013)


def measured(levels: dict[str, float], seeds: int = 5) -> Measures:
    return Measures.of_cells(cells(levels, seeds))


def cells(levels: dict[str, float], seeds: int = 5) -> list[CellResult]:
    """Bits per byte of arms, with noise."""
    return [
        CellResult(f"{arm}_{seed}", arm, seed, {MEASURE: Reading(
            "bits_per_byte", level + NOISE[(seed + len(arm)) % 5], "bits", "lower", "", source="web")})
        for arm, level in levels.items() for seed in range(seeds)
    ]  # fmt: skip


ONE, THIRD, TRIPLE = (f"{factor} x the learning rate" for factor in ("1", "0.3", "3"))
RATES = {**DIFFERS, "robust_over": ["learning_rate"]}


def test_a_verdict_says_where_else_it_holds(tmp_path: Path) -> None:
    study, _ = loaded(tmp_path, {**DIFFERS, "robust_over": ["learning_rate"]})
    ((kind, variants),) = variants_of_claim(study, study.claims[0])
    assert kind == "learning_rate"
    assert [variant.words for variant in variants] == [f"{factor} x the learning rate" for factor in ("1", "0.3", "3")]
    arms = {
        f"{arm}{end}": level
        for arm, level in (("web", 1.0), ("forum", 2.0))
        for end in ("", "_rate_third", "_rate_triple")
    }
    (verdict,) = robust_verdicts(study, measured(arms))
    assert verdict.outcome == "supported"
    assert verdict.robust == (
        "supported in all of them: 1 x the learning rate, 0.3 x the learning rate, 3 x the learning rate",
    )
    (verdict,) = robust_verdicts(study, measured({**arms, "forum_rate_triple": 1.0}))
    assert verdict.robust == (
        "supported only at 1 x the learning rate and 0.3 x the learning rate; undecided at 3 x the learning rate",
    )


def test_a_difference_that_turns_round_is_not_called_the_same(tmp_path: Path) -> None:
    """The very case that the learning rate is varied for: rankings of corpora that flip with it."""
    study, _ = loaded(tmp_path, RATES)
    ends = {"": (1.0, 2.0), "_rate_third": (2.0, 1.0), "_rate_triple": (2.0, 1.0)}
    flips = {f"{arm}{end}": levels[place] for end, levels in ends.items() for place, arm in enumerate(("web", "forum"))}
    (verdict,) = robust_verdicts(study, measured(flips))
    assert (verdict.outcome, verdict.direction) == ("supported", "web is better")
    told = f"supported only at {ONE}; the other way round at {THIRD} and {TRIPLE}"
    assert verdict.robust == (told,)
    instrument = Instrument(True, "", ())
    assert answer_of([verdict], instrument, {}).endswith(f" ({told}).")
    (verdict,) = robust_verdicts(study, measured({**flips, "web_rate_third": 1.0, "forum_rate_third": 2.0}))
    assert verdict.robust == (f"supported only at {ONE} and {THIRD}; the other way round at {TRIPLE}",)


def test_a_share_of_seeds_that_turns_round_is_not_called_the_same(tmp_path: Path) -> None:
    study, _ = loaded(
        tmp_path, {"share_differs": {"arm_a": "web", "arm_b": "forum"}, "robust_over": ["learning_rate"]}, seeds=6
    )
    switches = [
        switched(f"{arm}{end}", seed, on=(arm == "web") == (end == ""))
        for arm in ("web", "forum")
        for end in ("", "_rate_third", "_rate_triple")
        for seed in range(6)
    ]
    (verdict,) = robust_verdicts(study, Measures.of_cells(switches))
    assert verdict.direction == "more often in web"
    assert verdict.robust == (f"supported only at {ONE}; the other way round at {THIRD} and {TRIPLE}",)


def switched(arm: str, seed: int, on: bool) -> CellResult:
    """A cell in which an induction head emerged, or none did."""
    even = Reading("heads", 0.01, "share", None, "", reading="prefix_matching.even")
    heads = {"heads": [{"layer": 0, "head": 0, "prefix_matching": 0.5 if on else 0.0}]}
    return CellResult(
        f"{arm}_s{seed}", arm, seed, {even.name: even},
        curves={"repeated_tokens.first_minus_second": [(100, 1.0), (200, 1.0)]},
        curve_details={"heads": [(100, heads), (200, heads)]},
    )  # fmt: skip


def test_what_has_not_run_is_not_called_undecided(tmp_path: Path) -> None:
    study, _ = loaded(tmp_path, RATES)
    own, third = {"web": 1.0, "forum": 2.0}, {"web_rate_third": 1.0, "forum_rate_third": 2.0}
    begun = Measures.of_cells([*cells(own), *cells(third, seeds=2)])
    said = {
        f"supported so far at {ONE}; not run yet at {THIRD} and {TRIPLE}": measured(own),
        f"supported so far at {ONE} and {THIRD}; not run yet at {TRIPLE}": measured(own | third),
        f"supported so far at {ONE}; undecided with 2 of 5 seeds at {THIRD}; not run yet at {TRIPLE}": begun,
        f"supported only at {ONE}; the other way round at {THIRD}; not run yet at {TRIPLE}": measured(
            own | {"web_rate_third": 2.0, "forum_rate_third": 1.0}
        ),
        f"not run yet at {ONE} and {TRIPLE}; supported at {THIRD}": measured(third),
        f"not run yet in all of them: {ONE}, {THIRD}, {TRIPLE}": measured({}),
    }
    for told, measures in said.items():
        (verdict,) = robust_verdicts(study, measures)
        assert verdict.robust == (told,)


def test_a_report_says_once_of_which_verdicts_the_learning_rate_was_not_varied(tmp_path: Path) -> None:
    """It is a nuisance of every verdict."""
    other = {"size_effect": {"small": "web", "large": "forum", "measure": MEASURE}}
    alone, _ = loaded(tmp_path, other)
    assert one_rate(alone).startswith("Every verdict here is about the one learning rate that was run. ")
    assert "at 0.3 and 3 times it" in one_rate(alone)
    assert one_rate(loaded(tmp_path, RATES, claims=[RATES, other])[0]).startswith("Verdict 2: each is about the one ")
    assert one_rate(loaded(tmp_path, RATES)[0]) == ""
    assert one_rate(loaded(tmp_path, other, best_of="learning_rate")[0]) == ""
    assert one_rate(loaded(tmp_path, other, claims=[])[0]) == ""


def test_the_plan_says_what_robust_over_costs(tmp_path: Path) -> None:
    study, _ = loaded(tmp_path, RATES)
    none = Pilot(Measures.of_cells([]))
    seconds = [(draft.arm, 3600.0) for draft in drafts(study)]
    *_, robust = power.lines(power.study_power(study, none, Design.of(study), seconds))
    assert robust == "20 of the cells are there for robust_over, 20 of the hours"
    unknown = power.study_power(study, none, Design.of(study))
    assert power.lines(unknown)[-1] == "20 of the cells are there for robust_over"
    plain, _ = loaded(tmp_path, DIFFERS)
    planned = power.study_power(plain, none, Design.of(plain))
    assert (planned.robust_cells, power.lines(planned)[-1]) == (0, f"{planned.cells} cells")
