"""The policy decides from scores alone: one reason a document, clear errors for names that nothing answers to."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.annotators.registry import make_all
from curation.policy.policy import Bound, Policy, Rules, is_chosen, reasons
from curation.runtime.config import build
from curation.runtime.errors import ConfigError

KINDS = ("char_classes", "exact_hash", "gopher_words", "keywords", "language", "pii", "repeated_lines")
ANNOTATORS = make_all([{"kind": kind} for kind in KINDS], (), "pass clean")
LABELS = set(ANNOTATORS)


def _rules(keep: dict[str, dict[str, dict[str, Any]]]) -> Rules:
    return build(Rules, {"keep": keep}, "policy")


def test_bounds_are_kept_and_nan_never_is() -> None:
    """A score that is no number says nothing good about a document; it must not slip through every rule."""
    values = np.array([0.9, 1, 2, 2.1, math.nan, math.inf, -math.inf])
    both = reasons(_rules({"a": {"x": {"min": 1, "max": 2}}}), {"a": {"x": values}}, 7)
    assert both == ["a.x:low", "", "", "a.x:high", "a.x:low", "a.x:high", "a.x:low"]
    most = reasons(_rules({"a": {"x": {"max": 2}}}), {"a": {"x": values}}, 7)
    assert most == ["", "", "", "a.x:high", "a.x:high", "a.x:high", ""]


def test_the_first_rule_missed_is_the_reason() -> None:
    """One reason a document, in the order that the user wrote: else the funnel does not add up."""
    rules = _rules({"b": {"y": {"max": 0}, "x": {"min": 1}}, "a": {"x": {"min": 1}}})
    scores = {"a": {"x": [0, 0, 1]}, "b": {"x": [0, 0, 1], "y": [1, 0, 0]}}
    assert reasons(rules, scores, 3) == ["b.y:high", "b.x:low", ""]


def test_names_are_kept_by_any_of() -> None:
    rules = _rules({"language": {"label": {"any_of": ["ko", "en"]}}})
    assert reasons(rules, {"language": {"label": ["ko", "", "de", "en"]}}, 4) == ["", *["language.label:other"] * 2, ""]


def test_no_rules_keep_everything_and_no_documents_have_no_reasons() -> None:
    assert reasons(Rules(), {}, 2) == ["", ""]
    assert reasons(_rules({"a": {"x": {"min": 1}}}), {"a": {"x": np.zeros(0)}}, 0) == []


NUMBERS = st.floats(-3, 3) | st.just(math.nan)
BOUNDS = st.tuples(st.none() | st.floats(-2, 0), st.none() | st.floats(0, 2)).filter(lambda pair: pair != (None, None))


@given(bounds=st.lists(BOUNDS, min_size=1, max_size=3), data=st.data())
def test_reasons_are_those_of_a_plain_loop(
    bounds: list[tuple[float | None, float | None]], data: st.DataObject
) -> None:
    documents = data.draw(st.lists(st.tuples(*[NUMBERS] * len(bounds)), max_size=8))
    keep = {
        f"s{i}": {k: v for k, v in zip(("min", "max"), bound, strict=True) if v is not None}
        for i, bound in enumerate(bounds)
    }
    scores = {"a": {f"s{i}": np.array([d[i] for d in documents], float) for i in range(len(bounds))}}

    def reason(document: tuple[float, ...]) -> str:
        for i, ((least, most), value) in enumerate(zip(bounds, document, strict=True)):
            if least is not None and not value >= least:
                return f"a.s{i}:low"
            if most is not None and not value <= most:
                return f"a.s{i}:high"
        return ""

    assert reasons(_rules({"a": keep}), scores, len(documents)) == [reason(d) for d in documents]


@pytest.mark.parametrize(
    ("bound", "message"),
    [
        ({}, "the rule is empty"),
        ({"min": 2, "max": 1}, "min 2.0 is above max 1.0"),
        ({"min": 1, "any_of": ["a"]}, "any_of goes with names"),
        ({"min": math.nan}, "finite"),
        ({"least": 1}, "Known: any_of, max, min"),
    ],
)
def test_a_bound_that_cannot_be_meant_is_refused(bound: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(Bound, bound, "policy")


def test_a_source_lays_its_rules_on_the_defaults_and_null_removes() -> None:
    policy = build(
        Policy,
        {
            "defaults": {
                "keep": {"gopher_words": {"words": {"min": 50, "max": 100}, "mean_word_chars": {"min": 2}}},
                "cut": {"keywords": "all"},
                "duplicates": "exact_hash",
            },
            "sources": {
                "short": {
                    "keep": {
                        "gopher_words": {"words": {"min": 5}, "mean_word_chars": None},
                        "pii": {"finds": {"max": 0}},
                    },
                    "cut": {"keywords": ["cookie_notice"]},
                    "duplicates": None,
                },
                "free": {"keep": None, "cut": None},
                "odd": {"keep": {"nowhere": {"never": None}}},
            },
        },
        "policy",
    )
    short, free = policy.rules_for("short", LABELS), policy.rules_for("free", LABELS)
    assert short.keep["gopher_words"] == {"words": Bound(min=5, max=100)}
    assert short.keep["pii"] == {"finds": Bound(max=0)}
    assert (short.cut, short.duplicates) == ({"keywords": ("cookie_notice",)}, None)
    assert (free.keep, free.cut, free.duplicates) == ({}, {}, "exact_hash")
    assert policy.rules_for("any other", LABELS) == policy.defaults
    assert policy.rules_for("odd", LABELS).keep["gopher_words"] == policy.defaults.keep["gopher_words"]


def test_a_policy_read_again_has_its_presets_as_they_were() -> None:
    """The record of a run is read when the files of presets may say something else."""
    said = {"defaults": {"preset": "kor_Hang"}, "sources": {"web": {"preset": "eng_Latn"}, "code": {"preset": None}}}
    policy = build(Policy, said, "policy")
    written = json.loads(json.dumps(policy.model_dump(mode="json")))
    again = build(Policy, written, "policy")
    for source in ("web", "code", "other"):
        before, after = (p.rules_for(source, LABELS) for p in (policy, again))
        assert list(before.keep.items()) == list(after.keep.items()), source
    assert policy.rules_for("web", LABELS).keep != policy.rules_for("other", LABELS).keep
    written["presets"]["kor_Hang"]["gopher_words"]["words"] = {"min": 3, "max": None, "any_of": None}
    changed = build(Policy, written, "policy")
    assert changed.rules_for("other", LABELS).keep["gopher_words"]["words"] == Bound(min=3)
    assert changed.rules_for("web", LABELS) == policy.rules_for("web", LABELS)


@pytest.mark.parametrize("preset", [3, [], ["kor_Hang"], {"kor_Hang": 1}, "kor_hang"])
@pytest.mark.parametrize("place", ["defaults", "web"])
def test_a_preset_that_is_no_name_of_one_is_refused(place: str, preset: object) -> None:
    rules = {"preset": preset}
    said = {"defaults": rules} if place == "defaults" else {"sources": {"web": rules}}
    with pytest.raises(ConfigError, match="preset"):
        build(Policy, said, "policy").check(ANNOTATORS, ["web"], "pass clean")


def test_null_in_defaults_removes_a_bound_of_the_preset_for_all_sources() -> None:
    bounds = {
        "gopher_words": {"words": {"min": 20}, "hash_per_word": {"max": 0.1}},
        "language": {"probability": {"min": 0.5}},
    }
    keep = {"gopher_words": {"words": None, "mean_word_chars": {"max": 9}}, "language": None}
    policy = build(
        Policy,
        {"presets": {"mine": bounds}, "defaults": {"preset": "mine", "keep": keep}, "sources": {"web": {}}},
        "policy",
    )
    expected = {"gopher_words": {"hash_per_word": Bound(max=0.1), "mean_word_chars": Bound(max=9)}}
    assert policy.rules_for("web", LABELS).keep == expected
    again = build(Policy, policy.model_dump(mode="json", exclude_unset=True), "record")
    assert again.rules_for("web", LABELS).keep == expected, "the record of a run says what held"


WRONG = {
    "unknown source": ({"sources": {"wbe": {}}}, "unknown source 'wbe'. Did you mean 'web'? Known: books, web."),
    "unknown annotator": (
        {"defaults": {"keep": {"gopher": {"words": {"min": 1}}}}},
        "unknown annotator 'gopher'. Did you mean",
    ),
    "unknown score": (
        {"defaults": {"keep": {"pii": {"find": {"max": 1}}}}},
        "unknown score 'find'. Did you mean 'finds'?",
    ),
    "number for a name": ({"defaults": {"keep": {"language": {"label": {"min": 1}}}}}, "a string score takes any_of"),
    "name for a number": (
        {"defaults": {"keep": {"pii": {"finds": {"any_of": ["a"]}}}}},
        "a int score takes min or max",
    ),
    "bound on spans": ({"defaults": {"keep": {"pii": {"spans": {"min": 1}}}}}, "a spans score"),
    "cut without spans": ({"defaults": {"cut": {"language": "all"}}}, "'language' gives no spans"),
    "replace unknown": ({"defaults": {"replace": {"pi": "all"}}}, "unknown annotator 'pi'. Did you mean 'pii'?"),
    "duplicates without hash": ({"defaults": {"duplicates": "pii"}}, "'pii' gives no hash. Write exact_hash"),
    "unknown rule": ({"sources": {"web": {"kep": {}}}}, "unknown key 'kep'. Did you mean 'keep'?"),
    "wrong in one source": ({"sources": {"web": {"cut": {"nope": "all"}}}}, "source web"),
}


@pytest.mark.parametrize(("policy", "message"), WRONG.values(), ids=WRONG)
def test_a_name_that_nothing_answers_to_is_refused_before_anything_runs(policy: dict[str, Any], message: str) -> None:
    """A rule on a misspelt score would keep everything in silence."""
    with pytest.raises(ConfigError) as caught:
        build(Policy, policy, "policy").check(ANNOTATORS, ["web", "books"], "pass clean")
    assert message in str(caught.value)


def test_kinds_of_spans_are_chosen_by_name_or_all() -> None:
    kinds: dict[str, Any] = {"a": "all", "b": ("x",)}
    assert [is_chosen(kinds, *pair) for pair in (("a", "x"), ("b", "x"), ("b", "y"), ("c", "x"))] == [
        True,
        True,
        False,
        False,
    ]
