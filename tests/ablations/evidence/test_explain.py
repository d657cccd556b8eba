"""From a number back to its text: explained by one cell of a real small study, whose files an independent reader knows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from click.testing import CliRunner
from small_study import ENGLISH, document, write_corpora, write_study

from ablations.cells import sweep
from ablations.cells.cell_files import cell_result
from ablations.cells.cell_states import states
from ablations.cells.cells import CellPlan
from ablations.cli import loam
from ablations.core.data.evaluation_data import in_hashed_order
from ablations.core.data.items import TaskItems
from ablations.core.measuring import label_of
from ablations.core.metrics import head_ablation
from ablations.core.metrics.head_ablation import HeadAblation
from ablations.core.training.weights import Trained
from ablations.evidence.explain import Choice, explain, explained_text
from ablations.evidence.explain_documents import heldout_of
from ablations.evidence.explain_origin import traced_cells
from ablations.readings.text_metrics.char_f1 import char_f1
from ablations.readings.text_metrics.exact_match import exact_match
from ablations.settings import study_file as settings
from ablations.statistics.cell_result import CellResult
from ablations.study import pipeline as study
from ablations.study import record
from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import ConfigError, DamagedError
from curation.runtime.registry import Plugin
from curation.runtime.store.folder import Folder, open_out
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.marks import MarkingFolder
from curation.runtime.store.shards import read_columns

pytestmark = pytest.mark.end_to_end  # of a study that ran

GAP = "few_shot.control_map.k8.permuted_minus_gold"
EVERYTHING = Choice(2)
WRITES = """# Says the last word again.
kind: writes
version: 1
sample: {q: a river, a: river}
metrics: [exact_match, char_f1, chrf, letters]
max_tokens: 3
templates:
  - {query: "{q}\\n", cue: "a", answer: " {a}"}
  - {query: "of {q}\\n", cue: "a", answer: " {a}"}
"""


LETTERS = '''
from statistics import fmean
from ablations.readings.text_metrics.base import TextMetric

class Letters(TextMetric):
    """How many letters an answer has."""
    kind, version, better, of_one_answer, unit, words = "letters", 1, None, True, "letters", "letters"

    def score(self, answers, references):
        return fmean(map(len, answers))
'''
WIDTHS = '''
from ablations.core.metrics.base import Measured, Metric

class Widths(Metric):
    """How wide the model is."""
    kind, version, unit, better, in_curve, reads = "widths", 1, "numbers", None, False, frozenset()

    def measure(self, model, data):
        return Measured([self.reading(float(model.spec.width), n={"models": 1})])
'''
PLUGINS = [Plugin("letters.py", LETTERS), Plugin("widths.py", WIDTHS)]


IN_TEXT = ENGLISH[30:34]  # words of which the training text holds the questions of the task `found`


def write_tasks(folder: Path) -> str:
    """A task with written answers and its rows, and another with half of its questions in the text; what a study says of them."""
    (folder / "writes.yaml").write_text(WRITES, encoding="utf8")
    for name, words in (("pool", ENGLISH[:20]), ("queries", ENGLISH[20:30]), ("found", ENGLISH[30:38])):
        rows = [json.dumps({"q": f"a {word}", "a": word}) for word in words]
        (folder / f"{name}.jsonl").write_text("\n".join(rows), encoding="utf8")
    with (folder / "english.jsonl").open("a", encoding="utf8") as corpus:
        lines = [line for word in IN_TEXT for line in (f"a {word}", word)]
        corpus.write(json.dumps({"id": "quiz", "text": "\n".join([document(ENGLISH, 1000), *lines])}) + "\n")
    told = {"kind": "writes.yaml", "pool": "pool.jsonl", "shots": [0, 2], "draws": 2}
    writes = {**told, "queries": "queries.jsonl", "items": 4}
    return json.dumps(["control_map", writes, {**told, "name": "found", "queries": "found.jsonl", "items": 8}])


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, compute: Compute) -> tuple[Folder, CellPlan]:
    """One measured cell of the small study, trained on half of two sources, and where it is."""
    folder = tmp_path_factory.mktemp("study")
    write_corpora(folder)
    effort = {"windows": 8, "items": 8, "sequences": 4, "curve_windows": 4, "curve_items": 4, "curve_sequences": 2}
    said = [f"cells.effort={json.dumps(effort)}", f"tasks={write_tasks(folder)}"]
    for plugin in PLUGINS:
        (folder / plugin.name).write_text(plugin.source, encoding="utf8")
    loaded, recipe = settings.load(str(write_study(folder)), said, [str(folder / each.name) for each in PLUGINS])
    out = open_out(str(folder / "out"))
    prepared = study.prepare(loaded, recipe, out, compute)
    plan = next(plan for plan in prepared.plans if plan.arm == "both")
    sweep.run_sweep([plan], out, compute)
    record.write_record(prepared, out)
    return out, plan


def explained(ran: tuple[Folder, CellPlan], metric: str, choice: Choice = EVERYTHING) -> Any:
    """As the study's author has it, who names the plugins."""
    return explain(ran[0].url, "both_s0", metric, choice, PLUGINS)


