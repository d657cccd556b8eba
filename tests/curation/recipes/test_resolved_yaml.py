"""A resolved config as YAML: the same value, and beside what was left to defaults a word that says so."""

from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from curation.recipes.resolved_yaml import resolved_yaml

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=200)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
)
CONFIGS = st.dictionaries(st.text(max_size=9), VALUES, max_size=4)


def marked(text):
    return [line.strip() for line in text.splitlines() if line.endswith("# default")]


@given(CONFIGS, CONFIGS)
def test_it_is_the_same_value_whatever_was_said(resolved, said) -> None:
    """If this fails, nobody can run the study again from its report."""
    plain = yaml.safe_load(yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True, width=120))
    empty: dict[str, object] = {}
    for written in (resolved, said, empty):
        assert yaml.safe_load(resolved_yaml(resolved, written)) == plain


@given(CONFIGS)
def test_nothing_is_a_default_where_all_was_said(resolved) -> None:
    plain = yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True, width=120)
    assert resolved_yaml(resolved, resolved) == plain


def test_what_the_user_left_out_is_marked_leaf_by_leaf() -> None:
    resolved = {"seeds": 3, "model": {"layers": 2, "width": 64}, "arms": {}, "k": [1, 2], "note": "a: b"}
    text = resolved_yaml(resolved, {"seeds": 3, "model": {"layers": 2}, "k": [1]})
    assert marked(text) == ["width: 64  # default", "arms: {}  # default", "- 2  # default", "note: 'a: b'  # default"]
    assert "seeds: 3\n" in text


def test_a_value_is_the_users_own_though_he_wrote_it_in_another_form() -> None:
    assert marked(resolved_yaml({"mixture": {"code": 1.0}}, {"mixture": "balanced"})) == []


def test_of_a_member_that_is_named_alone_the_rest_are_defaults() -> None:
    resolved = {"annotators": [{"kind": "pii", "version": 1, "entities": ["email"]}]}
    text = resolved_yaml(resolved, {"annotators": ["pii"]})
    assert marked(text) == ["version: 1  # default", "- email  # default"]


def test_a_text_over_many_lines_is_marked_behind_its_last() -> None:
    text = resolved_yaml({"question": "why " * 60, "name": "x"}, {"name": "x"})
    assert len(marked(text)) == 1
    assert text.index("# default") > text.rindex("why")


def test_what_stands_at_two_places_is_written_twice() -> None:
    shared = {"layers": 2}
    text = resolved_yaml({"a": shared, "b": shared}, {"a": {"layers": 2}})
    assert text == "a:\n  layers: 2\nb:\n  layers: 2  # default\n"
