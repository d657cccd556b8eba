"""From JSON to frozen dataclasses, with unknown keys refused, types checked, and errors that name the fix."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar, get_args, get_origin

from curation.runtime.errors import ConfigError, one_of

T = TypeVar("T")
Settings = Mapping[str, bool | int | float | str | None]
OPEN = {"open": True}  # metadata of a field of `Settings` that holds whatever keys no other field has
Problem = tuple[str, str, str]  # field, what was found, what to do


class HasProblems(Protocol):
    """A dataclass that reports which of its values are invalid."""

    def problems(self) -> list[Problem]: ...


def build(cls: type[T], value: object, where: str) -> T:
    """An instance of the dataclass `cls` from parsed JSON.

    Raises:
        ConfigError: an unknown or missing key, a value of another type, or one that `problems()` refuses.
    """
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: {_shown(value)} instead of an object. Write {{...}}.")
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    rest = next((name for name, field in fields.items() if field.metadata == OPEN), None)
    named = {name: field for name, field in fields.items() if name != rest}
    others = {str(key): value[key] for key in value if key not in named}
    if others and rest is None:
        raise ConfigError(f"{where}: {one_of(named, next(iter(others)), 'key')}")
    hints = typing.get_type_hints(cls)
    arguments: dict[str, Any] = {rest: _settings(others, where)} if rest else {}
    for name, field in named.items():
        if name in value:
            arguments[name] = convert(hints[name], value[name], f"{where}.{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ConfigError(f"{where}: no key {name!r}. Add it.")
    spec = cls(**arguments)
    check_values(spec, where)
    return spec


def as_json(spec: Any) -> Any:
    """A dataclass as plain values, from which `build` makes it again."""
    if dataclasses.is_dataclass(spec):
        plain: dict[str, Any] = {}
        for field in dataclasses.fields(spec):
            value = as_json(getattr(spec, field.name))
            plain |= value if field.metadata == OPEN else {field.name: value}
        return plain
    if isinstance(spec, tuple):
        return tuple(map(as_json, spec))
    return dict(spec) if isinstance(spec, Mapping) else spec


def check_values(spec: object, where: str) -> None:
    """Refuse values of a dataclass, and of those inside it, that cannot be used together.

    Raises:
        ConfigError: the first of their `problems()`.
    """
    for field in dataclasses.fields(spec):  # type: ignore[arg-type]
        value = getattr(spec, field.name)
        for number, each in enumerate(value if isinstance(value, tuple) else (value,)):
            if dataclasses.is_dataclass(each):
                check_values(each, f"{where}.{field.name}" + (f"[{number}]" if isinstance(value, tuple) else ""))
    if hasattr(spec, "problems"):
        for name, found, fix in typing.cast(HasProblems, spec).problems():
            raise ConfigError(f"{where}.{name}: {found}. {fix}.")


def convert(hint: Any, value: Any, where: str) -> Any:
    """`value` as the type `hint`, or a ConfigError."""
    if dataclasses.is_dataclass(hint):
        return build(typing.cast(type[Any], hint), value, where)
    match get_origin(hint):
        case typing.Literal:
            return _one_of_the_words(get_args(hint), value, where)
        case origin if origin is tuple:
            return _list_of(get_args(hint)[0], value, where)
        case origin if origin is dict:
            return _texts(value, where)
        case types.UnionType | typing.Union:
            return None if value is None else convert(get_args(hint)[0], value, where)
    return _plain(hint, value, where)


def _plain(hint: type, value: Any, where: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise ConfigError(f"{where}: {_shown(value)}. Give a value of type {hint.__name__}.")
    return value


def _one_of_the_words(words: tuple[Any, ...], value: Any, where: str) -> Any:
    if value not in words or isinstance(value, bool):
        raise ConfigError(f"{where}: {_shown(value)}. Known: {', '.join(str(word) for word in words)}.")
    return value


def _list_of(hint: Any, value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"{where}: {_shown(value)} instead of a list. Write [...].")
    return tuple(convert(hint, item, f"{where}[{index}]") for index, item in enumerate(value))


def _texts(value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for text in value.values()):
        raise ConfigError(f'{where}: {_shown(value)} instead of names with paths. Write {{"name": "path"}}.')
    return dict(value)


def _settings(value: Mapping[str, Any], where: str) -> Settings:
    for name, each in value.items():
        if not isinstance(each, bool | int | float | str | None):
            raise ConfigError(f"{where}.{name}: {_shown(each)}. Give a number, a word, true or false.")
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"


def not_positive(spec: object, *names: str) -> list[Problem]:
    """A problem for each field that is not above zero and finite."""
    bad = [(name, getattr(spec, name)) for name in names if not 0 < getattr(spec, name) < math.inf]
    return [(name, f"{value} is not a positive number", "Give one above 0") for name, value in bad]
