"""The studies that come with Loam: the question, the registered claims and the rough cost of each."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablations.settings import study_file as settings
from ablations.study.drafts import drafts
from ablations.study.rough_cost import cell_seconds, needs_gpu
from curation.runtime.shipped import PLACES

CURATION_SECONDS = 90.0  # of sources of some megabytes: start, read, curate, train a tokenizer, encode
CORES = 2


BESIDE = {"expected", "because", "after_a_look", "robust_over"}  # of a claim: not what it says


@dataclass(frozen=True)
class Entry:
    """One study of the gallery.

    Attributes:
        claims: in words, as in its file.
        core_seconds, gpu_seconds: an estimate of its cells', on one core and on a GPU.
        minutes: of wall time on `CORES` cores with nothing done before.
    """

    path: str
    question: str
    claims: Sequence[str]
    seeds: int
    cells: int
    control_cells: int
    core_seconds: float
    gpu_seconds: float
    minutes: float


def entries() -> list[Entry]:
    """All of `configs/studies`, by name. Reads no text and trains nothing."""
    return [entry(path) for path in paths()]


def paths() -> list[str]:
    """Files of the studies that come with Loam."""
    folder = next(place / "studies" for place in PLACES if (place / "studies").is_dir())
    return [str(path) for path in sorted(folder.glob("*.yaml"))]


def entry(path: str) -> Entry:
    """One study, loaded and checked as a run would load it."""
    study, _ = settings.load(path)
    cells = list(drafts(study))
    own = sum(draft.arm in study.arms for draft in cells)
    gpu = sum(cell_seconds(draft) for draft in cells if needs_gpu(draft))
    core = sum(cell_seconds(draft) for draft in cells if not needs_gpu(draft))
    minutes = (CURATION_SECONDS + core / CORES) / 60
    claims = [in_words(claim.model_dump(exclude_none=True, exclude=BESIDE)) for claim in study.claims]
    return Entry(path, study.question, claims, study.seeds, own, len(cells) - own, core, gpu, minutes)


def lines(studies: list[Entry]) -> Iterator[str]:
    """The gallery as text."""
    for each in studies:
        yield f"configs/studies/{Path(each.path).name}"
        yield from textwrap.wrap(each.question, 110, initial_indent="  ", subsequent_indent="  ")
        yield from (f"    claim: {claim}" for claim in each.claims)
        cells = f"{each.cells} cells and {each.control_cells} of controls, {each.seeds} seeds"
        gpu = f" and {each.gpu_seconds / 60:.0f} on a GPU" if each.gpu_seconds else ""
        yield f"    cost: {cells}; about {each.minutes:.0f} minutes on {CORES} cores{gpu}"
        yield ""
    yield "Minutes are an estimate from sizes of models and numbers of tokens; `loam study FILE --dry-run` measures."
    yield "Run one with `loam study FILE`. In one --out folder, studies share the cells that are the same in them."


def in_words(claim: Mapping[str, Any]) -> str:
    """A claim as in its study's file."""
    rest = dict(claim)
    kind = rest.pop("kind")
    pairs = (f"{key}: {', '.join(value) if isinstance(value, tuple) else value}" for key, value in rest.items())
    return f"{kind} ({'; '.join(pairs)})"
