"""What a step does: gradients that are added up, cut and passed over, and what it may look at."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cells import Killed, contents, killed_at, write_cell
from torch import Tensor

from ablations.core.cell import run_cell, train_cell
from ablations.core.data.training_windows import training_windows
from ablations.core.measuring import FOLDER
from ablations.core.model.model import NOT_LEARNED
from ablations.core.spec.training_spec import SpikeSpec, TrainingSpec
from ablations.core.training.divergence import divergence, unigram_loss
from ablations.core.training.members import members_of, read_whole
from ablations.core.training.spikes import SpikeWatch
from ablations.core.training.training import Training
from ablations.core.training.visible import learned_from, visible

BOS = 0


def training(folder: Path, **changes: Any) -> Training:
    write_cell(folder, **changes)
    spec = read_whole(folder).training
    return Training(spec, training_windows(folder, spec), members_of(spec))


def weights(made: Training) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in made.model.named_parameters()}


@pytest.mark.parametrize("mask", [{"kind": "causal"}, {"kind": "prefix"}], ids=str)
def test_added_up_gradients_are_those_of_the_large_batch_within_rounding(tmp_path: Path, mask: dict[str, Any]) -> None:
    """Windows of a prefix model have different numbers of targets: parts count by them."""
    whole, parts = (
        training(tmp_path / str(size), compute={"micro_batch": size}, model={"mask": mask}, optimizer={"kind": "adamw"})
        for size in (0, 2)
    )
    for _ in range(4):
        whole.advance()
        parts.advance()
    assert parts.losses.mean() == pytest.approx(whole.losses.mean(), rel=1e-6)
    for name, weight in weights(whole).items():
        torch.testing.assert_close(weights(parts)[name], weight, atol=2e-5, rtol=1e-4)


def test_a_gradient_is_cut_to_its_length_and_not_lengthened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def step(self: torch.optim.Optimizer, *_: Any) -> None:
        gradients = [weight.grad for group in self.param_groups for weight in group["params"]]
        seen.append(math.sqrt(sum(float(each.square().sum()) for each in gradients)))

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    for clip in (0.0, 0.01, 100.0):
        training(tmp_path / str(clip), gradient_clip=clip, optimizer={"kind": "adamw"}).advance()
    free, cut, high = seen
    assert free > 0.01
    assert cut == pytest.approx(0.01, rel=1e-3)
    assert high == pytest.approx(free, rel=1e-3)


@pytest.mark.parametrize("prefix", [None, [0, 3, 5, 1]], ids=["causal", "prefix"])
@pytest.mark.parametrize("bos", [None, BOS], ids=["all", "document"])
def test_what_a_position_sees_is_what_a_slow_walk_finds(prefix: list[int] | None, bos: int | None) -> None:
    tokens = torch.tensor([[0, 1, 2, 0, 3, 4], [5, 0, 6, 7, 8, 0], [1, 2, 3, 4, 5, 6], [0, 0, 0, 0, 0, 0]])
    lengths = None if prefix is None else np.array(prefix)
    seen = visible(tokens, lengths, bos)
    if seen is None:
        assert (prefix, bos) == (None, None)
        return
    for row, t, s in np.ndindex(tuple(seen.shape)):
        here = s <= t or (prefix is not None and max(s, t) < prefix[row])
        between = tokens[row, min(s, t) + 1 : max(s, t) + 1]
        here = here and (bos is None or not (between == bos).any())
        assert (float(seen[row, t, s]) == 0.0) == here
        assert here or float(seen[row, t, s]) == -math.inf


def test_only_what_stands_behind_the_prefix_is_learned_from() -> None:
    targets = torch.arange(1, 7).expand(3, 6)
    found = learned_from(targets, np.array([0, 1, 4]))
    assert found.tolist() == [[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], [*[NOT_LEARNED] * 3, 4, 5, 6]]
    assert learned_from(targets, None) is targets


def test_a_document_mask_makes_a_window_several(tmp_path: Path) -> None:
    """With it, a token's logits are those that it has where its document stands alone."""
    made = training(tmp_path, document_mask=True, model={"context": 24})
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in made.model.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * 0.2)
    tokens = torch.from_numpy(np.stack([made.windows.window(number) for number in range(8)]))
    window = next(row for row in tokens if (row[1:-1] == BOS).any())
    border = int((window[1:-1] == BOS).nonzero()[0]) + 1
    first = window[None, :border]
    logits = made.model(window[None, :-1], visible(window[None, :-1], None, BOS))
    torch.testing.assert_close(logits[:, :border], made.model(first))
    other = window.clone()
    other[1:border] = 5
    again = made.model(other[None, :-1], visible(other[None, :-1], None, BOS))
    torch.testing.assert_close(logits[:, border:], again[:, border:])


