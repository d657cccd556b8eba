"""Decides from scores alone: keep or drop with exactly one reason, what to cut, what to replace. Reads no text."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, Protocol, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from curation.annotators.base import Column
from curation.runtime.config import Config, build, merged
from curation.runtime.errors import ConfigError, one_of
from curation.runtime.shipped import preset, presets

Kinds = Literal["all"] | tuple[str, ...]
KEPT = ""
NOTHING_LEFT = "nothing_left"


class HasColumns(Protocol):
    """An annotator, or what one has left in a finished run."""

    @property
    def columns(self) -> tuple[Column, ...]: ...

    def column(self, name: str) -> Column | None: ...


class Bound(Config):
    """What one score must satisfy: within [min, max], or one of `any_of`."""

    min: float | None = None
    max: float | None = None
    any_of: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.any_of is not None and (self.min is not None or self.max is not None):
            raise ValueError("any_of goes with names, min and max with numbers. Write one or the other.")
        if self.min is None and self.max is None and self.any_of is None:
            raise ValueError("the rule is empty. Write min, max or any_of, or remove it with null.")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}: nothing could be kept. Swap them.")
        return self


class NearDuplicates(Config):
    """Which near-duplicates go: those with a Jaccard similarity, checked on the texts, to a document that stays.

    Args:
        scores: the annotator whose bands find the candidates.
        jaccard: least similarity (of the sets of word n-grams) at which the later one of two documents is dropped.
        quality: "annotator.score" by which the better document of one source stays; without it the longer one.
        better: the side of that score which is better.
    """

    scores: str = "min_hash"
    jaccard: float = Field(default=0.8, gt=0, le=1)
    quality: str | None = None
    better: Literal["high", "low"] = "high"


class Rules(Config):
    """What happens to the documents of one source.

    Args:
        preset: thresholds by name from `configs/presets`, laid under `keep`; they hold for those annotators that the pass has.
        keep: annotator -> score -> bound. The first bound that a document misses, in this order, is its reason.
        cut: annotator -> kinds of spans ("all" or a list) that are cut out of the text.
        replace: annotator -> kinds of spans whose text is replaced (personal information).
        duplicates: the annotator whose hash tells exact duplicates, or null to keep them.
        near_duplicates: which near-duplicates go, or null to keep them.
        most_dropped: share of the documents that a pass may drop; the run ends with an error when it drops more.
    """

    preset: str | None = None
    keep: dict[str, dict[str, Bound]] = {}
    cut: dict[str, Kinds] = {}
    replace: dict[str, Kinds] = {}
    duplicates: str | None = None
    near_duplicates: NearDuplicates | None = None
    most_dropped: float = Field(default=1.0, ge=0, le=1)


class Policy(Config):
    """Rules for all sources, and what differs for some: `sources.NAME` is laid on `defaults`, null removes a rule; in
    `defaults` one of a preset.

    `presets` holds the bounds of the presets that these name. They are read with the recipe, so that the record of a run holds
    the bounds of that time, even if their files change later.
    """

    defaults: Rules = Rules()
    sources: dict[str, dict[str, Any]] = Field(default={})
    presets: dict[str, dict[str, dict[str, Bound]]] = {}

    @model_validator(mode="before")
    @classmethod
    def _with_presets(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        sources, own = value.get("sources") or {}, value.get("presets") or {}
        if not isinstance(sources, dict) or not isinstance(own, dict):
            return value  # refused by what follows
        rules = [value.get("defaults"), *sources.values()]
        named = [r.get("preset") if isinstance(r, dict) else getattr(r, "preset", None) for r in rules]
        read = {name: preset(name) for name in presets() if name in named and name not in own}
        return _without_nulls({**value, "presets": {**own, **read}} if own or read else value)

    def rules_for(self, source: str, annotators: Collection[str]) -> Rules:
        """The rules of one source in a pass with these annotators, presets resolved."""
        where = f"policy.sources.{source}"
        base = self.defaults.model_dump(mode="json", exclude_none=True)
        own = merged(base, self.sources.get(source, {}))
        name = build(Rules, {"preset": own.pop("preset", None)}, where).preset
        bounds = self._bounds(name) if name else {}
        below = {"keep": {label: bound for label, bound in bounds.items() if label in annotators}}
        return build(Rules, merged(merged(below, base), self.sources.get(source, {})), where)

    def _bounds(self, name: str) -> dict[str, Any]:
        """Of a preset, as `presets` has it."""
        if name not in self.presets:
            return preset(name)
        return {
            label: {score: bound.model_dump(mode="json", exclude_none=True) for score, bound in of_annotator.items()}
            for label, of_annotator in self.presets[name].items()
        }

    def check(self, annotators: Mapping[str, HasColumns], sources: Sequence[str], where: str) -> None:
        """Refuse unknown names, before anything runs.

        Raises:
            ConfigError: names the place and the known names.
        """
        for name in self.sources:
            if name not in sources:
                raise ConfigError(f"{where}.policy.sources: {one_of(sources, name, 'source')}")
        for source in sources:
            _check_rules(self.rules_for(source, annotators), annotators, f"{where}.policy (source {source})")


def _without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    """A policy's mapping in which null bounds of `defaults` are gone, and what they remove is gone from its presets."""
    defaults = value.get("defaults")
    keep = defaults.get("keep") if isinstance(defaults, dict) else None
    if not isinstance(defaults, dict) or not isinstance(keep, dict):
        return value
    below = {name: _less(bounds, keep) for name, bounds in (value.get("presets") or {}).items()}
    return {**value, "defaults": {**defaults, "keep": merged({}, keep)}, **({"presets": below} if below else {})}


