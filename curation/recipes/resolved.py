"""A recipe with all its defaults written out, those of the members that it names included."""

from __future__ import annotations

from typing import Any

from curation.recipes.recipe import Pass, Recipe


def resolved(recipe: Recipe) -> dict[str, Any]:
    """As one mapping of plain values."""
    return {
        **recipe.model_dump(mode="json"),
        "sources": {name: _member(source) for name, source in recipe.built_sources.items()},
        "passes": [_pass(recipe, pass_) for pass_ in recipe.passes],
    }


def _pass(recipe: Recipe, pass_: Pass) -> dict[str, Any]:
    annotators = [_member(annotator) for annotator in recipe.annotators(pass_).values()]
    return {**pass_.model_dump(mode="json"), "annotators": annotators}


def _member(member: Any) -> dict[str, Any]:
    """Its settings, typed, behind the name of its kind."""
    return {"kind": member.kind, **member.model_dump(mode="json")}
