"""The windows that a cell trains on, from its folder."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from ablations.core.data.documents import Documents
from ablations.core.data.mixture import MixedWindows, mixed
from ablations.core.data.packing import PackedSource, chosen_documents
from ablations.core.spec.training_spec import TrainingSpec
from curation.runtime.errors import InputError

SUFFIXES = (".bin", ".documents.safetensors")


def training_windows(folder: Path, spec: TrainingSpec) -> MixedWindows:
    """Windows by number.

    Raises:
        InputError: a token file is missing or does not fit the spec.
        ConfigError: a weight is too small.
    """
    sources = []
    for part in spec.train:
        documents = Documents.read(folder, part.tokens, spec.model.vocab_size, spec.bos)
        subset = chosen_documents(documents, part.fraction, spec.seeds.subset, part.offset)
        order: Literal["hashed", "related"] = "related" if spec.packing == "related" else "hashed"
        sources.append(PackedSource(part.source, documents, subset, spec.model.context, spec.seeds.order, order))
    return mixed(spec.packing, sources, [part.weight for part in spec.train], spec.seeds.order)


def tokens_digest(folder: Path, spec: TrainingSpec) -> str:
    """Of the token files as they are: a resumed run needs those with which it began."""
    digest = hashlib.sha256()
    for part in spec.train:
        for suffix in SUFFIXES:
            path = folder / f"{part.tokens}{suffix}"
            try:
                with open(path, "rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
            except OSError as error:
                raise InputError(str(folder / part.tokens), f"cannot be read ({error})", "Encode it again.") from error
    return digest.hexdigest()
