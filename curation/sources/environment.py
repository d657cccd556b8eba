"""Text that is already on this machine: in the installed Python distributions and in the system's documentation.

It needs no network and no data set, so demonstrations and tests have real code and prose everywhere. The order goes by a hash
of each file's origin, so that a budget takes a mixed sample and the same machine always gives the same documents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from curation.runtime.errors import InputError
from curation.sources import docstrings, installed
from curation.sources.base import Piece, Row, Source, Unreadable
from curation.sources.jsonl import RAW_KEPT

Part = Literal["code", "reference", "readme", "legal"]


class Environment(Source):
    """Text of this machine.

    Args:
        part: `code` (Python modules), `reference` (their docstrings, one document a module), `readme` (descriptions of
            distributions), `legal` (licences of distributions and of the system).
        budget_bytes: stop after this many bytes of text (UTF-8).
    """

    kind: Literal["environment"] = "environment"
    version: Literal[1] = 1
    part: Part
    budget_bytes: int = Field(default=4_000_000, ge=1)

    def plan(self, name: str, data_root: str, piece_bytes: int) -> list[Piece]:
        candidates = self._candidates()
        if not candidates:
            raise InputError(
                f"source {name}: part {self.part}", "nothing of it on this machine", "Choose another part."
            )
        size = min(self.budget_bytes, sum(file.bytes for file in candidates))
        return [Piece(path="", location="", bytes=size, content=_digest(candidates), format=self.part)]

    def read(self, name: str, piece: Piece) -> Iterator[Row | Unreadable]:
        candidates = self._candidates()
        if _digest(candidates) != piece.content:
            raise InputError(f"source {name}", "the installed files changed since the plan", "Run again.")
        taken = 0
        for file in candidates:
            if taken >= self.budget_bytes:
                return
            row = self._document(file)
            if isinstance(row, Row):
                taken += len(row.text.encode("utf8", "replace"))
            if row is not None:
                yield row

    def _document(self, file: installed.File) -> Row | Unreadable | None:
        data = Path(file.location).read_bytes()
        try:
            text = data.decode("utf8")
        except UnicodeDecodeError as error:
            return Unreadable(file.origin, 0, f"not UTF-8: byte {error.start}", data[:RAW_KEPT])
        if self.part == "reference":
            text = docstrings.reference(text, file.origin)
        elif self.part == "readme":
            text = installed.description(text)
        return Row(text, file.origin, 0) if text else None  # a module without docstrings is no document

    def _candidates(self) -> list[installed.File]:
        files = {"code": installed.modules, "reference": installed.modules, "readme": installed.metadata}
        return sorted(files.get(self.part, installed.licences)(), key=lambda file: _rank(file.origin))


def _rank(origin: str) -> bytes:
    return hashlib.blake2b(origin.encode(), digest_size=16, person=b"environment").digest()


def _digest(files: list[installed.File]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        digest.update(f"{file.origin}\x00{file.content}\n".encode())
    return digest.hexdigest()
