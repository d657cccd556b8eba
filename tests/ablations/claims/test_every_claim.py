"""What is true of every kind of claim, now and later: a new file in `ablations/claims` is tested without a new test."""

from __future__ import annotations

from typing import Any, get_origin

import pytest

from ablations.claims.base import Claim
from ablations.claims.registry import CLAIMS, make_claim
from ablations.claims.verdicts import judge
from ablations.report.drawing.verdicts import OUTCOMES
from ablations.statistics.measures import Measures
from curation.runtime.errors import ConfigError


def example(cls: type[Claim]) -> Claim:
    """With a value of its own for each setting that has no default."""
    values: dict[str, Any] = {}
    for number, (name, field) in enumerate(cls.model_fields.items()):
        if field.is_required():
            kinds = {str: f"name_{number}", float: 0.5 + number, int: 1 + number}
            many = get_origin(field.annotation) is tuple
            values[name] = (f"name_{number}",) if many else kinds[field.annotation]  # type: ignore[index]
    return cls(**values)


CLASSES = CLAIMS.classes()
every_claim = pytest.mark.parametrize("claim", [example(cls) for cls in CLASSES.values()], ids=CLASSES)


@every_claim
def test_a_claim_says_what_it_is(claim: Claim) -> None:
    assert CLAIMS.catalogue()[claim.kind]
    assert not claim.sentence().endswith("."), "its outcome follows"
    for name in (*claim.arms_named(), *claim.tasks_named(), *claim.measures_named()):
        assert name in claim.sentence(), "a reader of the verdict sees what it is about"
    for outcome in OUTCOMES:
        assert claim.short(outcome, 0.1).endswith(".")


@every_claim
def test_a_claim_about_cells_that_have_not_run_is_undecided_and_says_why(claim: Claim) -> None:
    (verdict,) = judge([claim], Measures([]))
    assert (verdict.outcome, verdict.effect) == ("undecided", None)
    assert verdict.why


@every_claim
def test_a_claim_can_be_planned(claim: Claim) -> None:
    """Else `loam ablate plan` stops at a study that registers it."""
    assert claim.planned_measure()
    if claim.counts_over == "seed":
        assert {arm for pair in claim.compared() for arm in pair if arm} == set(claim.arms_named())
    else:
        assert claim.least_arms > 2
        assert claim.seen_over_arms(claim.least_arms, 0.05) != 0


@every_claim
def test_a_claim_is_written_in_two_ways_and_a_wrong_setting_is_refused(claim: Claim) -> None:
    settings = claim.model_dump(exclude={"kind"})
    assert (
        make_claim({claim.kind: settings}, (), "claims.0")
        == claim
        == make_claim({"kind": claim.kind, **settings}, (), "claims.0")
    )
    assert claim.key() == make_claim({claim.kind: settings}, (), "claims.0").key()
    with pytest.raises(ConfigError, match=r"claims\.0.*nonsense"):
        make_claim({claim.kind: {**settings, "nonsense": 1}}, (), "claims.0")


@every_claim
def test_what_was_expected_stands_beside_the_claim_and_in_its_verdict(claim: Claim) -> None:
    settings = {name: value for name, value in claim.model_dump(exclude_unset=True).items() if name != "kind"}
    made = make_claim({claim.kind: settings, "expected": "supported", "because": "a pilot said so."}, (), "claims.0")
    (verdict,) = judge([made], Measures([]))
    assert (verdict.expected, verdict.because) == ("supported", "a pilot said so")


@every_claim
def test_one_nuisance_needs_no_list(claim: Claim) -> None:
    settings = {name: value for name, value in claim.model_dump(exclude_unset=True).items() if name != "kind"}
    one, listed = (
        make_claim({claim.kind: settings, "robust_over": said}, (), "claims.0")
        for said in ("learning_rate", ["learning_rate"])
    )
    assert one == listed
    assert one.robust_over == ("learning_rate",)


@every_claim
def test_a_claim_that_came_after_a_look_is_not_judged_with_the_registered_ones(claim: Claim) -> None:
    later = claim.model_copy(update={"after_a_look": True})
    assert judge([later], Measures([])) == []