@pytest.fixture(scope="module")
def result(ran: tuple[Folder, CellPlan]) -> CellResult:
    """What the report of the study reads of the cell."""
    out, plan = ran
    (state,) = states([plan], out)
    return cell_result(sweep.cell_files(state, out))


def test_a_few_shot_number_leads_to_its_items_prompts_and_answers(
    ran: tuple[Folder, CellPlan], result: CellResult
) -> None:
    out, plan = ran
    told = explained(ran, GAP)
    assert told["value"] == result.values[GAP]
    assert told["unit"] == "nats"
    assert told["answers"]["recomputed"] == pytest.approx(told["value"])
    assert len(told["answers"]["items"]) == told["n"]["answers"] == 8
    from sentencepiece import SentencePieceProcessor

    files = Path(out.url, told["tokenizer"]).iterdir()
    reader = SentencePieceProcessor(model_file=next(str(path) for path in files if path.suffix == ".model"))
    items = TaskItems.from_json(plan.measuring.items["control_map"].value)
    shown = told["answers"]["shown"]
    assert len(shown) == 2
    for each in shown:
        for condition in ("gold", "permuted"):
            group = next(g for g in items.groups if (g.k, g.condition) == (8, condition))
            item = next(item for item in group.items if item.id == each["id"])
            text = each[condition]["demonstrations"] + each[condition]["question"]
            assert text == reader.decode([*group.prefix[1:], *item.prompt])
            assert each[condition]["choices"] == [reader.decode(list(choice)) for choice in item.choices]
            assert each[condition]["gold"] == item.gold
            assert each[condition]["choices_logp"][item.gold] == -each[condition]["gold_nll"]


def test_a_level_is_the_mean_of_the_answers_that_are_shown(ran: tuple[Folder, CellPlan]) -> None:
    for reading, key in (("nll", "gold_nll"), ("accuracy", "correct")):
        told = explained(ran, f"few_shot.control_map.k4.gold.{reading}")
        assert told["value"] == pytest.approx(fmean(row["gold"][key] for row in told["answers"]["items"]))
        assert told["answers"]["recomputed"] == pytest.approx(told["value"])
        assert {(draw["k"], draw["condition"]) for draw in told["answers"]["draws"]} == {(4, "gold")}


@pytest.mark.parametrize("reading", ["nll", "exact_match", "char_f1", "chrf", "letters"])
def test_a_number_over_written_answers_comes_out_once_more_from_what_was_written(
    ran: tuple[Folder, CellPlan], reading: str
) -> None:
    told = explained(ran, f"few_shot.writes.k2.gold.{reading}")
    assert told["answers"]["recomputed"] == pytest.approx(told["value"])
    assert {(draw["k"], draw["draw"], draw["items"]) for draw in told["answers"]["draws"]} == {(2, 0, 4), (2, 1, 4)}


def test_items_that_stand_in_the_training_text_are_those_of_their_own_number_alone(
    ran: tuple[Folder, CellPlan],
) -> None:
    shown = {}
    for reading in ("char_f1", "in_text.char_f1"):
        told = explained(ran, f"few_shot.found.k2.gold.{reading}", Choice(99))
        shown[reading] = {right for each in told["answers"]["shown"] for right in each["references"]}
        assert told["answers"]["recomputed"] == pytest.approx(told["value"])
    assert shown["in_text.char_f1"] == set(IN_TEXT)
    assert shown["char_f1"] == set(ENGLISH[30:38]) - set(IN_TEXT)


