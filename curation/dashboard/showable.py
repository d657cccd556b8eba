"""Makes a JSON value fit to show: no control characters that break XML or turn a line around, no NaN."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

# Controls except tab and newline, lone surrogates, marks that change the direction of a line, and two non-characters.
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def showable(value: Any) -> Any:
    """A copy of a JSON value: unfit characters become U+FFFD, NaN and infinities become null, keys become text."""
    match value:
        case str():
            return _UNFIT.sub("\ufffd", value)
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {showable(str(key)): showable(item) for key, item in value.items()}
        case list() | tuple():
            return [showable(item) for item in value]
        case _:
            return value


def with_keys(value: Mapping[str, Any], needed: Mapping[str, Any], what: str) -> dict[str, Any]:
    """`showable(value)`, when all needed keys are there.

    Raises:
        ValueError: names the keys that are missing; a section that was not written must not look like an empty one.
    """
    if missing := sorted(set(needed) - set(value)):
        raise ValueError(f"{what} lacks {', '.join(missing)}. Write an empty list or mapping where there is nothing.")
    return dict(showable(value))
