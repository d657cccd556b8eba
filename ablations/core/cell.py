"""One cell from its folder to its weights and measures: train, then measure what measuring.json asks.

Killed at any moment and started again, it ends with the same bytes: what a step does depends on its number, the spec
and the checkpoint alone, and every file is either whole or absent. `training.json` is written after all weights.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ablations.core.data.training_windows import tokens_digest, training_windows
from ablations.core.results.files import write_json
from ablations.core.spec.cell_spec import CellSpec, read_measuring
from ablations.core.spec.training_spec import TrainingSpec
from ablations.core.training import checkpoint
from ablations.core.training.divergence import divergence, unigram_loss
from ablations.core.training.loop import run_steps
from ablations.core.training.members import members_of, plugins_in, read_whole
from ablations.core.training.timing import Stopwatch
from ablations.core.training.training import Training
from ablations.core.training.weights import FINAL, POINTS, TRAINING, Point, Trained, point_file, save_weights
from curation.runtime.errors import ConfigError
from curation.runtime.whole_files import remove_drafts, write_whole

TIMING = "timing.json"


@dataclass(frozen=True)
class Progress:
    """How far a cell is. `train_loss` is the mean in nats since the last evaluation point, None before the first step."""

    step: int
    steps: int
    tokens: int
    train_loss: float | None
    event: str  # "resumed", "checkpoint", "evaluation", "diverged", "measured"


OnProgress = Callable[[Progress], None]


def run_cell(folder: Path, on_progress: OnProgress | None = None) -> None:
    """Train the cell in `folder`, or go on with it, and measure what its measuring.json asks and is not measured yet.

    A cell whose loss was no number is not measured: its weights are those of before, and enter no mean anyhow.

    Raises:
        ConfigError: the spec, a metric or a plugin cannot be used, or is not the one that the folder's files were made with.
        InputError: a token file or task file is missing or does not fit the spec.
    """
    from ablations.core.measuring import check_measuring, measure_folder

    tell = on_progress or (lambda progress: None)
    measuring = read_measuring(folder)
    if measuring is not None:
        check_measuring(folder, read_whole(folder).training, measuring)
    trained = train_cell(folder, tell)
    if measuring is not None and not trained.is_lost:
        spec = trained.spec
        done = Progress(spec.steps, spec.steps, spec.steps * spec.tokens_a_step, None, "measured")
        measure_folder(trained, measuring, lambda label: tell(done))


def train_cell(folder: Path, on_progress: OnProgress | None = None) -> Trained:
    """Train the cell in `folder`, or go on with it; at once when it is trained.

    Raises:
        ConfigError, InputError: see `run_cell`.
    """
    folder = Path(folder)
    spec = read_whole(folder)
    prepare(spec.training)
    plugins = plugins_in(folder, spec)
    trained = Trained.read(folder, spec.training, plugins)
    if trained is None:
        _Run(folder, spec, on_progress or (lambda progress: None)).run()
        trained = Trained.read(folder, spec.training, plugins)
        assert trained
    return trained


class _Run:
    """The state of one training from phase to phase."""

    def __init__(self, folder: Path, spec: CellSpec, on_progress: OnProgress) -> None:
        self.folder, self.cell, self.spec, self.on_progress = folder, spec, spec.training, on_progress
        self.windows = training_windows(folder, self.spec)
        plugins = plugins_in(folder, spec)
        self.training = Training(self.spec, self.windows, members_of(self.spec, plugins), plugins)
        self.losses: list[dict[str, Any]] = []  # one evaluation point each: step, tokens, train_loss
        self.points: list[Point] = []
        tokens = tokens_digest(folder, self.spec)
        self.identity = {"spec": self.spec.digest(), "tokens": tokens, "torch": str(torch.__version__)}

    def run(self) -> None:
        watch = Stopwatch(self.training.device)
        self._resume()
        watch.start_training(self.training.step)
        run_steps(self.training, self.spec, self)
        watch.stop_training(self.training.step)
        self._finish(watch)

    def at_point(self) -> None:
        """Keep the weights; those of the last step are the cell's own. Points that a rewind took back are forgotten.

        Weights that are no numbers are not kept: the next step's loss will show them, or the end does.
        """
        step = self.training.step
        self.losses = [loss for loss in self.losses if loss["step"] <= step]
        self.points = self.points[: len(self.losses)]
        if self.losses and self.losses[-1]["step"] == step:
            return
        if not self.training.has_numbers():
            return
        loss = self.training.losses.mean()
        self.training.losses.restart()
        tokens = step * self.spec.tokens_a_step
        file = FINAL if step == self.spec.steps else point_file(step)
        self.points.append(Point(step, tokens, file, save_weights(self.training.model, self.folder / file)))
        self.losses.append({"step": step, "tokens": tokens, "train_loss": loss})
        self._tell("evaluation", loss)

    def after_step(self) -> None:
        if self.training.step % self.cell.checkpoint_every_steps == 0 and not self.training.lost_at():
            kept = {"losses": self.losses, "points": [dataclasses.asdict(point) for point in self.points]}
            checkpoint.save(self.folder, self.identity, {**self.training.state(), **kept})
            self._tell("checkpoint")

    def _resume(self) -> None:
        state = checkpoint.load(self.folder, self.identity)
        if state is not None and all((self.folder / point["file"]).exists() for point in state["points"]):
            self.losses = state.pop("losses")
            self.points = [Point(**point) for point in state.pop("points")]
            self.training.load(state)
            self._tell("resumed")

    def _finish(self, watch: Stopwatch) -> None:
        lost, left = self._lost(), ""
        if lost:
            left = self._end_with_last_numbers()
            self._tell("diverged")
        write_json(self.folder / TIMING, watch.report(self.spec))
        write_json(self.folder / TRAINING, self._record(lost))
        if left:
            (self.folder / left).unlink()
        checkpoint.remove(self.folder)
        remove_drafts(self.folder)
        remove_drafts(self.folder / POINTS)

    def _lost(self) -> str:
        """Why the training came to no numbers, or ""."""
        if step := self.training.lost_at():
            return f"at step {step} of {self.spec.steps} the training loss is not a number"
        if not self.training.has_numbers():
            return f"at step {self.spec.steps}, its last, the weights are not numbers"
        return ""

    def _end_with_last_numbers(self) -> str:
        """Make the last kept weights those of the end; returns the file that they came from."""
        last = self.points[-1]
        write_whole(self.folder / FINAL, (self.folder / last.file).read_bytes())
        self.points[-1] = dataclasses.replace(last, file=FINAL)
        return last.file

    def _record(self, lost: str) -> dict[str, Any]:
        """The content of training.json: what does not depend on when and where the cell was trained."""
        spec, training = self.spec, self.training
        steps = training.lost_at() or spec.steps
        windows = (steps + training.passed_over) * spec.schedule.batch
        tenths = training.losses.of_tenths()
        unigram = unigram_loss(self.windows, spec.model.vocab_size)
        return {
            "format": 2,
            "spec_digest": spec.digest(),
            "steps": steps,
            "tokens": steps * spec.tokens_a_step,
            "parameters": sum(weight.numel() for weight in self.training.model.parameters()),
            "sources": {name: dataclasses.asdict(seen) for name, seen in self.windows.seen(windows).items()},
            "losses": self.losses,
            "unigram_loss": unigram,
            "diverged": lost or divergence(tenths, spec, unigram),
            "spikes": int(training.spikes.spikes),
            "rewinds": training.spikes.rewinds,
            "points": [dataclasses.asdict(point) for point in self.points],
        }

    def _tell(self, event: str, loss: float | None = None) -> None:
        step = self.training.step
        self.on_progress(Progress(step, self.spec.steps, step * self.spec.tokens_a_step, loss, event))


def prepare(spec: TrainingSpec) -> None:
    """Threads and determinism for the whole process: they are part of what a cell is."""
    torch.set_num_threads(spec.compute.threads)
    kind = spec.compute.device.split(":")[0]
    if kind not in {"cpu", "cuda"}:
        raise ConfigError(
            f"cell.json.training.compute.device: {spec.compute.device!r}. Known: cpu, cuda, cuda:0 and so on."
        )
    if kind == "cuda":
        if not torch.cuda.is_available():
            raise ConfigError(
                "cell.json.training.compute.device: no GPU that torch can use. Write cpu, or install a CUDA torch."
            )
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS adds in a fixed order only with this
        torch.use_deterministic_algorithms(True, warn_only=True)
