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

from ablations.cells.cell_contents import lay_out_all, plugins_of
from ablations.cells.cells import CellPlan
from ablations.cells.measuring_plan import identity_of_asked
from ablations.core.data.documents import Documents
from ablations.core.data.inputs import chosen_of, subset_files
from ablations.core.data.training_windows import training_windows
from ablations.core.results.files import write_json
from ablations.core.spec.cell_spec import CELL
from ablations.core.spec.machine import as_settings
from ablations.elsewhere.runner import sources
from ablations.elsewhere.runner.pack_folder import BLOBS, CELLS, CODE, PACK, Pack, PackedCell, content_digest
from curation.runtime.errors import ConfigError
from curation.runtime.whole_files import whole_folder
from tokenizer.encode import DOCUMENTS, TOKENS

MIB = 2**20
LIMIT_MIB = 60
README = """{study}: {cells} cells, packed by `loam ablate pack`.

    cd {code} && python -m ablations.elsewhere.runner ..

runs them with Python 3.11 or later, torch, numpy and safetensors; stopped or killed, the same command goes on. What comes
out is in results/, and `loam ablate unpack` takes it from there. `python -m ablations.elsewhere.runner --help` lists the options.
"""


@dataclass(frozen=True)
class Repetition:
    """How often an arm's cells see a source: tokens of it that they are given, over its distinct tokens that were packed.

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
    """Files by their content; `sizes` by what the bytes are of, such as "tokens of web"."""

    folder: Path
    sizes: dict[str, int] = field(default_factory=dict)

    def add(self, content: bytes, what: str) -> str:
        name = content_digest(content)
        path = self.folder / f"{name}.gz"
        if not path.exists():
            path.write_bytes(gzip.compress(content, 6, mtime=0))
            self.sizes[what] = self.sizes.get(what, 0) + path.stat().st_size
        return name


Laid = Sequence[tuple[CellPlan, Path]]


def pack(study: str, plans: Sequence[CellPlan], folder: Path, limit_mib: float = LIMIT_MIB) -> Packed:
    """Write the cells into `folder`, which must not be there yet; all of it or nothing.

    Of a source's documents those are packed that one of the cells trains on.

    Raises:
        ConfigError: the folder is there, no cell is left, a plugin wants more than a pack holds, or they do not fit.
    """
    if not plans:
        raise ConfigError(f"{study}: no cell to pack: all are finished, or run on this machine.")
    if folder.exists():
        raise ConfigError(f"{folder}: is there already. Name another folder, or remove it.")
    _check_plugins(plans)
    with whole_folder(folder) as draft:
        for name, path in sources.sources().items():
            (draft / CODE / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, draft / CODE / name)
        blobs = _Blobs(draft / BLOBS)
        blobs.folder.mkdir()
        with tempfile.TemporaryDirectory(dir=draft) as scratch:  # on this disk, so that token files are links
            laid = [(plan, Path(scratch, str(number))) for number, plan in enumerate(plans)]
            for plan, path in laid:
                lay_out_all(path, plan)
            training = _training(laid, blobs)
            cells = [_cell(plan, path, training, blobs) for plan, path in laid]
            repeated = list(repetitions(laid))
        for plan in plans:
            (draft / CELLS / plan.name).mkdir(parents=True)
            write_json(draft / CELLS / plan.name / CELL, plan.spec.to_json())
        write_json(draft / PACK, asdict(Pack(study, sources.fingerprint(), tuple(cells))))
        (draft / "README.md").write_text(README.format(study=study, cells=len(plans), code=CODE), encoding="utf8")
        size = sum(path.stat().st_size for path in draft.rglob("*") if path.is_file())
        if size > limit_mib * MIB:
            sizes = {**blobs.sizes, "code": size - sum(blobs.sizes.values())}
            raise ConfigError(_too_large(folder.name, sizes, size, limit_mib))
    return Packed(folder, len(plans), size, repeated)


def _check_plugins(plans: Sequence[CellPlan]) -> None:
    """Refuse what could not run elsewhere: there, cells have the files of `sources` and nothing else of ours."""
    packed = set(sources.sources().values())
    for plugin in dict.fromkeys(plugin for plan in plans for plugin in plugins_of(plan)):
        if wanted := sorted(
            path.relative_to(sources.ROOT).as_posix() for path in {*sources.imported(plugin.source)} - packed
        ):
            raise ConfigError(
                f"plugin {plugin.name}: imports {wanted[0]}, which a pack does not hold. Move its metrics, optimizers and "
                "schedules into a file that imports nothing of loam but ablations.core."
            )


def _training(laid: Laid, blobs: _Blobs) -> dict[str, str]:
    """Name in the cells -> blob: token sets that cells train on, each with the documents that any of its cells chooses."""
    chosen: dict[str, tuple[str, Documents, NDArray[np.int64]]] = {}
    for plan, path in laid:
        for part in plan.training.train:
            documents, numbers = chosen_of(path, part, plan.training)
            before = chosen[part.tokens][2] if part.tokens in chosen else numbers[:0]
            chosen[part.tokens] = part.source, documents, np.union1d(before, numbers)
    names = {}
    for stem, (source, documents, numbers) in chosen.items():
        what = f"training tokens of {source} ({int(documents.lengths[numbers].sum()):,} distinct)"
        for pattern, content in zip((TOKENS, DOCUMENTS), subset_files(documents, numbers), strict=True):
            names[pattern.format(stem)] = blobs.add(content, what)
    return names


def _cell(plan: CellPlan, path: Path, training: Mapping[str, str], blobs: _Blobs) -> PackedCell:
    """One cell with its files: of training tokens what was packed of them, everything else as it is."""
    files = {}
    for file in sorted(each for each in path.rglob("*") if each.is_file()):
        if (name := file.relative_to(path).as_posix()) != CELL:
            files[name] = training.get(name) or blobs.add(file.read_bytes(), name)
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
    each: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for plan, path in laid:
        spec = plan.training
        for source, seen in training_windows(path, spec).seen(spec.steps * spec.schedule.batch).items():
            each.setdefault((plan.arm, source), []).append((seen.tokens_chosen, seen.tokens))
    for (arm, source), values in each.items():
        distinct, given = (round(sum(column) / len(values)) for column in zip(*values, strict=True))
        yield Repetition(arm, source, distinct, given)


def lines(packed: Packed, plans: Sequence[CellPlan], left_out: int, assumed: bool) -> list[str]:
    """What a user should know of a packed folder."""
    machines = dict.fromkeys(as_settings(plan.machine) for plan in plans)
    this = ", which is this machine: the study names none" if assumed else ""
    shown = [f"{packed.cells} cells packed, {packed.bytes / MIB:.1f} MiB", *(f"for {each}{this}" for each in machines)]
    if left_out:
        shown.append(f"{left_out} cells were left out, because `machine` does not say where they run; they run here")
    return shown
