"""`python -m ablations.elsewhere.runner FOLDER`: run the packed cells that are not finished, and gather what came out.

Needs torch, numpy and safetensors. May be killed at any moment and started again. Exit codes: 0 all cells are finished; 1 some
failed, the others were run all the same; 2 the folder or this machine cannot be used; 3 another run works in the folder;
75 the time was up first, and the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ablations.core.spec.cell_spec import CellSpec, read_spec
from ablations.core.spec.machine import as_settings, is_gpu, machine_class
from ablations.core.spec.training_spec import TrainingSpec
from ablations.elsewhere.runner.archives import write_archives
from ablations.elsewhere.runner.capacity import cores, gpus_of, processes
from ablations.elsewhere.runner.outcome import OUTCOME, free_points, sign, to_send
from ablations.elsewhere.runner.pack_folder import CELLS, RESULTS, Pack, PackedCell, check_code, lay_out, read_pack
from ablations.elsewhere.runner.parallel import Ending, Pool, Start
from ablations.elsewhere.runner.stoppable import STOPPED
from curation.runtime.errors import ConfigError, LoamError
from curation.runtime.file_lock import held

MIB = 2**20
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code, see above."""
    options = _parser().parse_args(arguments)
    folder: Path = options.folder
    try:
        if not folder.is_dir():
            raise ConfigError(f"{folder}: no such folder. Give one that `loam ablate pack` wrote.")
        with held(str(folder / ".lock"), str(folder), "Wait for it."):
            return run_all(options)
    except LoamError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted. What was finished is kept; run the same command again to go on.", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ablations.elsewhere.runner", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="folder that `loam ablate pack` wrote")
    parser.add_argument("--parallel", type=_positive, metavar="N", help="cells at a time; default by cores and memory")
    parser.add_argument("--limit-seconds", type=float, default=math.inf, metavar="S",
                        help="after which running cells stop at their next checkpoint")  # fmt: skip
    parser.add_argument("--grace-seconds", type=float, default=30.0, metavar="S",
                        help="beyond the limit, after which those that have not stopped are killed (30)")  # fmt: skip
    parser.add_argument("--device", action="append", default=[], metavar="N",
                        help="number of a GPU to use, several times for several; default all")  # fmt: skip
    parser.add_argument("--weights", choices=("none", "last", "all"), default="none",
                        help="which weights go into the results; without them a cell cannot be measured again (none)")  # fmt: skip
    parser.add_argument("--free-points", action="store_true",
                        help="remove a cell's weights along the way once it is measured, where the disk is small")  # fmt: skip
    parser.add_argument("--archive-mib", type=_positive, default=15, metavar="N", help="most of one archive (15)")
    parser.add_argument("--machine", action="store_true",
                        help="print what a study has to say of this machine; run nothing")  # fmt: skip
    return parser


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


def run_all(options: argparse.Namespace) -> int:
    """Run what is not finished, within the limit; see the module's exit codes."""
    deadline = time.monotonic() + options.limit_seconds
    folder: Path = options.folder
    pack = read_pack(folder)
    devices = sorted({read_spec(folder / CELLS / cell.name).training.compute.device for cell in pack.cells})
    if options.machine:
        print("\n".join(as_settings(machine_class(device)) for device in devices))
        return 0
    check_code(pack, folder)
    todo = [cell for cell in pack.cells if not (folder / CELLS / cell.name / OUTCOME).exists()]
    known = len(pack.cells) - len(todo)
    print(f"{pack.study}: {len(todo)} of {len(pack.cells)} cells to run" + (f", {known} are finished" if known else ""))
    laid = {cell.name: _checked(folder, cell) for cell in todo}
    endings = _run(pack, todo, laid, options, deadline)
    finished = [path for cell in pack.cells if ((path := folder / CELLS / cell.name) / OUTCOME).exists()]
    written = write_archives(folder / RESULTS, to_send(finished, options.weights), options.archive_mib * MIB)
    print("\n" + _summary(folder / CELLS, [cell.name for cell in pack.cells], endings))
    states = [ending.state for ending in endings.values()]
    print("\n" + _last_line(states, written))
    if "failed" in states:
        return 1
    return STOPPED if {"stopped", "waiting"} & set(states) else 0


def _checked(folder: Path, cell: PackedCell) -> tuple[Path, CellSpec]:
    """A cell laid out, for this machine."""
    path, spec = lay_out(folder, cell)
    here = machine_class(spec.training.compute.device)
    if cell.machine != here:
        raise ConfigError(
            f"cell {cell.name}: planned for {as_settings(cell.machine)}, but this machine is another one, and its bits would "
            f"differ. Write into the study: {as_settings(here)} and pack it again, or run it there."
        )
    return path, spec


def _run(
    pack: Pack, todo: Sequence[PackedCell], laid: Mapping[str, tuple[Path, CellSpec]], options: argparse.Namespace,
    deadline: float,
) -> dict[str, Ending]:  # fmt: skip
    """How the cells ended; each is signed as soon as it is done, so that a kill loses none."""
    specs = [spec.training for _, spec in laid.values()]
    gpus = gpus_of(options.device) if any(is_gpu(spec.compute.device) for spec in specs) else ()
    parallel = options.parallel or processes(specs, cores(), gpus)
    cells = {cell.name: cell for cell in todo}

    def on_done(name: str) -> None:
        folder, spec = laid[name]
        sign(folder, cells[name], spec, pack.code)
        if options.free_points:
            free_points(folder)

    longest_first = sorted(laid.values(), key=lambda each: -_work(each[1].training))
    starts = [
        Start(path, spec.training.compute.threads, spec.training.compute.device == "cuda")
        for path, spec in longest_first
    ]
    if starts:
        print(f"{min(parallel, len(starts))} at a time", flush=True)
    return Pool(parallel, gpus, deadline, options.grace_seconds, on_done).run(starts)


def _work(spec: TrainingSpec) -> int:
    return spec.schedule.tokens * spec.model.layers * spec.model.width**2


def _summary(cells: Path, names: Sequence[str], endings: Mapping[str, Ending]) -> str:
    """A table of all cells: state, seconds of the run that finished it, training tokens a second, why it failed."""
    rows = [("cell", "state", "seconds", "tokens/s", "note")]
    for name in names:
        ending = endings.get(name)
        state = "done" if (cells / name / OUTCOME).exists() else ending.state if ending else "waiting"
        seconds, rate = _speed(cells / name) if state == "done" else ("-", "-")
        rows.append((name, state, seconds, rate, ending.note if ending else "was finished before"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _speed(cell: Path) -> tuple[str, str]:
    timing = json.loads((cell / "timing.json").read_text(encoding="utf8"))
    rate = timing["tokens_per_second"]
    return f"{timing['seconds']:.1f}", "-" if rate is None else f"{rate:,.0f}"


def _last_line(states: Sequence[str], written: Sequence[Path]) -> str:
    lines = [f"results: {', '.join(str(path) for path in written)}"] if written else ["no results yet"]
    if failed := states.count("failed"):
        lines.append(f"{failed} cells failed; run the same command again to try them again")
    if unfinished := states.count("stopped") + states.count("waiting"):
        lines.append(f"the time was up before {unfinished} cells were finished; run the same command again to go on")
    return "\n".join(lines)
