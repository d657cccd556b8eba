"""Where kinds of claims are found; their names are listed without importing any, so without waiting for scipy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from curation.runtime.errors import ConfigError, one_of
from curation.runtime.registry import Plugin, Registry

if TYPE_CHECKING:
    from ablations.claims.base import Claim

CLAIMS: Registry[Claim] = Registry("ablations.claims", "Claim", "loam.claims", "claim")


def make_claim(written: Any, plugins: Sequence[Plugin], where: str) -> Claim:
    """A claim as a study writes it: `{emerges: {arm: a}, expected: supported}`, or `{kind: emerges, arm: a, expected: supported}`.

    Raises:
        ConfigError: no kind is given, the kind is unknown, or a setting is wrong.
    """
    from curation.runtime.members import make_member

    if isinstance(written, dict) and "kind" not in written:
        named = [key for key, value in written.items() if isinstance(value, dict)]
        if len(named) == 1:
            beside = {key: value for key, value in written.items() if key != named[0]}
            written = {**written[named[0]], **beside, "kind": named[0]}
    settings = written if isinstance(written, dict) else {"kind": written}
    kind = settings.get("kind")
    if isinstance(kind, str) and kind not in (known := CLAIMS.catalogue(plugins)):
        raise ConfigError(f"{where}: {one_of(known, kind, CLAIMS.what)}")
    return make_member(CLAIMS, settings, plugins, where)
