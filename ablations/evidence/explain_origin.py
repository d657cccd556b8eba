"""Where a trained cell comes from: its studies' records, and from its tokens back to the curated shards, by fingerprints."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ablations.cells.cell_folder import HELDOUT, TRAIN, TRAINING
from ablations.cells.named_cell import named_cell, recorded, tokenizer_of
from ablations.cells.recorded_cells import RecordedCell
from ablations.core.spec.cell_spec import CELL, CellSpec
from ablations.core.spec.measuring_spec import MeasuringSpec
from ablations.core.spec.strict import build
from curation.runtime.errors import ConfigError
from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.parts import checked, read_checked
from tokenizer.encode import DOCUMENTS
from tokenizer.model import TokenizerModel, load_tokenizer


@dataclass(frozen=True)
class Origin:
    """Of one token set of a cell: folders relative to the output folder; `encoded` holds it shard by shard."""

    split: str
    tokens: str
    encoded: str
    curated: str

    def shards_of(self, out: Folder) -> dict[str, str]:
        """Document id in hex -> curated shard that holds it."""
        from safetensors.numpy import load_file

        found: dict[str, str] = {}
        for part in Manifest.load(out / self.encoded).parts:
            with checked(out / self.encoded, DOCUMENTS.format(f"{part['file']}.{self.split}")) as path:
                ids = load_file(path)["ids"]
            found |= dict.fromkeys((id_.tobytes().hex() for id_ in ids), f"{self.curated}/{part['file']}.parquet")
        return found


@dataclass(frozen=True)
class TracedCell:
    """A trained cell with its files read, as one study's record knows it."""

    recorded: RecordedCell

    @property
    def out(self) -> Folder:
        return self.recorded.out

    @property
    def name(self) -> str:
        return self.recorded.name

    @property
    def folder(self) -> Folder:
        return self.recorded.folder

    @cached_property
    def spec(self) -> CellSpec:
        return build(CellSpec, json.loads(read_checked(self.folder, CELL)), f"{self.folder.url}/{CELL}")

    @cached_property
    def training(self) -> dict[str, Any]:
        """Its training.json."""
        parsed: dict[str, Any] = json.loads(read_checked(self.folder, TRAINING))
        return parsed

    @cached_property
    def measuring(self) -> MeasuringSpec:
        return build(MeasuringSpec, self.recorded.entry["measuring"], f"{self.name}: measuring")

    @cached_property
    def manifest(self) -> Manifest:
        return Manifest.load(self.folder)

    @cached_property
    def code(self) -> str:
        """The version of the program that trained it."""
        return str(self.folder.read_json(MANIFEST).get("code", "unknown"))

    @cached_property
    def tokenizer_folder(self) -> str:
        """Of the tokenizer that all its tokens are in."""
        return self.out.relative(tokenizer_of(self.folder))

    @cached_property
    def tokenizer(self) -> TokenizerModel:
        return load_tokenizer(self.out / self.tokenizer_folder)

    @cached_property
    def _known(self) -> dict[str, str]:
        return dict(_fingerprints(self.recorded))

    def train_origin(self, stem: str) -> Origin:
        """Where the training tokens at this path stem come from.

        Raises:
            ConfigError: something of it is not in the output folder any more.
        """
        return self._origin(self.recorded.entry["train"][stem], TRAIN)

    def heldout_origin(self, source: str) -> Origin:
        """The same of a source's held-out tokens."""
        return self._origin(self.recorded.entry["heldout"][source], HELDOUT)

    def _origin(self, tokens: str, split: str) -> Origin:
        joined = self._manifest(tokens, f"tokens {tokens}")
        encoded = self._named(joined.what["parts"], f"parts of {tokens}")
        shards = Manifest.load(self.out / encoded).what["shards"]
        return Origin(split, tokens, encoded, self._named(shards, f"curated shards of {tokens}"))

    def _manifest(self, path: str, what: str) -> Manifest:
        if not (self.out / path).exists(MANIFEST):
            raise self._gone(what)
        return Manifest.load(self.out / path)

    def _named(self, fingerprint: str, what: str) -> str:
        if fingerprint not in self._known:
            raise self._gone(what)
        return self._known[fingerprint]

    def _gone(self, what: str) -> ConfigError:
        fix = "Run `loam ablate run` on the study to make it again."
        return ConfigError(f"{self.name}: {what}: not in the output folder any more. {fix}")


def _fingerprints(cell: RecordedCell) -> Iterator[tuple[str, str]]:
    """(fingerprint, path) of the tokens and curated shards of the study."""
    paths: list[str] = list(cell.record["tokens"])
    for stages in cell.record["curation"].values():
        paths += [passed["curated"] for passed in stages["passes"].values()]
    for path in paths:
        if (cell.out / path).exists(MANIFEST):
            yield Manifest.load(cell.out / path).fingerprint, path


def traced_cells(out: Folder, cell: str) -> list[TracedCell]:
    """The trained cell of this name, once for each study that has it.

    Raises:
        ConfigError: there is none, several, it is not trained, or no study in `runs` knows it.
    """
    return [TracedCell(each) for each in recorded(named_cell(cell, out))]


def training_origins(cell: TracedCell) -> dict[str, Origin]:
    """Path stem of each of its training tokens -> where they come from."""
    return {part.tokens: cell.train_origin(part.tokens) for part in cell.spec.training.train}


def train_again(cell: TracedCell) -> str | None:
    """A command that trains the cell anew in a folder `again`; None where its tokens are no longer there."""
    if not cell.folder.is_local or not cell.folder.exists("tokens"):
        return None
    parts = " ".join(shlex.quote(f"{cell.folder.url}/{name}") for name in (CELL, "tokens"))
    return f"mkdir again && cp -r {parts} again && python -m ablations.core again"