def test_a_written_answer_is_shown_with_what_counts_as_right_and_its_scores(ran: tuple[Folder, CellPlan]) -> None:
    told = explained(ran, "few_shot.writes.k2.gold.exact_match")
    assert len(told["answers"]["shown"]) == 2
    for shown in told["answers"]["shown"]:
        (right,) = shown["references"]
        assert shown["gold"]["question"] == f"a {right}\na"
        assert shown["gold"]["choices"] == [right]
        assert shown["gold"]["demonstrations"].count("\n\n") == 2
        assert shown["gold"]["scores"] == {
            "exact_match": exact_match(shown["gold"]["wrote"], right),
            "char_f1": char_f1(shown["gold"]["wrote"], right),
            "letters": len(shown["gold"]["wrote"].strip()),
        }
        assert f"  wrote  {shown['gold']['wrote']!r}" in explained_text(told)
    assert "accuracy" not in explained_text(told)


@pytest.mark.parametrize(
    ("metric", "unit", "better"),
    [
        ("few_shot.control_map.k8.gold.nll", "nats", "lower"),
        ("few_shot.control_map.k8.gold.accuracy", "share of items", "higher"),
        (GAP, "nats", "higher"),
        ("few_shot.control_map.k8.blind.majority", "share of items", None),
        ("few_shot.writes.k2.gold.chrf", "chrF, 0 to 100", "higher"),
        ("few_shot.writes.k2.blind_exact_match", "share of items", None),
        ("heads.induction_heads", "heads", None),
        ("heads.prefix_matching.max", "share (of attention; of other pieces)", "higher"),
        ("bits_per_byte.english", "bits per UTF-8 byte", "lower"),
    ],
)
def test_a_number_comes_with_its_own_unit_and_direction(
    ran: tuple[Folder, CellPlan], metric, unit: str, better
) -> None:
    """If this fails, an accuracy is read as a loss."""
    told = explained(ran, metric, Choice(0))
    assert (told["unit"], told["better"]) == (unit, better)
    assert len(told["n"]) == 1 or not metric.startswith("few_shot")


def test_one_item_and_one_draw_can_be_asked_for(ran: tuple[Folder, CellPlan]) -> None:
    first = explained(ran, GAP)["answers"]["items"][0]
    told = explained(ran, GAP, Choice(5, first["draw"], first["id"]))
    assert [row["id"] for row in told["answers"]["items"]] == [first["id"]]
    with pytest.raises(ConfigError, match=r"--item: unknown item 'nix'. .*Known: "):
        explained(ran, GAP, Choice(1, None, "nix"))
    with pytest.raises(ConfigError, match=r"--draw: unknown draw '77'"):
        explained(ran, GAP, Choice(1, 77))


@pytest.mark.parametrize(
    "metric",
    ["bits_per_byte.korean", "late_minus_early.english", "late_minus_early.pooled", "context_gain.pooled.content"],
)
def test_a_number_over_held_out_text_leads_to_documents_in_curated_shards(
    ran: tuple[Folder, CellPlan], result: CellResult, metric: str
) -> None:
    out, _ = ran
    told = explained(ran, metric)
    assert told["documents"]
    n = result.readings[metric].n
    assert sum(map(len, told["documents"].values())) == n.get("documents", n.get("windows"))
    for rows in told["documents"].values():
        for row in rows:
            folder, _, file = row["shard"].rpartition("/")
            table = read_columns(Folder(f"{out.url}/{folder}"), file, ["id", "text"]).to_pydict()
            text = dict(zip(table["id"], table["text"], strict=True))[bytes.fromhex(row["id"])]
            assert len(text.encode()) == row["utf8_bytes"]


def test_every_number_of_a_cell_is_explained_with_its_seeds_and_sources(
    ran: tuple[Folder, CellPlan], result: CellResult
) -> None:
    out, plan = ran
    for name, value in result.values.items():
        told = explain(out.url, plan.name, name, Choice(0), PLUGINS)
        assert told["value"] == value
        assert told["notes"] == []
        seeds = plan.training.seeds
        assert told["seeds"] == {**vars(seeds), "evaluation": plan.measuring.spec.seed}
        assert told["spec_digest"] == result.training["spec_digest"]
        assert told["fingerprint"] == plan.output.fingerprint
        assert (out / told["measure"]["folder"]).exists("measure.json")
        assert [part["source"] for part in told["train"]] == ["english", "korean"]
        for part in told["train"]:
            assert (out / part["folder"]).exists("train.bin")
            assert part["curated"].startswith("curated/")
            assert (out / part["curated"]).exists("manifest.json")
        assert explained_text(told).startswith(told["cell"])


