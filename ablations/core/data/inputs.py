"""Hashes of what a cell reads: independent of where its files are and of documents that it does not read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from ablations.core.data.documents import Documents
from ablations.core.data.packing import chosen_documents
from ablations.core.spec.measuring_spec import MeasuringSpec
from ablations.core.spec.training_spec import TrainingSpec, TrainSource

AT_A_TIME = 4096  # documents hashed at a time


def input_digests(folder: Path, spec: TrainingSpec, measuring: MeasuringSpec | None) -> dict[str, str]:
    """Path in the cell -> 64 hex digits of what the cell reads of it: of a training source the chosen documents.

    Raises:
        InputError: a token file is missing or does not fit.
    """
    digests = {part.tokens: digest_of(*chosen_of(folder, part, spec)) for part in spec.train}
    if measuring is None:
        return digests
    for stem in measuring.heldout.values():
        documents = Documents.read(folder, stem, spec.model.vocab_size, spec.bos)
        digests[stem] = digest_of(documents, np.arange(len(documents)))
    for path in (*measuring.tasks, *measuring.plugins):
        digests[path] = hashlib.sha256((folder / path).read_bytes()).hexdigest()
    return digests


def chosen_of(folder: Path, part: TrainSource, spec: TrainingSpec) -> tuple[Documents, NDArray[np.int64]]:
    """The documents of a training source, and the numbers of those that a cell trains on."""
    documents = Documents.read(folder, part.tokens, spec.model.vocab_size, spec.bos)
    return documents, chosen_documents(documents, part.fraction, spec.seeds.subset, part.offset)


def digest_of(documents: Documents, numbers: NDArray[np.int64]) -> str:
    """Of ids, lengths, bytes and tokens of these documents, in this order."""
    digest = hashlib.sha256()
    for column, kind in ((documents.ids, "u1"), (documents.lengths, "<i8"), (documents.utf8_bytes, "<i8")):
        digest.update(column[numbers].astype(kind).tobytes())
    for start in range(0, len(numbers), AT_A_TIME):
        digest.update(_joined(documents, numbers[start : start + AT_A_TIME]).tobytes())
    return digest.hexdigest()


def subset_files(documents: Documents, numbers: NDArray[np.int64]) -> tuple[bytes, bytes]:
    """The two files of a token set with the tokens of these documents alone: tokens, index.

    The index is of all documents, so that a cell chooses among them as it would where all tokens are.
    """
    here = np.zeros(len(documents), np.int64)
    here[numbers] = documents.lengths[numbers]
    index: dict[str, NDArray[Any]] = {
        "offsets": np.concatenate(([0], np.cumsum(here))).astype(np.int64),
        "ids": np.ascontiguousarray(documents.ids),
        "utf8_bytes": documents.utf8_bytes,
        "lengths": documents.lengths,
    }
    return _joined(documents, numbers).tobytes(), save(index)


def _joined(documents: Documents, numbers: Sequence[int] | NDArray[np.int64]) -> NDArray[np.uint16]:
    parts = [documents.of(int(number)) for number in numbers]
    return np.concatenate([np.zeros(0, "<u2"), *parts]).astype("<u2")
