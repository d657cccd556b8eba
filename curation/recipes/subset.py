"""A recipe for some of its sources: `only` of a recipe."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from curation.runtime.errors import ConfigError, one_of


def only(value: dict[str, Any], wanted: Sequence[str], where: str) -> dict[str, Any]:
    """A recipe's mapping with some of its sources, in its own order, and their rules.

    Raises:
        ConfigError: the recipe has no source of a name.
    """
    sources = value.get("sources") or {}
    for name in wanted:
        if name not in sources:
            raise ConfigError(f"{where}: only: {one_of(sources, name, 'source')}")
    models = {n: m for n, m in (value.get("models") or {}).items() if set(m.get("sources") or wanted) <= set(wanted)}
    gone = set(value.get("models") or {}) - set(models)
    passes = [_only_in_pass(pass_, wanted, gone) for pass_ in value["passes"]]
    chosen = {name: source for name, source in sources.items() if name in wanted}
    part = {**value, "sources": chosen, "models": models, "passes": passes}
    fields = value.get("keep_fields")
    if isinstance(fields, Mapping):
        part["keep_fields"] = {name: names for name, names in fields.items() if name in wanted}
    return part


def _only_in_pass(pass_: Mapping[str, Any], sources: Sequence[str], models: Collection[str]) -> dict[str, Any]:
    """A pass without the annotators whose model is gone and their rules, and without rules for other sources."""
    without = [a for a in pass_["annotators"] if isinstance(a, dict) and a.get("model") in models]
    gone = {a.get("name") or a["kind"] for a in without}
    policy = dict(pass_.get("policy") or {})
    policy["defaults"] = _without(gone, policy.get("defaults") or {})
    rules_of = (policy.get("sources") or {}).items()
    policy["sources"] = {name: rules and _without(gone, rules) for name, rules in rules_of if name in sources}
    return {**pass_, "annotators": [a for a in pass_["annotators"] if a not in without], "policy": policy}


def _without(annotators: Collection[str], rules: Mapping[str, Any]) -> dict[str, Any]:
    """Rules without those for these annotators."""
    remaining = {
        what: {n: rule for n, rule in (rules[what] or {}).items() if n not in annotators}
        for what in rules.keys() & {"keep", "cut"}
    }
    return {**rules, **remaining}