def test_a_causal_share_makes_a_causal_model_that_is_continued(tmp_path: Path) -> None:
    causal = training(tmp_path / "causal")
    continued = training(tmp_path / "continued", model={"mask": {"kind": "prefix", "causal_share": 0.5}})
    for _ in range(6):
        causal.advance()
        continued.advance()
    assert all(torch.equal(weights(causal)[name], weight) for name, weight in weights(continued).items())
    causal.advance()
    continued.advance()
    assert not all(torch.equal(weights(causal)[name], weight) for name, weight in weights(continued).items())


def with_spike(made: Training, at: int) -> Training:
    """The windows of batch `at` are all one token that never comes, so their loss is far above the others."""
    plain = made.windows.batch
    strange = made.spec.model.vocab_size - 1

    def batch(step: int, size: int) -> Any:
        windows = plain(step, size)
        return np.full_like(windows, strange) if step == at else windows

    made.windows.batch = batch  # type: ignore[method-assign]
    return made


SPIKES: dict[str, Any] = {"window": 6, "deviations": 3.5, "back": 3}
STEPS = {"tokens": 60 * 4 * 40, "batch": 4, "warmup_steps": 0}


@pytest.mark.parametrize("action", ["count", "skip", "rewind"])
def test_a_spike_is_counted_and_skipped_or_gone_back_from(tmp_path: Path, action: str) -> None:
    spikes = {**SPIKES, "action": action}
    made = with_spike(training(tmp_path, spikes=spikes, schedule=STEPS), 40)
    while made.step < 40:
        made.advance()
    before = weights(made)
    made.advance()
    assert int(made.spikes.spikes) == 1
    same = all(torch.equal(before[name], weight) for name, weight in weights(made).items())
    assert same == (action == "skip")
    if action == "rewind":
        assert made.step == 36, "the older of the states kept at 36 and 39"
        assert made.step + made.passed_over == 41, "the batch that spiked is not read again"
        assert made.spikes.rewinds == 1
    else:
        assert (made.step, made.passed_over) == (41, 0)


def test_after_a_rewind_it_is_a_run_that_read_other_batches(tmp_path: Path) -> None:
    made = with_spike(training(tmp_path / "a", spikes={**SPIKES, "action": "rewind"}, schedule=STEPS), 40)
    while made.step < made.spec.steps:
        made.advance()
    other = training(tmp_path / "b", schedule=STEPS)
    plain = other.windows.batch
    other.windows.batch = lambda step, size: plain(step if step < 36 else step + 5, size)  # type: ignore[method-assign]
    while other.step < other.spec.steps:
        other.advance()
    assert all(torch.equal(weights(made)[name], weight) for name, weight in weights(other).items())


def test_a_run_that_goes_back_again_and_again_ends(tmp_path: Path) -> None:
    spikes = {"window": 4, "deviations": 1e-6, "back": 2, "most": 3, "action": "rewind"}
    made = training(tmp_path, spikes=spikes, schedule=STEPS)
    steps = 0
    while made.step < made.spec.steps:
        made.advance()
        steps += 1
        assert steps < 200
    assert made.spikes.rewinds == 3
    assert int(made.spikes.spikes) > 3, "further ones are counted"
    before = weights(made)
    made.advance()
    assert not all(torch.equal(before[name], weight) for name, weight in weights(made).items()), "and learned from"


