"""The sentence with which a report opens."""

from __future__ import annotations

from typing import Any

import pytest

from ablations.claims.differs import Differs
from ablations.claims.verdicts import Verdict
from ablations.report.answer import answer_of
from ablations.report.contents import Instrument

WORKS, FAILED = Instrument(True, "", ()), Instrument(False, "", ())


def verdict(outcome: str, **other: Any) -> Verdict:
    values: dict[str, Any] = {
        "claim": "differs", "sentence": f"arms a and b differ in copying: {outcome} within this budget", "outcome": outcome,
        "effect": 0.152, "unit": "nats per repeat", "interval": (0.1, 0.2), "seeds": 6, "p": 0.01, "p_adjusted": 0.01,
        "smallest_effect": None, "why": "the interval includes zero", "evidence": (), "registered": True, "level": 0.95,
        "draws": None, "items": None, "permutation_p": None, "measures": (), "counts_over": "seed", "relation": False, "short": "",
    }  # fmt: skip
    return Verdict(**{**values, **other})


def test_what_was_decided_is_said_with_its_size_and_what_stayed_open_is_counted() -> None:
    told = answer_of([verdict("supported"), verdict("contradicted"), verdict("undecided")], WORKS, {})
    assert told == (
        "It is so that arms a and b differ in copying, by 0.152 nats per repeat (0.100 to 0.200); it is not so that arms a and b "
        "differ in copying, by 0.152 nats per repeat (0.100 to 0.200); 1 claim of 3 stayed open."
    )


@pytest.mark.parametrize(("effect", "interval", "better"), [(0.152, (0.1, 0.2), "a"), (-0.152, (-0.2, -0.1), "b")])
def test_which_side_of_a_difference_is_better_is_said_in_words(
    effect: float, interval: tuple[float, float], better: str
) -> None:
    claim = Differs(arm_a="a", arm_b="b", measure="copying")
    told = verdict("supported", effect=effect, interval=interval, direction=claim.direction(effect))
    assert answer_of([told], WORKS, {}) == (
        f"It is so that arms a and b differ in copying: {better} is better, by 0.152 nats per repeat (0.100 to 0.200)."
    )


def test_where_nothing_was_decided_the_first_reason_is_given() -> None:
    told = answer_of([verdict("undecided")], WORKS, {})
    assert (
        told
        == "Not answered: none of 1 registered claim could be decided, the first because the interval includes zero."
    )


def test_what_nobody_registered_answers_nothing() -> None:
    assert "exploratory" in answer_of([verdict("supported", registered=False)], WORKS, {})


def test_where_the_instrument_failed_there_is_no_answer() -> None:
    assert answer_of([verdict("supported")], FAILED, {}) == "No answer: the instrument failed its controls."


def test_many_claims_are_not_all_told_in_full() -> None:
    told = answer_of([verdict("supported")] * 5, WORKS, {})
    assert (told.count("It is so that"), told.count("; and that arms a")) == (1, 2)
    assert told.endswith("; 2 further claims decided, below.")


def test_measures_are_told_in_words() -> None:
    claim = verdict(
        "supported",
        sentence="arms a and b differ in context_gain.news.order: supported",
        measures=("context_gain.news.order",),
    )
    told = answer_of([claim], WORKS, {"context_gain.news.order": "what copying saves, news"})
    assert told.startswith("It is so that arms a and b differ in what copying saves, news, by 0.152 nats per repeat")
