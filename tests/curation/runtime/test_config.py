"""What a user writes wrongly is refused with the place, the finding and the known names; nothing is ignored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.runtime.config import Config, build, merged, parse_yaml, read_yaml, with_settings
from curation.runtime.errors import ConfigError


class Inner(Config):
    words: int = 1
    share: float = 0.5


class Outer(Config):
    name: str
    inner: Inner = Inner()
    by_name: dict[str, Inner] = {}
    several: tuple[Inner, ...] = ()
    perhaps: Inner | None = None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"name": "a", "iner": {}},
            "f: unknown key 'iner'. Did you mean 'inner'? Known: by_name, inner, name, perhaps, several.",
        ),
        (
            {"name": "a", "inner": {"word": 1}},
            "f: in inner: unknown key 'word'. Did you mean 'words'? Known: share, words.",
        ),
        ({"name": "a", "by_name": {"x": {"wrds": 1}}}, "f: in by_name.x: unknown key 'wrds'. Did you mean 'words'?"),
        ({"name": "a", "several": [{}, {"zzz": 1}]}, "f: in several.1: unknown key 'zzz'. Known: share, words."),
        ({"name": "a", "perhaps": {"wrds": 1}}, "unknown key 'wrds'. Did you mean 'words'?"),
        ({}, "f: name: Field required."),
        ({"name": "a", "inner": {"words": "many"}}, "found 'many'"),
        ({"name": "a", "inner": {"share": float("nan")}}, "f: inner.share"),
        ({"name": 1, "inner": {"words": "x"}}, "(1 more)"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place_and_the_known_keys(value: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(Outer, value, "f")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "f, line 3: not YAML: key 'a' is written twice"),
        ("x:\n  a: 1\n  a: 1\n", "f, line 3: not YAML: key 'a' is written twice"),
        ("a: [1", "not YAML"),
        ("a: {{x}}", "f, line 1: not YAML: a key is a list or a mapping"),
        ("a: \x00", "not YAML"),
        ("- a", "holds list, not a mapping"),
        ("", "holds NoneType, not a mapping"),
    ],
)
def test_yaml_that_cannot_be_meant_is_refused_in_one_line(text: str, message: str) -> None:
    """YAML itself lets the second of two equal keys win in silence."""
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "f")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_merge_key_may_be_overwritten() -> None:
    assert parse_yaml("base: &b {x: 1, y: 2}\nmine:\n  <<: *b\n  x: 3\n", "f")["mine"] == {"x": 3, "y": 2}


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: caf\xe9")
    for path in (tmp_path / "none.yaml", tmp_path, tmp_path / "latin.yaml"):
        with pytest.raises(ConfigError, match="Give the path of a YAML file"):
            read_yaml(path)


RECIPE: dict[str, Any] = {
    "name": "a",
    "passes": [
        {"name": "clean", "annotators": ["char_classes", {"kind": "keywords", "name": "mine"}, {"kind": "pii"}]},
        {"name": "select"},
    ],
}


@pytest.mark.parametrize(
    ("setting", "path", "value"),
    [
        ("name=b", ("name",), "b"),
        ("seed=3", ("seed",), 3),
        ("a.b.c=[1, 2]", ("a", "b", "c"), [1, 2]),
        ("name.sub=1", ("name", "sub"), 1),
        ("passes.select.samples=null", ("passes", 1, "samples"), None),
        ("passes.clean.annotators.mine.ignore_case=false", ("passes", 0, "annotators", 1, "ignore_case"), False),
        ("passes.clean.annotators.pii.entities=[email]", ("passes", 0, "annotators", 2, "entities"), ["email"]),
        (
            "passes.clean.annotators.char_classes.name=x",
            ("passes", 0, "annotators", 0),
            {"kind": "char_classes", "name": "x"},
        ),
        ("question=a=b", ("question",), "a=b"),
    ],
)
def test_a_setting_changes_one_place(setting: str, path: tuple[Any, ...], value: Any) -> None:
    changed: Any = with_settings(RECIPE, [setting])
    for key in path:
        changed = changed[key]
    assert changed == value
    assert RECIPE["passes"][0]["annotators"][0] == "char_classes", "the original stays as it was"


def test_a_setting_changes_one_place_also_of_what_an_anchor_says_twice() -> None:
    value: dict[str, Any] = parse_yaml(
        "cells: &same {model: {width: 1}}\ncontrols:\n  cells: *same\n  arms: [*same]\n", "f"
    )
    changed: Any = with_settings(value, ["cells.model.width=2"])
    assert changed["cells"]["model"]["width"] == 2
    assert changed["controls"] == {"cells": {"model": {"width": 1}}, "arms": [{"model": {"width": 1}}]}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("name", "has no '='"),
        ("=1", "has no '='"),
        ("a=[1", "the value is not YAML"),
        ("passes.clen.samples=1", "unknown item 'clen'. Did you mean 'clean'? Known: clean, select."),
        ("passes.clean.annotators.nope.x=1", "Known: char_classes, mine, pii."),
        ("passes.clean=1", "names an item of a list"),
    ],
)
def test_a_setting_that_names_nothing_is_refused(setting: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        with_settings(RECIPE, [setting])
    assert message in str(caught.value)


def test_items_without_names_can_only_be_set_together() -> None:
    with pytest.raises(ConfigError, match=r"the items of this list have no name or kind\. Write the whole list\."):
        with_settings({"claims": [{"differs": {"arm_a": "a"}}]}, ["claims.0.differs.arm_a=b"])


def test_null_removes_and_mappings_are_laid_on_each_other() -> None:
    base: dict[str, Any] = {"keep": {"a": {"min": 1, "max": 9}, "b": {"min": 0}}, "cut": {"c": "all"}}
    over = {"keep": {"a": {"max": None}, "b": None, "n": {"x": {"y": None}}}, "cut": {"d": ["e"]}, "none": None}
    assert merged(base, over) == {"keep": {"a": {"min": 1}, "n": {"x": {}}}, "cut": {"c": "all", "d": ["e"]}}
    assert base["keep"]["a"] == {"min": 1, "max": 9}, "the defaults are shared by all sources"


TREES = st.recursive(
    st.one_of(st.none(), st.integers(0, 3)), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)
MAPPINGS = st.dictionaries(st.sampled_from("abc"), TREES, max_size=3)


def _without_null(value: Any) -> bool:
    return all(_without_null(v) for v in value.values()) if isinstance(value, dict) else value is not None


@given(base=MAPPINGS, over=MAPPINGS)
def test_merging_is_last_word_wins_and_leaves_no_null_of_its_own(base: dict[str, Any], over: dict[str, Any]) -> None:
    """A null that survives is refused later, with a message about a rule that the user meant to remove."""
    clean = merged({}, base)
    result = merged(clean, over)
    assert _without_null(result)
    assert merged(result, over) == result
    assert merged(clean, {}) == clean
