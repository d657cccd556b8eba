"""One cell from its folder to its result: train, measure along the way, measure at the end.

Killed at any moment and started again, it ends with the same bytes: what a step does depends on its number, the spec
and the checkpoint alone, and every file is either whole or absent. `result.json` is written last.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save

from ablations.core import checkpoint
from ablations.core.bigram_repetition import of_mixture
from ablations.core.documents import Documents
from ablations.core.evaluation import EvaluationData
from ablations.core.files import remove_drafts, write_json, write_whole
from ablations.core.metrics.base import METRICS, Metric, Reading
from ablations.core.mixture import MixedWindows, mixed
from ablations.core.onset import Onset, onset
from ablations.core.packing import PackedSource, chosen
from ablations.core.spec import CellSpec, read_spec
from ablations.core.timing import Stopwatch
from ablations.core.train import Training
from curation.runtime.errors import ConfigError
from curation.runtime.registry import Plugin

Point = dict[str, Any]  # one evaluation: step, tokens, train_loss, measures


@dataclass(frozen=True)
class Progress:
    """Where a cell stands. `train_loss` is the mean in nats since the last evaluation, None before the first step."""

    step: int
    steps: int
    tokens: int
    train_loss: float | None
    event: str  # "resumed", "checkpoint", "evaluation", "measured"


OnProgress = Callable[[Progress], None]


def run_cell(folder: Path, on_progress: OnProgress | None = None) -> None:
    """Run or resume the cell in `folder`; return at once when its result.json exists.

    Raises:
        ConfigError: the spec, a metric or a plugin cannot be used.
        InputError: a token file or task file is missing or does not fit the spec.
        LoamError: the loss is not a number.
    """
    folder = Path(folder)
    if (folder / "result.json").exists():
        return
    spec = read_spec(folder)
    _prepare(spec)
    _Run(folder, spec, on_progress or (lambda progress: None)).run()


class _Run:
    """What one run of a cell carries from phase to phase."""

    def __init__(self, folder: Path, spec: CellSpec, on_progress: OnProgress) -> None:
        self.folder, self.spec, self.on_progress = folder, spec, on_progress
        plugins = [Plugin.read(folder / path) for path in spec.plugins]
        self.metrics = {name: METRICS.get(name, plugins)() for name in spec.metrics}
        self.full = EvaluationData.of(folder, spec)
        self.quick = self.full.quick(spec.effort)
        self.windows = _mixture(folder, spec)
        self.training = Training(spec, self.windows)
        self.curve: list[Point] = []
        parts = [spec.digest(), *(plugin.digest for plugin in plugins), torch.__version__]
        self.identity = " ".join(parts)

    def run(self) -> None:
        watch = Stopwatch(self.training.device)
        self._resume()
        watch.start_training(self.training.step)
        evaluations = set(self.spec.evaluation_steps())
        while True:
            step = self.training.step
            if step in evaluations and (not self.curve or self.curve[-1]["step"] < step):
                with watch.measuring():
                    self._evaluate()
            if step >= self.spec.steps:
                break
            self.training.advance()
            if self.training.step % self.spec.checkpoint_every_steps == 0:
                self._checkpoint()
        watch.stop_training(self.training.step, self.spec)
        with watch.measuring():
            result = self._result()
        self._finish(result, watch)

    def _resume(self) -> None:
        state = checkpoint.load(self.folder, self.identity)
        if state is not None:
            self.curve = state.pop("curve")
            self.training.load(state)
            self._tell("resumed")

    def _checkpoint(self) -> None:
        self.training.check_loss()  # a state that is not a number is never saved
        checkpoint.save(self.folder, self.identity, {**self.training.state(), "curve": self.curve})
        self._tell("checkpoint")

    def _evaluate(self) -> None:
        """One point of the curve."""
        loss = self.training.check_loss()
        self.training.restart_mean()
        measures, n = {}, {}
        for name, metric in self.metrics.items():
            if metric.in_curve:
                reading = self._measure(metric, self.quick)
                measures[name], n[name] = dict(reading.values), dict(reading.n)
        step = self.training.step
        tokens = step * self.spec.tokens_a_step
        self.curve.append({"step": step, "tokens": tokens, "train_loss": loss, "measures": measures, "n": n})
        self._tell("evaluation", loss)

    def _result(self) -> dict[str, Any]:
        """Everything that is the same whenever and wherever the cell ran."""
        spec = self.spec
        windows = spec.steps * spec.schedule.batch
        return {
            "format": 1,
            "arm": spec.arm,
            "seed": spec.seed,
            "spec_digest": spec.digest(),
            "steps": spec.steps,
            "tokens": spec.steps * spec.tokens_a_step,
            "parameters": sum(weight.numel() for weight in self.training.model.parameters()),
            "sources": {name: dataclasses.asdict(seen) for name, seen in self.windows.seen(windows).items()},
            "bigram_repetition": of_mixture(self.windows, windows, spec.seeds.order),
            "curve": self.curve,
            "final": {name: self._final(metric) for name, metric in self.metrics.items()},
            "onset": onsets(self.metrics, self.curve),
        }

    def _measure(self, metric: Metric, data: EvaluationData) -> Reading:
        with torch.no_grad():
            return metric.measure(self.training.model, data)

    def _final(self, metric: Metric) -> dict[str, Any]:
        reading = self._measure(metric, self.full)
        self._tell("measured")
        return {
            "version": metric.version,
            "unit": metric.unit,
            "lower_is_better": metric.lower_is_better,
            "values": dict(reading.values),
            "n": dict(reading.n),
            "details": dict(reading.details),
        }

    def _finish(self, result: dict[str, Any], watch: Stopwatch) -> None:
        weights = {name: weight.detach().cpu() for name, weight in self.training.model.named_parameters()}  # tied: once
        write_whole(self.folder / "model.safetensors", save(weights))
        write_json(self.folder / "timing.json", watch.report(self.spec))
        write_json(self.folder / "result.json", result)
        (self.folder / checkpoint.FILE).unlink(missing_ok=True)
        remove_drafts(self.folder)

    def _tell(self, event: str, loss: float | None = None) -> None:
        step = self.training.step
        self.on_progress(Progress(step, self.spec.steps, step * self.spec.tokens_a_step, loss, event))


def onsets(metrics: dict[str, Metric], curve: list[Point]) -> dict[str, dict[str, Onset]]:
    """Of every reading that has an onset: the interval of training tokens in which it left its baseline."""
    found: dict[str, dict[str, Onset]] = {}
    for name, metric in metrics.items():
        if not metric.in_curve:
            continue
        readings = [(point["tokens"], point["measures"][name]) for point in curve]
        for reading, threshold in sorted(metric.onset_thresholds(readings[-1][1]).items()):
            values = [(tokens, measures[reading]) for tokens, measures in readings]
            found.setdefault(name, {})[reading] = onset(values, threshold)
    return found


def _mixture(folder: Path, spec: CellSpec) -> MixedWindows:
    sources = []
    for part in spec.train:
        documents = Documents.read(folder, part.tokens, spec.model.vocab_size, spec.tokenizer.bos)
        subset = chosen(documents, part.fraction, spec.seeds.subset, part.offset)
        order: Literal["hashed", "related"] = "related" if spec.packing == "related" else "hashed"
        sources.append(PackedSource(part.source, documents, subset, spec.model.context, spec.seeds.order, order))
    return mixed(spec.packing, sources, [part.weight for part in spec.train], spec.seeds.order)


def _prepare(spec: CellSpec) -> None:
    """Threads and determinism for the whole process: they are part of what a cell is."""
    torch.set_num_threads(spec.compute.threads)
    kind = spec.compute.device.split(":")[0]
    if kind not in {"cpu", "cuda"}:
        raise ConfigError(f"cell.json.compute.device: {spec.compute.device!r}. Known: cpu, cuda, cuda:0 and so on.")
    if kind == "cuda":
        if not torch.cuda.is_available():
            raise ConfigError(
                "cell.json.compute.device: no GPU that torch can use. Write cpu, or install a CUDA torch."
            )
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS adds in a fixed order only with this
        torch.use_deterministic_algorithms(True, warn_only=True)
