"""Measures beside the weights: one file each, of weights that it names, made once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cells import edit, measure_of, write_cell
from hypothesis import given
from hypothesis import strategies as st

from ablations.core.cell import run_cell
from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.data.items import TaskItems
from ablations.core.measuring import ASKED, FOLDER, measure, measure_folder, metric_runs, metrics_of
from ablations.core.metrics.few_shot import ONSET_NATS, FewShot
from ablations.core.results.answers import GroupAnswers, Score, TaskAnswers
from ablations.core.results.readings import Reading, gain_name
from ablations.core.spec.cell_spec import read_measuring
from ablations.core.training.members import read_whole
from ablations.core.training.weights import Trained
from ablations.readings.few_shot import AboutTask, few_shot_readings, gain_readings
from ablations.statistics.onset import Onset, onset

METRICS = ("bigram_repetition", "bits_per_byte", "few_shot", "head_ablation", "repeated_tokens")
LABELS = {
    "bigram_repetition",
    "bits_per_byte",
    "few_shot.control_map",
    "head_ablation",
    "head_ablation.control_map",
    "repeated_tokens",
}
EFFORT = {"windows": 4, "curve_windows": 2, "items": 6, "curve_items": 4, "sequences": 4, "curve_sequences": 2}
TASK, FEW_SHOT = "control_map", "few_shot.control_map"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    write_cell(folder, model={"layers": 1, "width": 8, "heads": 2}, metrics=list(METRICS), effort=EFFORT)
    run_cell(folder)
    return folder


@pytest.fixture
def cell(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    return tmp_path


def measured_anew(folder: Path) -> list[str]:
    """Measures what is not measured yet; the labels of it."""
    trained, measuring = Trained.read(folder, read_whole(folder).training), read_measuring(folder)
    assert trained
    assert measuring
    told: list[str] = []
    measure_folder(trained, measuring, told.append)
    return told


def measures(folder: Path) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in (folder / FOLDER).iterdir()}


def answers_in(part: dict[str, Any], done: str = "") -> TaskAnswers:
    return TaskAnswers.from_json(part["answers"][done])


def test_each_metric_has_a_file_of_the_cell_or_of_each_task(original: Path) -> None:
    assert set(measures(original)) == LABELS
    for label in LABELS:
        found = measure_of(original, label)
        assert ".".join(part for part in (found["metric"], found["task"]) if part) == label
        assert set(found) == {"format", "metric", "task", "version", "weights", "curve", "final", ASKED}
        assert set(found["final"]) == {"readings", "items", "answers", "details"}


def test_measuring_twice_does_nothing_the_second_time(cell: Path) -> None:
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in cell.rglob("*") if path.is_file()}
    assert measured_anew(cell) == []
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in cell.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("label", sorted(LABELS))
def test_one_measure_that_is_gone_is_measured_alone_and_is_what_it_was(cell: Path, label: str) -> None:
    """If this fails, a measure depends on what else was measured beside it."""
    before = measures(cell)
    times = {path.stem: path.stat().st_mtime_ns for path in (cell / FOLDER).iterdir()}
    (cell / FOLDER / f"{label}.json").unlink()
    assert measured_anew(cell) == [label]
    assert measures(cell) == before
    assert {p.stem for p in (cell / FOLDER).iterdir() if p.stat().st_mtime_ns != times[p.stem]} == {label}


@pytest.mark.parametrize("content", ["", "{", '{"format": 1, "metric": "bits_per_byte"}', '{"format": 0}'])
def test_a_measure_that_was_cut_or_is_of_another_format_is_measured_again(cell: Path, content: str) -> None:
    before = measures(cell)
    (cell / FOLDER / "bits_per_byte.json").write_text(content)
    assert measured_anew(cell) == ["bits_per_byte"]
    assert measures(cell) == before


def test_measures_of_other_weights_are_measured_again(cell: Path) -> None:
    """If this fails, a cell that was trained afresh keeps the numbers of the one before."""
    path = cell / FOLDER / "repeated_tokens.json"
    path.write_text(json.dumps({**measure_of(cell, "repeated_tokens"), "weights": "0" * 64}))
    assert measured_anew(cell) == ["repeated_tokens"]


def test_a_measure_names_the_hashes_of_its_weights(original: Path) -> None:
    points = json.loads((original / "training.json").read_text())["points"]
    kept = [(point["step"], point["tokens"], point["sha256"]) for point in points]
    for label in LABELS:
        found = measure_of(original, label)
        assert found["weights"] == points[-1]["sha256"]
        in_curve = label not in {"bigram_repetition", "head_ablation", "head_ablation.control_map"}
        assert [(p["step"], p["tokens"], p["weights"]) for p in found["curve"]] == (kept if in_curve else [])


def test_all_measures_in_one_walk_are_what_each_is_alone(original: Path) -> None:
    """The sweep measures everything at once; a metric that is added later is measured alone."""
    spec, measuring = read_whole(original).training, read_measuring(original)
    trained = Trained.read(original, spec)
    assert trained
    assert measuring
    data = EvaluationData.of(original, spec, measuring)
    wanted = list(metric_runs(metrics_of(original, measuring), [TASK]))
    found = measure(trained, wanted, data, measuring)
    alone = {label: measure_of(original, label) for label in LABELS}
    for value in alone.values():
        del value[ASKED]
    assert json.loads(json.dumps(found)) == alone


def test_a_new_metric_is_measured_of_the_weights_that_lie_there(cell: Path) -> None:
    weights = {path: path.read_bytes() for path in cell.rglob("*.safetensors")}
    measuring = json.loads((cell / "measuring.json").read_text())
    (cell / "measuring.json").write_text(json.dumps({**measuring, "metrics": [*METRICS, "heads"]}))
    assert measured_anew(cell) == ["heads"]
    assert {path: path.read_bytes() for path in cell.rglob("*.safetensors")} == weights


def test_kept_answers_hold_the_log_probability_of_every_choice_of_every_item(original: Path) -> None:
    task = TaskItems.read(original / "tasks/control_map.json", 500, 40)
    found = measure_of(original, FEW_SHOT)
    assert found["final"]["readings"] == []
    final = answers_in(found["final"])
    assert final.task == TASK
    assert [(g.k, g.condition, g.draw) for g in final.groups] == [(g.k, g.condition, g.draw) for g in task.groups]
    for group, answers in zip(task.groups, final.groups, strict=True):
        items = {item.id: item for item in group.items}
        assert len(answers.scores) == EFFORT["items"]
        for score in answers.scores:
            item = items[score.id]
            assert (score.gold, score.tokens) == (item.gold, tuple(map(len, item.choices)))
            assert len(score.choices) == len(item.choices) == 8
            assert all(logp < 0 for logp in score.choices)


def test_the_curve_is_measured_on_the_first_items_of_the_end(original: Path) -> None:
    found = measure_of(original, FEW_SHOT)
    final, last = answers_in(found["final"]), answers_in(found["curve"][-1])
    for whole, quick in zip(final.groups, last.groups, strict=True):
        assert len(quick.scores) == EFFORT["curve_items"]
        assert [score.id for score in quick.scores] == [score.id for score in whole.scores[: EFFORT["curve_items"]]]
        for one, other in zip(quick.scores, whole.scores, strict=False):
            assert one.choices == pytest.approx(other.choices, abs=1e-5)
    text = measure_of(original, "bits_per_byte")
    windows = [part["readings"][0]["n"]["documents"] for part in (text["curve"][-1], text["final"])]
    assert windows[0] < windows[1] == EFFORT["windows"]


def test_the_onset_of_a_task_is_found_from_its_kept_curve(original: Path) -> None:
    """A cell of twelve steps has learnt nothing: its onset is censored, at the length of the run."""
    found, metric = measure_of(original, FEW_SHOT), FewShot()
    final = {r.name: r for r in few_shot_readings(answers_in(found["final"]), AboutTask(labels=False))}
    with_onset = {name for name, reading in final.items() if metric.onset_threshold(reading, final) is not None}
    assert with_onset == {gain_name(TASK, 8)}
    curve = []
    for point in found["curve"]:
        gains = {gain.name: gain.value for gain in gain_readings(answers_in(point), AboutTask())}
        curve.append((point["tokens"], gains[gain_name(TASK, 8)] or 0.0))
    assert [tokens for tokens, _ in curve] == [0, 640, 1280, 1920]
    assert curve[0][1] == pytest.approx(0, abs=1e-6)
    assert onset(curve, ONSET_NATS) == Onset(ONSET_NATS, 1920, None, None)


def test_readings_in_files_are_those_that_were_measured(original: Path) -> None:
    for label in LABELS:
        final = measure_of(original, label)["final"]
        readings = [Reading.from_json(reading) for reading in final["readings"]]
        assert [reading.to_json() for reading in readings] == final["readings"]
        for answers in final["answers"].values():
            assert json.loads(json.dumps(TaskAnswers.from_json(answers).to_json())) == answers


numbers = st.floats(-50, 0)
some_ids = st.lists(st.text("abc.*0", min_size=1, max_size=4), max_size=4, unique=True)


@st.composite
def task_answers(draw: st.DrawFn) -> TaskAnswers:
    """Groups that share items, and others; written answers, orders of demonstrations, and groups of which nothing fits."""
    sets = [draw(some_ids) for _ in range(2)]
    groups = []
    for number in range(draw(st.integers(0, 4))):
        ids = draw(st.sampled_from(sets))
        choices = draw(st.integers(1, 3))
        sizes = draw(st.booleans())
        scores = tuple(
            Score(
                id_,
                draw(st.integers(0, choices - 1)),
                tuple(draw(st.lists(numbers, min_size=choices, max_size=choices))),
                tuple(range(1, choices + 1)),
                tuple(range(2, choices + 2)) if sizes else (),
            )
            for id_ in ids
        )
        written = tuple(tuple(draw(st.lists(st.integers(0, 9), max_size=3))) for _ in ids)
        groups.append(
            GroupAnswers(
                draw(st.integers(0, 8)), draw(st.sampled_from(["gold", "permuted", "content_free"])), number, scores,
                tuple(draw(st.lists(st.integers(0, 2), max_size=3))), draw(st.none() | st.integers(0, 3)),
                draw(st.none() | st.just(written)), draw(st.none() | st.just(tuple(ids))),
            )
        )  # fmt: skip
    return TaskAnswers("toy", tuple(groups))


@given(task_answers())
def test_answers_survive_their_file(answers: TaskAnswers) -> None:
    """If this fails, what a model said is not what is read of it a year later."""
    assert TaskAnswers.from_json(json.loads(json.dumps(answers.to_json(), allow_nan=False))) == answers


def test_more_items_or_other_text_are_measured_anew(cell: Path) -> None:
    """If this fails, a measure by itself passes for one over more text."""
    edit(cell / "measuring.json", "effort", "windows", to=3)
    assert set(measured_anew(cell)) == LABELS
    assert measured_anew(cell) == []
