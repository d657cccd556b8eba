"""One file from which a killed cell goes on as if nothing had happened."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from ablations.core.files import write_whole

FILE = "checkpoint.pt"


def save(folder: Path, identity: str, state: dict[str, Any]) -> None:
    """Replace the folder's checkpoint. `identity` names the run that the state belongs to."""
    content = io.BytesIO()
    torch.save({"identity": identity, **state}, content)
    write_whole(folder / FILE, content.getvalue())


def load(folder: Path, identity: str) -> dict[str, Any] | None:
    """The saved state, on the CPU; None where there is none or it belongs to another spec or torch version."""
    path = folder / FILE
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state if state["identity"] == identity else None