def test_a_score_of_sacrebleu_comes_with_its_signature(ran: tuple[Folder, CellPlan]) -> None:
    """A published score has to name tokenizer, references and version."""
    for reading in ("gold.chrf", "blind_chrf"):
        told = explained(ran, f"few_shot.writes.k2.{reading}", Choice(0))
        assert "nc:6" in told["answers"]["signature"]
        assert f"scored as: {told['answers']['signature']}" in explained_text(told)
    assert "signature" not in explained(ran, "few_shot.writes.k2.gold.exact_match")["answers"]


def test_a_number_of_a_plugin_is_explained_without_running_its_code(
    ran: tuple[Folder, CellPlan], result: CellResult
) -> None:
    """If this fails, looking into a folder of somebody else's runs what that folder brings along."""
    out, _ = ran
    told = explain(out.url, "both_s0", "widths", Choice(0))
    assert told["value"] == result.values["widths"] == 16
    (note,) = told["notes"]
    digest = PLUGINS[1].digest[:12]
    assert note.startswith(f"metric widths came from plugin file widths.py (digest {digest}), which was not used")
    assert f"note: {note}" in explained_text(told)
    told = explain(out.url, "both_s0", "few_shot.writes.k2.gold.chrf", Choice(1), PLUGINS[1:])
    letters = f"metric letters came from plugin file letters.py (digest {PLUGINS[0].digest[:12]}), which was not used"
    assert [note.split(";")[0] for note in told["notes"]] == [letters]
    assert "letters" not in told["answers"]["shown"][0]["gold"]["scores"]
    with pytest.raises(
        ConfigError, match=r"unknown metric 'few_shot.writes.k2.gold.letters'.* Note: metric letters came"
    ):
        explain(out.url, "both_s0", "few_shot.writes.k2.gold.letters", Choice(0))


def test_a_plugin_that_changed_since_is_said_to_be_another(ran: tuple[Folder, CellPlan]) -> None:
    """If this fails, a number of another rule is taken for the study's."""
    edited = Plugin("letters.py", LETTERS.replace("fmean(map(len, answers))", "1 + fmean(map(len, answers))"))
    told = explain(ran[0].url, "both_s0", "few_shot.writes.k2.gold.letters", Choice(0), [edited, PLUGINS[1]])
    assert told["value"] == pytest.approx(1 + explained(ran, "few_shot.writes.k2.gold.letters")["value"])
    before, now = PLUGINS[0].digest[:12], edited.digest[:12]
    assert told["notes"] == [f"plugin letters.py is another file now: digest {now}, and the study had {before}"]


