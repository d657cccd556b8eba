"""Cells of a study as one small folder that runs wherever torch, numpy and safetensors are."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ablations.cells.cell_contents import lay_out_all
from ablations.cells.cells import CellPlan
from ablations.cells.measuring_plan import identity_of_asked
from ablations.core.data.documents import Documents
from ablations.core.data.inputs import chosen_of, subset_files
from ablations.core.data.mixture import BLOCK, apportion
from ablations.core.results.files import write_json
from ablations.core.spec.cell_spec import CELL, MEASURING
from ablations.core.spec.machine import as_settings
from ablations.core.spec.training_spec import TrainingSpec
from ablations.elsewhere.runner import sources
from ablations.elsewhere.runner.pack_folder import BLOBS, CELLS, CODE, PACK, Pack, PackedCell, digest
from curation.runtime.errors import ConfigError
from tokenizer.encode import DOCUMENTS, TOKENS

MIB = 2**20
LIMIT_MIB = 60
WORTH_COMPRESSING = 0.95  # of its size; above it a file is packed as it is
README = """{study}: {cells} cells, packed by `loam ablate pack`.

    cd {code} && python -m ablations.elsewhere.runner ..

runs them with Python 3.11 or later, torch, numpy and safetensors; stopped or killed, the same command goes on. What comes
out lies in results/, and `loam ablate unpack` takes it from there. `python -m ablations.elsewhere.runner --help` lists the options.
"""


@dataclass(frozen=True)
class Repetition:
    """How often an arm's cells see a source: tokens of the schedule that it gives, over its distinct tokens that were packed.

    Both are means over the arm's packed cells; a fraction of the documents is another one with every seed.
    """

    arm: str
    source: str
    distinct_tokens: int
    scheduled_tokens: int

    @property
    def times(self) -> float:
        return self.scheduled_tokens / self.distinct_tokens


@dataclass(frozen=True)
class Packed:
    """What was written: the folder, its size in bytes, and how often each source will be repeated."""

    folder: Path
    cells: int
    bytes: int
    repetitions: Sequence[Repetition]


@dataclass
class _Blobs:
    """Files by their content. Grows until it has more than `most` bytes."""

    folder: Path
    most: int
    sizes: dict[str, int] = field(default_factory=dict)  # by what the bytes are of: "tokens of web"
    names: set[str] = field(default_factory=set)

    def add(self, content: bytes, what: str) -> str:
        name = digest(content)
        if name not in self.names:
            self.names.add(name)
            packed = gzip.compress(content, 6, mtime=0)
            small = len(packed) < WORTH_COMPRESSING * len(content)
            self.sizes[what] = self.sizes.get(what, 0) + (len(packed) if small else len(content))
            if sum(self.sizes.values()) <= self.most:  # what is too much is counted, not written
                (self.folder / f"{name}{'.gz' if small else ''}").write_bytes(packed if small else content)
        return name


def pack(study: str, plans: Sequence[CellPlan], folder: Path, limit_mib: float = LIMIT_MIB) -> Packed:
    """Write the cells into `folder`, which must not be there yet; all of it or nothing.

    Of a source's documents those are packed that one of the cells trains on.

    Raises:
        ConfigError: the folder is there, no cell is left, or they do not fit.
    """
    if not plans:
        raise ConfigError(f"{study}: no cell to pack: all are finished, or run on this machine.")
    if folder.exists():
        raise ConfigError(f"{folder}: is there already. Name another folder, or remove it.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        draft = Path(scratch, folder.name)
        made = _write(study, plans, draft, Path(scratch, "cells"), limit_mib)
        draft.rename(folder)
    return Packed(folder, len(plans), made[0], made[1])


def _write(
    study: str, plans: Sequence[CellPlan], draft: Path, scratch: Path, limit_mib: float
) -> tuple[int, list[Repetition]]:
    code = _write_code(draft / CODE)
    (draft / BLOBS).mkdir(parents=True)
    blobs = _Blobs(draft / BLOBS, int(limit_mib * MIB))
    blobs.sizes["code"] = code
    laid = [(plan, _laid_out(plan, scratch / str(number))) for number, plan in enumerate(plans)]
    files: dict[str, dict[str, str]] = {plan.name: {} for plan in plans}
    _add_training(laid, blobs, files)
    _add_others(laid, blobs, files)
    cells = [_cell(plan, files[plan.name]) for plan in plans]
    for plan in plans:
        path = draft / CELLS / plan.name
        path.mkdir(parents=True)
        write_json(path / CELL, plan.spec.to_json())
    write_json(draft / PACK, asdict(Pack(study, sources.fingerprint(), tuple(cells))))
    (draft / "README.md").write_text(README.format(study=study, cells=len(plans), code=CODE), encoding="utf8")
    own = sum(path.stat().st_size for path in draft.rglob("*") if path.is_file() and path.parent.name != BLOBS)
    blobs.sizes["code"] = own
    if (size := sum(blobs.sizes.values())) > blobs.most:
        raise ConfigError(_too_large(draft.name, blobs.sizes, size, limit_mib))
    return size, list(repetitions(laid))


def _write_code(folder: Path) -> int:
    for name, path in sources.sources().items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _laid_out(plan: CellPlan, path: Path) -> tuple[Path, TrainingSpec]:
    lay_out_all(path, plan)
    return path, plan.training


Laid = Sequence[tuple[CellPlan, tuple[Path, TrainingSpec]]]


def _add_training(laid: Laid, blobs: _Blobs, files: Mapping[str, dict[str, str]]) -> None:
    """Token sets that cells train on, each once, with the documents that any of its cells chooses."""
    wanted: dict[str, NDArray[np.bool_]] = {}
    documents: dict[str, Documents] = {}
    for plan, (path, spec) in laid:
        for part in spec.train:
            key = _set_of(plan, part.tokens)
            found, numbers = chosen_of(path, part, spec)
            documents.setdefault(key, found)
            wanted.setdefault(key, np.zeros(len(found), bool))[numbers] = True
    added = {}
    for key, mask in wanted.items():
        contents = subset_files(documents[key], np.flatnonzero(mask))
        tokens = int(documents[key].lengths[mask].sum())
        what = f"training tokens of {_source_of(laid, key)} ({tokens:,} distinct)"
        added[key] = [blobs.add(content, what) for content in contents]
    for plan, (_, spec) in laid:
        for part in spec.train:
            names = (TOKENS.format(part.tokens), DOCUMENTS.format(part.tokens))
            files[plan.name] |= dict(zip(names, added[_set_of(plan, part.tokens)], strict=True))


def _set_of(plan: CellPlan, stem: str) -> str:
    return plan.tokens[stem].manifest.fingerprint


def _source_of(laid: Laid, key: str) -> str:
    return next(t.source for plan, _ in laid for t in plan.tokens.values() if t.manifest.fingerprint == key)


def _add_others(laid: Laid, blobs: _Blobs, files: Mapping[str, dict[str, str]]) -> None:
    """Held-out tokens, few-shot items and plugins, as they are."""
    known: dict[tuple[str, ...], str] = {}
    for plan, (path, _) in laid:
        files[plan.name][MEASURING] = blobs.add((path / MEASURING).read_bytes(), "what is measured")
        for source, stem in plan.measuring.spec.heldout.items():
            for pattern in (TOKENS, DOCUMENTS):
                key = (plan.measuring.heldout[source].manifest.fingerprint, pattern)
                if key not in known:
                    known[key] = blobs.add((path / pattern.format(stem)).read_bytes(), f"held-out tokens of {source}")
                files[plan.name][pattern.format(stem)] = known[key]
        for task, file in plan.measuring.items.items():
            if (file.digest,) not in known:
                known[file.digest,] = blobs.add(file.text.encode(), f"items of {task}")
            files[plan.name][f"tasks/{task}.json"] = known[file.digest,]
        for plugin in plan.measuring.plugins:
            files[plan.name][f"plugins/{plugin.name}"] = blobs.add(plugin.source.encode(), "plugins")


def _cell(plan: CellPlan, files: dict[str, str]) -> PackedCell:
    measures = {label: identity_of_asked(asked) for label, asked in plan.asked.items()}
    return PackedCell(plan.name, plan.output.fingerprint, plan.training.digest(), dict(plan.machine), files, measures)


def _too_large(name: str, sizes: Mapping[str, int], size: int, limit_mib: float) -> str:
    largest = sorted(sizes.items(), key=lambda item: -item[1])
    parts = ", ".join(f"{what} {part / MIB:.1f} MiB" for what, part in largest)
    return (
        f"{name}: {size / MIB:.1f} MiB do not fit into {limit_mib:g} MiB: {parts}. Nothing was written. Pack fewer distinct tokens "
        "(a smaller fraction of an arm, fewer sources), fewer task items or draws, or raise --limit-mib."
    )


def repetitions(laid: Laid) -> Iterator[Repetition]:
    """Of every arm and source."""
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for plan, (path, spec) in laid:
        counts = apportion([part.weight for part in spec.train], BLOCK)
        for part, count in zip(spec.train, counts, strict=True):
            documents, numbers = chosen_of(path, part, spec)
            distinct = int(documents.lengths[numbers].sum())
            given = round(spec.steps * spec.tokens_a_step * count / BLOCK)
            found.setdefault((plan.arm, part.source), []).append((distinct, given))
    for (arm, source), values in found.items():
        distinct, given = (round(sum(column) / len(values)) for column in zip(*values, strict=True))
        yield Repetition(arm, source, distinct, given)


def lines(made: Packed, plans: Sequence[CellPlan], left_out: int, assumed: bool) -> list[str]:
    """What a user should know of a packed folder."""
    told = [f"{made.cells} cells packed, {made.bytes / MIB:.1f} MiB"]
    machines = {as_settings(plan.machine): None for plan in plans}
    told += [
        f"for {machine}" + (", which is this machine: the study names none" if assumed else "") for machine in machines
    ]
    if left_out:
        told.append(f"{left_out} cells were left out, because `machine` does not say where they run; they run here")
    return told