def test_a_killed_run_that_went_back_ends_with_the_same_bytes(tmp_path: Path) -> None:
    """What it can go back to is part of a checkpoint."""
    spikes = {"window": 4, "deviations": 0.5, "back": 2, "most": 3, "action": "rewind"}
    for name in ("a", "b"):
        write_cell(tmp_path / name, spikes=spikes, schedule=STEPS, metrics=["bits_per_byte"], evaluations=9)
    run_cell(tmp_path / "a")
    with pytest.raises(Killed):
        run_cell(tmp_path / "b", killed_at("checkpoint", 7))
    run_cell(tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    record = train_cell(tmp_path / "a").record
    assert record["rewinds"] > 0
    assert [point["step"] for point in record["points"]] == read_whole(tmp_path / "a").training.evaluation_steps()


def test_losses_that_vary_as_before_are_no_spikes() -> None:
    watch = SpikeWatch(SpikeSpec(window=50), torch.device("cpu"))
    rng = np.random.default_rng(0)
    for loss in 3 + 0.2 * rng.normal(size=2000):
        watch.told(torch.tensor(loss))
    assert int(watch.spikes) == 0
    assert bool(watch.told(torch.tensor(5.0)))


def test_the_unigram_loss_is_the_entropy_of_the_mixtures_tokens(tmp_path: Path) -> None:
    made = training(tmp_path)
    counts = np.bincount(np.concatenate([made.windows.sources[0].documents.of(i) for i in range(64)]))
    shares = counts[counts > 0] / counts.sum()
    assert unigram_loss(made.windows, made.spec.model.vocab_size) == pytest.approx(-(shares * np.log(shares)).sum())


CASES: list[tuple[Sequence[float | None], str]] = [  # 160 tokens a step; ln 50 is 3.91; the unigram loss 3.0
    ((4.5, 3.5, *[2.0] * 8), ""),
    ((3.5, 4.5, *[2.0] * 8), "over steps 11 to 20 of 100 the training loss is 4.50 nats, above the 3.91"),
    ((*[2.0] * 8, 4.5, 2.0), "over steps 81 to 90 of 100 the training loss is 4.50 nats, above the 3.91"),
    ((3.5, 3.4, *[2.9] * 7, 2.97), "at its end the training loss is 2.97 nats, not 0.05 below the 3.00"),
    ((3.5, 3.4, *[3.2] * 7, 2.94), ""),
    ((3.5, 3.93, *[2.0] * 8), ""),  # as far as few batches vary
    ((3.5, 3.97, *[2.0] * 8), "over steps 11 to 20 of 100 the training loss is 3.97 nats"),
    ((3.5, None, None, None, None, 2.0, None, None, None, None), ""),
    ((3.5, *[None] * 9), "at its end the training loss is 3.50 nats"),
]


@pytest.mark.parametrize(("tenths", "told"), CASES)
def test_a_run_that_came_to_nothing_is_called_diverged(
    tmp_path: Path, tenths: Sequence[float | None], told: str
) -> None:
    write_cell(tmp_path, schedule={"tokens": 100 * 160}, model={"vocab_size": 50})
    found = divergence(tenths, read_whole(tmp_path).training, 3.0)
    assert found.startswith(told)
    assert bool(found) == bool(told)


def test_whether_a_cell_diverged_does_not_depend_on_how_often_it_is_measured(tmp_path: Path) -> None:
    """Its mean over the whole run is above the unigram loss, and only its end is not."""
    quick = {"kind": "muon_float32", "learning_rate": 0.01, "adam_learning_rate": 0.01}
    said, ends = [], []
    for evaluations in (0, 12):
        folder = tmp_path / str(evaluations)
        schedule = {"tokens": 40 * 160}
        write_cell(folder, documents=200, evaluations=evaluations, optimizer=quick, schedule=schedule)
        record = train_cell(folder).record
        said.append((record["diverged"], record["points"][-1]["sha256"]))
        ends.append(record["losses"][-1]["train_loss"] > record["unigram_loss"])
    assert said[0] == said[1]
    assert said[0][0] == ""
    assert ends == [True, False]


def test_a_cell_with_absurd_rates_says_that_it_diverged(tmp_path: Path) -> None:
    absurd: dict[str, Any] = {"optimizer": {"kind": "muon_float32", "learning_rate": 3.0, "adam_learning_rate": 3.0}}
    write_cell(tmp_path, metrics=["bits_per_byte"], **absurd)
    assert "of a model that knows nothing" in train_cell(tmp_path).record["diverged"]


NO_NUMBERS: dict[str, Any] = {
    "model": {"qk_norm": False, "mlp_ratio": 2},
    "gradient_clip": 0.0,
    "optimizer": {"kind": "adamw", "adam_learning_rate": 1e20},
    "schedule": {"tokens": 60 * 160},
}


@pytest.mark.parametrize("action", ["count", "skip", "rewind"])
@pytest.mark.parametrize("evaluations", [0, 29])
def test_a_cell_whose_loss_is_no_number_ends_as_one_that_diverged(
    tmp_path: Path, action: str, evaluations: int
) -> None:
    """Else one cell with too high a rate takes the report of the whole study along."""
    write_cell(tmp_path, **NO_NUMBERS, evaluations=evaluations, spikes={"action": action, "window": 4, "back": 2})
    run_cell(tmp_path)
    trained = train_cell(tmp_path)
    lost = 13 if action == "skip" else 3  # the tenth in a row is still skipped
    assert trained.record["diverged"] == f"at step {lost} of 60 the training loss is not a number"
    assert trained.record["steps"] == lost
    assert trained.record["spikes"] == {"count": 1, "skip": 11, "rewind": 11}[action]
    assert trained.final.file == "model.safetensors"
    assert trained.final.step <= 2
    assert all(torch.isfinite(weight).all() for weight in trained.model_at(trained.final).parameters())
    assert {path.name for path in (tmp_path / "points").iterdir()} == {
        Path(point.file).name for point in trained.points[:-1]
    }
    assert not (tmp_path / FOLDER).exists()


def with_loss(made: Training, at: Mapping[int, float]) -> Training:
    """The loss of these batches is another, and its gradient that loss times what it was."""
    plain, number = made._loss, [0]

    def loss(*inputs: Any) -> Tensor:
        number[0] += 1
        return plain(*inputs) * at.get(number[0] - 1, 1.0)

    made._loss = loss
    return made


@pytest.mark.parametrize("action", ["skip", "rewind"])
@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_a_spike(tmp_path: Path, action: str, loss: float) -> None:
    """Nothing is above a limit that it is not a number itself, and no number after it must be compared with it."""
    spikes = {**SPIKES, "deviations": 50.0, "action": action}
    made = with_loss(training(tmp_path, spikes=spikes, schedule=STEPS), {2: loss, 3: loss, 40: loss})
    while made.step < made.spec.steps:
        made.advance()
    assert int(made.spikes.spikes) == 3
    assert made.spikes.rewinds == (3 if action == "rewind" else 0)
    assert made.lost_at() is None
    assert made.has_numbers()
    assert made.losses.mean() is not None
    assert all(mean is not None and math.isfinite(mean) for mean in made.losses.of_tenths())


def test_weights_that_are_no_numbers_are_never_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the last step no loss shows them."""

    def advance(self: Training) -> None:
        plain(self)
        if self.step == self.spec.steps:
            with torch.no_grad():
                next(self.model.parameters()).fill_(math.nan)

    plain = Training.advance
    monkeypatch.setattr(Training, "advance", advance)
    write_cell(tmp_path)
    run_cell(tmp_path)
    trained = train_cell(tmp_path)
    assert trained.record["diverged"] == "at step 12, its last, the weights are not numbers"
    assert [point.step for point in trained.points] == [0, 4, 8]
    assert trained.is_lost


@pytest.mark.parametrize("kill", [1, 4])
def test_a_killed_cell_whose_loss_is_no_number_ends_with_the_same_bytes(tmp_path: Path, kill: int) -> None:
    for name in ("a", "b"):
        change = {"spikes": {"action": "skip", "window": 4}, "evaluations": 29, "checkpoint_every_steps": 2}
        write_cell(tmp_path / name, **{**NO_NUMBERS, **change})
    run_cell(tmp_path / "a")
    with pytest.raises(Killed):
        run_cell(tmp_path / "b", killed_at("checkpoint", kill))
    run_cell(tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_spec_says_which_numbers_do_not_fit(tmp_path: Path) -> None:
    spec = read_whole(_written(tmp_path)).training
    assert not spec.problems()
    assert TrainingSpec(**{**vars(spec), "gradient_clip": -1.0}).problems()[0][0] == "gradient_clip"
    assert SpikeSpec(window=1).problems() == [("window", "1 loss has no standard deviation", "Give 2 or more")]
    assert not SpikeSpec(window=2).problems()


def _written(folder: Path) -> Path:
    write_cell(folder)
    return folder