@pytest.fixture
def without_heads(ran: tuple[Folder, CellPlan], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A second study that has the cell and silenced its first head, which passes for an induction head."""
    out, plan = ran
    (cell,) = traced_cells(out, "both_s0")
    monkeypatch.setattr(head_ablation, "induction_heads", lambda scores, data: [(0, 0)])
    trained = Trained.read(Path(cell.folder.url), plan.training)
    assert trained
    model, paths = trained.model_at(trained.final), {}
    items = in_hashed_order(TaskItems.from_json(plan.measuring.items["control_map"].value), cell.measuring.seed)
    with heldout_of(cell, ["english", "korean"]) as data:
        for task, tasks in (("", []), ("control_map", [items])):
            measured = HeadAblation().measure(model, data.replace(tasks=tasks)).to_json()
            value = {"metric": "head_ablation", "task": task, "version": 2, "curve": [], "final": measured}
            label = label_of("head_ablation", task)
            folder = MarkingFolder((out / "measures" / f"more.{label}").url)
            folder.write_json("measure.json", value)
            Manifest("measures", label, {"label": label}, [], files=folder.marks).save(folder)
            paths[label] = out.relative(folder)
    recorded = {**cell.recorded.record, "name": "more"}
    entry = {**cell.recorded.entry, "measures": paths}
    (out / "runs").write_json("more.study.json", {**recorded, "cells": {cell.name: entry}})
    yield
    Path(out.url, "runs/more.study.json").unlink()


@pytest.mark.parametrize("done", ["top", "random"])
def test_what_silenced_heads_cost_leads_to_the_answers_with_and_without_them(
    ran: tuple[Folder, CellPlan], without_heads, done: str
) -> None:
    told = explained(ran, f"head_ablation.{GAP}.{done}")
    intact, left = told["answers"], told["answers_without"]
    assert told["value"] == pytest.approx(intact["recomputed"] - left["recomputed"])
    assert told["study"] == "more"
    assert left["silenced"] == [[0, 0] if done == "top" else [0, 1]]
    assert intact["recomputed"] == pytest.approx(explained(ran, GAP)["value"])
    for key in ("demonstrations", "question", "choices"):
        assert intact["shown"][0]["permuted"][key] == left["shown"][0]["permuted"][key]
    text = explained_text(told)
    assert "answers of the model as it is" in text
    assert f"answers without layer 0 head {left['silenced'][0][1]}, counted from 0" in text


def test_what_silenced_heads_cost_in_text_leads_to_the_documents(ran: tuple[Folder, CellPlan], without_heads) -> None:
    told = explained(ran, "head_ablation.late_minus_early.pooled.top")
    assert told["documents"] == explained(ran, "late_minus_early.pooled")["documents"]
    assert "answers" not in explained(ran, "head_ablation.silenced")


def test_a_damaged_measure_is_refused(ran: tuple[Folder, CellPlan]) -> None:
    out, _ = ran
    folder = Path(out.url, explained(ran, GAP, Choice(0))["measure"]["folder"])
    kept = (folder / "measure.json").read_bytes()
    (folder / "measure.json").write_bytes(kept.replace(b"control_map", b"control_nap", 1))
    try:
        with pytest.raises(DamagedError, match=r"measure.json"):
            explained(ran, GAP)
    finally:
        (folder / "measure.json").write_bytes(kept)


def test_the_command_that_it_prints_trains_the_same_cell_again(ran: tuple[Folder, CellPlan], tmp_path: Path) -> None:
    out, plan = ran
    told = explained(ran, GAP)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["bash", "-c", told["train_again"]], cwd=tmp_path, env={**os.environ, "PATH": path}, check=True)
    for name in ("training.json", "model.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == plan.output.folder(out).read(name)


def test_the_command_prints_text_and_json(ran: tuple[Folder, CellPlan]) -> None:
    arguments = ["ablate", "explain", "both_s0", GAP, "--out", ran[0].url, "--items", "1"]
    for plugin in PLUGINS:
        arguments += ["--plugin", str(Path(ran[0].url).parent / plugin.name)]
    text = CliRunner().invoke(loam, arguments, catch_exceptions=False).output
    assert "item " in text
    assert "gold NLL" in text
    assert "train it again: mkdir again" in text
    told = json.loads(CliRunner().invoke(loam, [*arguments, "--json"], catch_exceptions=False).output)
    assert told == json.loads(json.dumps(explained(ran, GAP, Choice(1))))


@pytest.mark.parametrize(
    ("cell", "metric", "line"),
    [
        ("nix", GAP, "unknown cell 'nix'"),
        ("both_s0", "few_shot.nix", "unknown metric 'few_shot.nix'"),
        ("both_s0", "few_shot.control_map.k8.permuted_minus_golt", f"Did you mean '{GAP}'?"),
    ],
)
def test_an_unknown_name_is_answered_with_the_known_ones(ran: tuple[Folder, CellPlan], cell: str, metric, line) -> None:
    with pytest.raises(ConfigError) as info:
        explain(ran[0].url, cell, metric, EVERYTHING)
    assert line in str(info.value)
    assert "Known: " in str(info.value)


def test_a_cell_that_is_not_trained_or_of_no_study_is_refused(ran: tuple[Folder, CellPlan], tmp_path: Path) -> None:
    out = open_out(str(tmp_path))
    (out / "cells/half_s0-0123456789ab").write_json("cell.json", {})
    with pytest.raises(ConfigError, match=r"half_s0-0123456789ab: not trained, it has no training.json"):
        explain(out.url, "half", GAP, EVERYTHING)
    name = ran[1].output.folder(ran[0]).url.rsplit("/", 1)[-1]
    for file in ("manifest.json", "cell.json", "training.json"):
        (out / "cells" / name).write(file, (ran[0] / "cells" / name).read(file))
    with pytest.raises(ConfigError, match=r"no study in .* has this cell"):
        explain(out.url, "both", GAP, EVERYTHING)
