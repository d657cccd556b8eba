"""Two files from which a killed cell goes on as if nothing had happened: the newest state, and the one before it."""

from __future__ import annotations

import hashlib
import io
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from curation.runtime.errors import ConfigError, InputError
from curation.runtime.whole_files import write_whole

FILE, BEFORE = "checkpoint.pt", "checkpoint.before.pt"
SEAL_BYTES = 32  # SHA-256 of the content before it, at the end of the file


def save(folder: Path, identity: Mapping[str, str], state: dict[str, Any]) -> None:
    """Replace the folder's checkpoint; `identity` (`spec`, `tokens`, `torch`) names the run that the state belongs to."""
    content = io.BytesIO()
    torch.save({"identity": dict(identity), **state}, content)
    if (folder / FILE).exists():
        os.replace(folder / FILE, folder / BEFORE)
    write_whole(folder / FILE, content.getvalue() + hashlib.sha256(content.getvalue()).digest())


def load(folder: Path, identity: Mapping[str, str]) -> dict[str, Any] | None:
    """The newest state that is whole, on the CPU; None where there is none, or one of another version of torch.

    Raises:
        ConfigError: it belongs to another spec.
        InputError: it was trained on other tokens.
    """
    for name in (FILE, BEFORE):
        state = _read(folder / name)
        if state is not None:
            return state if _fits(folder, state["identity"], identity) else None
    return None


def remove(folder: Path) -> None:
    for name in (FILE, BEFORE):
        (folder / name).unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any] | None:
    """None where there is no file, or a damaged one, which is reported and removed: else the next checkpoint would move it into
    the place of the one before, which is whole."""
    if not path.exists():
        return None
    content = path.read_bytes()
    data, seal = content[:-SEAL_BYTES], content[-SEAL_BYTES:]
    if hashlib.sha256(data).digest() != seal:
        print(
            f"{path}: cut off or changed; the cell goes on from the checkpoint before it, if there is one",
            file=sys.stderr,
        )
        path.unlink()
        return None
    state: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return state


def _fits(folder: Path, saved: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    if saved["spec"] != wanted["spec"]:
        raise ConfigError(
            f"{folder}: cell.json is not the one that its checkpoint was made with. Restore it, or remove {FILE} and {BEFORE}."
        )
    if saved["tokens"] != wanted["tokens"]:
        fix = f"Restore them, or remove {FILE} and {BEFORE} to train afresh."
        raise InputError(str(folder), "its token files have changed since its checkpoint was made", fix)
    return saved["torch"] == wanted["torch"]
