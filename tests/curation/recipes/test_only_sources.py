"""`only`: a recipe for some of the sources of another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from curation.policy.policy import Bound
from curation.recipes import loading
from curation.recipes.recipe import Recipe
from curation.runtime.errors import ConfigError

SURPRISE = {"kind": "perplexity", "name": "surprise", "model": "ko"}
BASE = {
    "sources": {name: {"kind": "files", "path": f"{name}.jsonl"} for name in ("a", "b", "c")},
    "models": {"ko": {"language": "ko", "sources": ["a"], "after": "clean"}},
    "passes": [
        {"name": "clean", "annotators": ["char_classes"]},
        {
            "name": "select",
            "annotators": ["char_classes", SURPRISE],
            "policy": {
                "defaults": {"keep": {"char_classes": {"chars": {"min": 5}}, "surprise": {"perplexity": {"max": 99}}}},
                "sources": {
                    "b": {"keep": {"surprise": {"perplexity": {"max": 9}}, "char_classes": {"chars": {"min": 7}}}},
                    "c": {"keep": {"surprise": None}},
                },
            },
        },
    ],
}


def load(folder: Path, only: list[str]) -> Recipe:
    (folder / "base.yaml").write_text(yaml.safe_dump({"name": "base", **BASE}), encoding="utf8")
    (folder / "part.yaml").write_text(yaml.safe_dump({"base": "base.yaml", "only": only}), encoding="utf8")
    return loading.load_recipe(str(folder / "part.yaml"))


def bounds(recipe: Recipe, source: str) -> Mapping[str, Mapping[str, Bound]]:
    return recipe.passes[-1].policy.rules_for(source, ["char_classes", "surprise"]).keep


def test_rules_of_an_annotator_go_with_the_language_model_that_it_needs(tmp_path: Path) -> None:
    """Else the first thing that a user sees of a part of a shipped recipe is an unknown annotator that he never named."""
    part = load(tmp_path, ["b", "c"])
    assert list(part.sources) == ["b", "c"]
    assert not part.models
    assert {name: list(bounds(part, name)) for name in ("b", "c")} == {"b": ["char_classes"], "c": ["char_classes"]}
    assert bounds(part, "b")["char_classes"]["chars"].min == 7


def test_rules_stay_where_the_language_model_stays(tmp_path: Path) -> None:
    part = load(tmp_path, ["a", "b"])
    assert list(part.models) == ["ko"]
    assert bounds(part, "a")["surprise"]["perplexity"].max == 99
    assert bounds(part, "b")["surprise"]["perplexity"].max == 9


def test_the_shipped_korean_recipe_can_be_cut_down_to_any_one_source(tmp_path: Path) -> None:
    whole = loading.load_recipe("configs/korean_recipe.yaml")
    for source in whole.sources:
        (tmp_path / "one.yaml").write_text(f"base: korean_recipe.yaml\nonly: [{source}]\n", encoding="utf8")
        assert list(loading.load_recipe(str(tmp_path / "one.yaml")).sources) == [source]


def test_a_source_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"only: unknown source 'd'\. .*Known: a, b, c"):
        load(tmp_path, ["d"])
