"""Finds and runs KenLM's lmplz and build_binary. Source: https://kheafield.com/code/kenlm/estimation/."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from curation.runtime.errors import ConfigError, StageError

VARIABLE = "LOAM_LMPLZ"
BUILT = Path(__file__).parents[2] / ".tools" / "kenlm" / "bin" / "lmplz"
MEMORY = "1G"  # for sorting; more text than that is sorted on disk, to the same bytes


def find() -> str | None:
    """The path of lmplz with build_binary beside it: that of LOAM_LMPLZ, of `make kenlm-tools`, or on the PATH.

    Raises:
        ConfigError: LOAM_LMPLZ names something else.
    """
    named = os.environ.get(VARIABLE)
    if named:
        if not _is_whole(named):
            raise ConfigError(
                f"{VARIABLE}={named}: no lmplz with build_binary beside it. Correct the path, or unset {VARIABLE}."
            )
        return named
    return next((path for path in (str(BUILT), shutil.which("lmplz")) if path and _is_whole(path)), None)


def _is_whole(lmplz: str) -> bool:
    return os.access(lmplz, os.X_OK) and os.access(_beside(lmplz, "build_binary"), os.X_OK)


def _beside(lmplz: str, name: str) -> str:
    return str(Path(lmplz).with_name(name))


def estimate(lmplz: str, text: str, arpa: str, order: int, memory: str = MEMORY) -> None:
    """Write the ARPA file of a model of `order` words from a file of sentences.

    Discounts that the text is too small to give are replaced by lmplz's own (0.5, 1, 1.5).
    """
    with tempfile.TemporaryDirectory() as scratch:
        options = ["-o", str(order), "-S", memory, "-T", f"{scratch}/sort", "--skip_symbols"]
        _run([lmplz, *options, "--text", text, "--arpa", arpa, "--discount_fallback"])


def binary(lmplz: str, arpa: str, target: str) -> None:
    """Write a model that is loaded by mapping its file: workers on one machine share its memory."""
    _run([_beside(lmplz, "build_binary"), "probing", arpa, target])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reason = lines[-1] if lines else "it said nothing"
        raise StageError(f"{command[0]} ended with {done.returncode}: {reason}. Mend it, or set estimator: own.")
