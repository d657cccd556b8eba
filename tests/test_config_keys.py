"""Every key that a user may write is read somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ablations.claims.registry import CLAIMS
from ablations.prompts import task_settings
from ablations.settings import cells as cell_settings
from ablations.settings import controls as control_settings
from ablations.settings import heldout
from ablations.settings import study as settings
from curation.policy import policy
from curation.recipes import recipe
from curation.runtime.config import Config
from curation.sources import controls, environment, files
from tokenizer.settings import TokenizerSettings

ROOT = Path(__file__).parent.parent
MODULES = (
    recipe,
    policy,
    settings,
    heldout,
    cell_settings,
    control_settings,
    task_settings,
    files,
    environment,
    controls,
)
FOUND: set[type[Config]] = {
    cls for module in MODULES for cls in vars(module).values() if isinstance(cls, type) and issubclass(cls, Config)
}
CLAIM_KINDS: set[type[Config]] = set(CLAIMS.classes().values())
MODELS = sorted((FOUND | CLAIM_KINDS | {TokenizerSettings}) - {Config}, key=lambda cls: cls.__name__)
CODE = "\n".join(
    path.read_text(encoding="utf8")
    for room in ("curation", "tokenizer", "ablations")
    for path in (ROOT / room).rglob("*.py")
)
BY_NAME = {
    "kind",
    "version",
    "name",
    "model",
    "optimizer",
    "schedule",
    "effort",
    "evaluations",
    "checkpoint_every_steps",
}
"""Read by the registry, or handed to a cell's spec under their own names."""


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_no_key_is_dead(model: type[Config]) -> None:
    """A setting that nothing reads promises what it does not do."""
    for field in set(model.model_fields) - BY_NAME:
        assert re.search(rf"\.{field}\b", CODE) or re.search(rf"\[\"{field}\"\]", CODE), f"{model.__name__}.{field}"