def _less(bounds: Mapping[str, Any], keep: Mapping[str, Any]) -> dict[str, Any]:
    """The bounds of a preset without those that are null in `keep`."""
    left: dict[str, Any] = {}
    for label, of_annotator in bounds.items():
        own = keep.get(label, {})
        if own is not None:
            gone = {score for score, bound in own.items() if bound is None} if isinstance(own, Mapping) else set()
            left[label] = {score: bound for score, bound in of_annotator.items() if score not in gone}
    return left


def _check_rules(rules: Rules, annotators: Mapping[str, HasColumns], where: str) -> None:
    for name, bounds in rules.keep.items():
        annotator = _known(annotators, name, f"{where}.keep")
        for column_name, bound in bounds.items():
            column = annotator.column(column_name)
            if column is None:
                names = [column.name for column in annotator.columns]
                raise ConfigError(f"{where}.keep.{name}: {one_of(names, column_name, 'score')}")
            if (column.type == "string") != (bound.any_of is not None) or column.type in {"spans", "hash", "bands"}:
                wanted = {"string": "any_of"}.get(column.type, "min or max")
                raise ConfigError(f"{where}.keep.{name}.{column_name}: a {column.type} score takes {wanted}.")
    for action, kinds in (("cut", rules.cut), ("replace", rules.replace)):
        for name in kinds:
            if _known(annotators, name, f"{where}.{action}").column("spans") is None:
                raise ConfigError(f"{where}.{action}: annotator {name!r} gives no spans. Name one that does.")
    if rules.duplicates and _known(annotators, rules.duplicates, f"{where}.duplicates").column("hash") is None:
        raise ConfigError(f"{where}.duplicates: annotator {rules.duplicates!r} gives no hash. Write exact_hash.")
    if rules.near_duplicates:
        _check_near(rules.near_duplicates, annotators, f"{where}.near_duplicates")


def _check_near(near: NearDuplicates, annotators: Mapping[str, HasColumns], where: str) -> None:
    if _known(annotators, near.scores, where).column("bands") is None:
        raise ConfigError(f"{where}: annotator {near.scores!r} gives no bands. Write scores: min_hash.")
    if near.quality is None:
        return
    name, _, column_name = near.quality.partition(".")
    annotator = _known(annotators, name, f"{where}.quality")
    column = annotator.column(column_name)
    if column is None or column.type not in {"int", "float", "bool"}:
        numbers = [c.name for c in annotator.columns if c.type in {"int", "float", "bool"}]
        raise ConfigError(f"{where}.quality: {one_of(numbers, column_name, f'number of {name}')}")


def _known(annotators: Mapping[str, HasColumns], name: str, where: str) -> HasColumns:
    if name not in annotators:
        raise ConfigError(f"{where}: {one_of(annotators, name, 'annotator')} Add it to the pass or correct the name.")
    return annotators[name]


Columns = Mapping[str, Mapping[str, Sequence[Any] | npt.NDArray[Any]]]


def reasons(rules: Rules, scores: Columns, documents: int) -> list[str]:
    """For each document the first rule that it misses, or "" if it misses none.

    Args:
        scores: annotator -> column -> values of all documents.
        documents: how many there are.

    Returns:
        Reasons such as "gopher_words.words:low", in the documents' order.
    """
    reason = np.full(documents, KEPT, dtype=object)
    for name, bounds in rules.keep.items():
        for column, bound in bounds.items():
            for side, missed in _missed(bound, scores[name][column]):
                reason[(reason == KEPT) & missed] = f"{name}.{column}:{side}"
    return [str(value) for value in reason]


def _missed(bound: Bound, values: Any) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    if bound.any_of is not None:
        allowed = set(bound.any_of)
        return [("other", np.array([value not in allowed for value in values], bool))]
    numbers = np.asarray(values, dtype=np.float64)
    sides = []
    if bound.min is not None:
        sides.append(("low", ~(numbers >= bound.min)))  # NaN misses every bound
    if bound.max is not None:
        sides.append(("high", ~(numbers <= bound.max)))
    return sides


def is_chosen(kinds: Mapping[str, Kinds], name: str, kind: str) -> bool:
    """Whether a span of this annotator and kind is meant; `korquad` also means kinds such as `korquad:test`."""
    wanted = kinds.get(name, ())
    return wanted == "all" or any(kind == each or kind.startswith(f"{each}:") for each in wanted)
