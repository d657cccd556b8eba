"""Base of everything a user may write in YAML: typed, frozen, unknown keys refused with the known ones listed."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from curation.runtime.errors import ConfigError, one_of

Model = TypeVar("Model", bound=BaseModel)
UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")  # of a model, of a dataclass in one


class Config(BaseModel):
    """A frozen value with a canonical JSON form; fields named in `where` never enter a fingerprint."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ser_json_bytes="base64")


def read_yaml(path: str | Path) -> dict[str, Any]:
    """A YAML mapping.

    Raises:
        ConfigError: there is no such file, it is not YAML, or its top level is not a mapping.
    """
    try:
        text = Path(path).read_text(encoding="utf8")
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such file. Give the path of a YAML file.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}. Give the path of a YAML file.") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, where: str) -> dict[str, Any]:
    try:
        value = yaml.load(text, Loader=_StrictLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"{where}{line}: not YAML: {' '.join(problem.split())}. Mend the file.") from error
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: holds {type(value).__name__}, not a mapping. Write `key: value` lines.")
    return value


class _StrictLoader(yaml.SafeLoader):
    """A key written twice would silently win over the first: refuse it."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.MarkedYAMLError(problem="a key is a list or a mapping", problem_mark=key_node.start_mark)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key!r} is written twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int | float:
    value = float(loader.construct_scalar(node))
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


# YAML 1.1 reads 1e6 as text, which no one who writes it means
_StrictLoader.add_implicit_resolver("!exponent", re.compile(r"^[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789"))
_StrictLoader.add_constructor("!exponent", _number)


def build(model: type[Model], value: Mapping[str, Any], where: str) -> Model:
    """`value` as a typed model, with errors that name the place in the file and the known keys."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        # a misspelt key is why another one is missing: name it first
        first = min(error.errors(), key=lambda each: each["type"] not in UNKNOWN_KEY)
        place = ".".join(str(part) for part in first["loc"])
        more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise ConfigError(f"{where}: {_sentence(model, place, dict(first))}{more}") from error


def _sentence(model: type[BaseModel], place: str, error: dict[str, Any]) -> str:
    if error["type"] in UNKNOWN_KEY:
        parent, _, key = place.rpartition(".")
        at = f"in {parent}: " if parent else ""
        return at + one_of(_known_keys(model, error["loc"][:-1]), key, "key")
    message = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    found = "" if error["type"] in {"missing", "value_error"} else f", found {error['input']!r}"
    return f"{place}: {message}{found}." if place else f"{message}."


def _known_keys(model: Any, location: Sequence[str | int]) -> list[str]:
    """The keys allowed at a place inside a model, by walking its type annotations along the place."""
    import typing

    options: list[Any] = [model]
    for part in location:
        following: list[Any] = []
        for option in options:
            if fields := _fields(option):
                following += _members(fields[str(part)]) if str(part) in fields else [option]
            else:
                args = [arg for arg in typing.get_args(option) if arg is not ...]
                following += [m for a in args[-1:] for m in _members(a)]
        options = following or options
    return sorted({key for option in options for key in _fields(option)})


def _fields(option: Any) -> dict[str, Any]:
    """Fields of a model or a dataclass with their types; none of anything else."""
    if isinstance(option, type) and issubclass(option, BaseModel):
        return {name: field.annotation for name, field in option.model_fields.items()}
    return get_type_hints(option) if dataclasses.is_dataclass(option) else {}


def _members(annotation: Any) -> list[Any]:
    """The alternatives of a union, or the annotation itself; `Annotated` is looked through."""
    import types
    import typing

    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _members(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return [member for arg in typing.get_args(annotation) for member in _members(arg)]
    return [annotation]


def with_settings(value: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """A copy of a YAML mapping with `--set a.b.c=VALUE` applied; VALUE is YAML; a list's items go by `name` or `kind`."""
    result: dict[str, Any] = _copied(dict(value))
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals or not path.strip():
            raise ConfigError(f"--set {setting}: has no '='. Write --set key.key=value.")
        try:
            new = yaml.load(text, Loader=_StrictLoader)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {setting}: the value is not YAML. Quote it.") from error
        _put(result, path.strip().split("."), new, setting)
    return result


def _copied(value: Any) -> Any:
    """A copy in which no two places share an object, as YAML's anchors do."""
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value


def _put(target: Any, keys: Sequence[str], new: Any, setting: str) -> None:
    for key in keys[:-1]:
        if isinstance(target, list):
            target = _item(target, key, setting)
        else:
            if not isinstance(target.get(key), dict | list):
                target[key] = {}
            target = target[key]
    if isinstance(target, list):
        raise ConfigError(f"--set {setting}: names an item of a list. Name a key inside it.")
    target[keys[-1]] = new


def _item(items: list[Any], key: str, setting: str) -> Any:
    for i, item in enumerate(items):
        if item == key:
            items[i] = item = {"kind": key}  # a bare name means "with its defaults"
        if isinstance(item, dict) and item.get("name", item.get("kind")) == key:
            return item
    known = [item.get("name", item.get("kind")) if isinstance(item, dict) else item for item in items]
    names = [name for name in known if name is not None]
    if items and not names:
        raise ConfigError(f"--set {setting}: the items of this list have no name or kind. Write the whole list.")
    raise ConfigError(f"--set {setting}: {one_of(names, key, 'item')}")


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid on `base`, mapping by mapping; null in `over` removes the value of `base`."""
    result = dict(base)
    for key, value in over.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            below = result.get(key)
            result[key] = merged(below if isinstance(below, Mapping) else {}, value)
        else:
            result[key] = value
    return result
