"""Where a finished cell comes from: its study's record, and from its tokens back to the curated shards, by fingerprints."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ablations.cell_folder import RESULT, SPEC
from ablations.cells import STAGE
from curation.run_record import STUDY_ENDING
from curation.runtime.errors import ConfigError, one_of
from curation.runtime.manifest import Manifest
from curation.runtime.store import MANIFEST, Folder
from tokenizer.encode import DOCUMENTS
from tokenizer.model import TokenizerModel, load


@dataclass(frozen=True)
class FinishedCell:
    """A finished cell with its spec, result, manifest and the record of the study that it belongs to."""

    out: Folder
    name: str
    spec: Mapping[str, Any]
    result: Mapping[str, Any]
    manifest: Manifest
    code: str
    record: Mapping[str, Any]

    @property
    def folder(self) -> Folder:
        return self.out / STAGE / self.name


@dataclass(frozen=True)
class Origin:
    """Of one token set of a cell: folders relative to the output folder; `encoded` holds it shard by shard."""

    source: str
    split: str
    tokens: str
    encoded: str
    tokenizer: str
    curated: str

    def shards_of(self, out: Folder) -> dict[str, str]:
        """Document id in hex -> curated shard that holds it."""
        from safetensors.numpy import load_file

        found: dict[str, str] = {}
        for part in Manifest.load(out / self.encoded).parts:
            with (out / self.encoded).local(DOCUMENTS.format(f"{part['file']}.{self.split}")) as path:
                ids = load_file(path)["ids"]
            found |= dict.fromkeys((id_.tobytes().hex() for id_ in ids), f"{self.curated}/{part['file']}.parquet")
        return found


def find_cell(out: Folder, wanted: str) -> FinishedCell:
    """The finished cell by its folder's name or the beginning of it.

    Raises:
        ConfigError: there is none, several, it is not finished, or no study in `runs` knows it.
    """
    names = (out / STAGE).names()
    matching = [name for name in names if name == wanted] or [name for name in names if name.startswith(wanted)]
    if not matching:
        raise ConfigError(f"{out.url}: {one_of(names, wanted, 'cell')}")
    if len(matching) > 1:
        raise ConfigError(f"{wanted}: {len(matching)} cells begin so: {', '.join(matching)}. Give more of the name.")
    folder = out / STAGE / matching[0]
    if not folder.exists(MANIFEST):
        raise ConfigError(
            f"{matching[0]}: is not finished. Run `loam ablate run` or `loam ablate status` on its study."
        )
    manifest = Manifest.load(folder)
    code = str(folder.read_json(MANIFEST).get("code", "unknown"))
    record = _record_of(out, manifest.fingerprint, matching[0])
    return FinishedCell(out, matching[0], folder.read_json(SPEC), folder.read_json(RESULT), manifest, code, record)


def _record_of(out: Folder, fingerprint: str, name: str) -> dict[str, Any]:
    for file in (out / "runs").names():
        if file.endswith(STUDY_ENDING):
            record = (out / "runs").read_json(file)
            if fingerprint in record["cells"]:
                return record
    raise ConfigError(
        f"{name}: no study in {out.url}/runs has this cell. Run `loam ablate run` on the study that it is of."
    )


def origins(cell: FinishedCell) -> dict[str, Origin]:
    """Path stem in the cell -> where its tokens come from."""
    known = dict(_known(cell))
    found = {}
    for stem, (fingerprint, split) in cell.manifest.what["tokens"].items():
        joined = Manifest.load(cell.out / _named(known, fingerprint, f"{cell.name}: tokens {stem}"))
        encoded = Manifest.load(cell.out / _named(known, joined.what["parts"], f"{cell.name}: parts of {stem}"))
        found[stem] = Origin(
            source=stem.split("/", 1)[-1].removesuffix(f".{split}"),
            split=split,
            tokens=known[fingerprint],
            encoded=known[joined.what["parts"]],
            tokenizer=_named(known, encoded.what["tokenizer"], f"{cell.name}: tokenizer of {stem}"),
            curated=_named(known, encoded.what["shards"], f"{cell.name}: curated shards of {stem}"),
        )
    return found


def _known(cell: FinishedCell) -> Iterator[tuple[str, str]]:
    """(fingerprint, path) of tokenizers, tokens and curated shards of the study."""
    paths = [*cell.record["tokenizers"], *cell.record["tokens"]]
    for stages in cell.record["curation"].values():
        paths += [passed["curated"] for passed in stages["passes"].values()]
    for path in paths:
        if (cell.out / path).exists(MANIFEST):
            yield Manifest.load(cell.out / path).fingerprint, path


def _named(known: Mapping[str, str], fingerprint: str, what: str) -> str:
    if fingerprint not in known:
        raise ConfigError(
            f"{what}: not in the output folder any more. Run `loam ablate run` on the study to make it again."
        )
    return known[fingerprint]


def tokenizer_of(cell: FinishedCell) -> TokenizerModel:
    """The tokenizer that all tokens of the cell are in."""
    (path,) = {origin.tokenizer for origin in origins(cell).values()}
    return load(cell.out / path)


def train_again(cell: FinishedCell) -> str | None:
    """A command that trains the cell anew in a folder `again`; None on an object store, where its inputs do not lie beside it."""
    if not cell.folder.is_local:
        return None
    parts = [f"{cell.folder.url}/{name}" for name in (SPEC, "tokens", "tasks", "plugins") if cell.folder.exists(name)]
    return f"mkdir again && cp -r {' '.join(map(shlex.quote, parts))} again && python -m ablations.core again"
