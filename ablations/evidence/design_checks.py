"""All checks of a study's design: what they refuse, what they warn of, and the numbers that they go by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ablations.evidence.design.base import Design
from ablations.evidence.design.registry import DESIGN_CHECKS
from curation.runtime.errors import ConfigError, one_of


@dataclass(frozen=True)
class Checked:
    """Sentences without a full stop; a refusal names what accepts it."""

    refusals: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)


def checked(design: Design) -> Checked:
    """What the checks find.

    Raises:
        ConfigError: `accept` names a check that there is not.
    """
    study, found = design.study, Checked()
    check_accepted(study.accept, DESIGN_CHECKS.catalogue(study.loaded_plugins))
    for kind, cls in DESIGN_CHECKS.classes(study.loaded_plugins).items():
        check = cls()
        found.facts.extend(check.facts(design))
        for concern in check.concerns(design):
            if cls.refuses and kind not in study.accept:
                found.refusals.append(f"{concern}; or write accept: [{kind}].")
            else:
                found.warnings.append(f"warning: {concern}.")
    return found


def check_accepted(accepted: Sequence[str], known: dict[str, str]) -> None:
    """Refuse a name that is no check."""
    for name in accepted:
        if name not in known:
            raise ConfigError(f"accept: {one_of(known, name, DESIGN_CHECKS.what)}")
