"""Walks the fields of specs, so that tests see those that are added later too."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator
from typing import Any, Literal, TypeVar, get_args, get_origin

from ablations.core.spec.strict import OPEN

Path = tuple[str | int, ...]  # names of fields and of settings, as JSON has them, and numbers in tuples
T = TypeVar("T")


def leaves(spec: Any) -> Iterator[Path]:
    """Paths of all values that are no specs themselves."""
    for field in dataclasses.fields(spec):
        value = getattr(spec, field.name)
        if field.metadata == OPEN:
            yield from ((name,) for name in value)
        elif dataclasses.is_dataclass(value):
            yield from ((field.name, *rest) for rest in leaves(value))
        elif isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
            yield from ((field.name, number, *rest) for number, each in enumerate(value) for rest in leaves(each))
        else:
            yield (field.name,)


def with_other(spec: T, path: Path) -> T:
    """The spec with another value at a path; whether it could be used is not asked."""
    name, *rest = path
    if name not in (fields := {field.name: field for field in dataclasses.fields(spec)}):  # type: ignore[arg-type]
        (rest_of_keys,) = (field.name for field in fields.values() if field.metadata == OPEN)
        settings = getattr(spec, rest_of_keys)
        return dataclasses.replace(spec, **{rest_of_keys: {**settings, name: _other(None, settings[name])}})  # type: ignore[type-var]
    value = getattr(spec, str(name))
    if not rest:
        other = _other(typing.get_type_hints(type(spec))[str(name)], value)
    elif isinstance(rest[0], int):
        here = rest[0]
        other = (*value[:here], with_other(value[here], tuple(rest[1:])), *value[here + 1 :])
    else:
        other = with_other(value, tuple(rest))
    changed: T = dataclasses.replace(spec, **{str(name): other})  # type: ignore[type-var]
    return changed


def _other(hint: Any, value: Any) -> Any:
    if get_origin(hint) is Literal:
        return next(word for word in get_args(hint) if word != value)
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return value / 2 + 0.125
        case str():
            return f"{value}x"
        case tuple():
            return (*value, 7 if get_args(hint)[0] is int else "more")
        case dict():
            return {**value, "more": "x"}
    raise AssertionError(f"no other value is known for {value!r}: teach `spec_fields` its type")


def defaults(spec: Any, above: Path = ()) -> Iterator[Path]:
    """Paths of all fields that need not be written since they have a default, specs among them."""
    for field in dataclasses.fields(spec):
        path, value = (*above, field.name), getattr(spec, field.name)
        if field.metadata == OPEN:
            yield from ((*above, name) for name in value)
            continue
        if field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING:
            yield path
        several = value if isinstance(value, tuple) else (value,)
        for number, each in enumerate(several):
            if dataclasses.is_dataclass(each):
                yield from defaults(each, (*path, number) if isinstance(value, tuple) else path)


def without(value: dict[str, Any], paths: list[Path]) -> dict[str, Any]:
    """JSON without the values at these paths."""
    for path in sorted(paths, key=len, reverse=True):
        place: Any = value
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]
    return value


def named(path: Path) -> str:
    return ".".join(map(str, path))
