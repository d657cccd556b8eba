"""Makes a value fit to show: no control characters that break XML or turn a line around, no NaN."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")
# Controls except tab and newline, lone surrogates, marks that change the direction of a line, and two non-characters.
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def showable(value: T) -> T:
    """A copy of dataclasses, mappings and tuples: unfit characters become U+FFFD, NaN and infinities become None."""
    copy: Any = _copy(value)
    return copy  # type: ignore[no-any-return]


def _copy(value: Any) -> Any:
    match value:
        case str():
            return _UNFIT.sub("\ufffd", value)
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {_copy(key): _copy(item) for key, item in value.items()}
        case list() | tuple():
            return type(value)(_copy(item) for item in value)
        case _ if dataclasses.is_dataclass(type(value)):
            return type(value)(**{each.name: _copy(getattr(value, each.name)) for each in dataclasses.fields(value)})
        case _:
            return value
