"""The edge between what a page shows and JSON: written by one function, read back by one that checks every key and type."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from curation.dashboard.showable import showable
from curation.runtime.errors import InputError

T = TypeVar("T")
_STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
_WORDS = {"unexpected_keyword_argument": "unknown key", "missing": "no such key"}


def to_json(value: object) -> Any:
    """A frozen dataclass as plain JSON values, fit to show: NaN and infinities are null, and text can be encoded."""
    return json.loads(TypeAdapter(type(value)).dump_json(showable(value), by_alias=True))


def from_json(cls: type[T], value: object, where: str, fix: str) -> T:
    """An instance of `cls`, a dataclass or a mapping of some, from parsed JSON.

    Raises:
        InputError: an unknown or missing key, or a value of another type, with its place in the value.
    """
    # in a tuple, since a setting given for a dataclass itself would have to be in its class; so it holds for all within
    adapter = TypeAdapter(tuple[cls], config=_STRICT)  # type: ignore[valid-type]
    try:
        return adapter.validate_json(json.dumps([value]))[0]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        others = f", and {error.error_count() - 1} more mistakes" if error.error_count() > 1 else ""
        problem = _WORDS.get(first["type"], first["msg"])
        raise InputError(f"{where}{f', {place}' if place else ''}", f"{problem}{others}", fix) from error
