"""From a number back to its text: explained by one cell of a real small study, whose files an independent reader knows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import fmean

import pytest
from click.testing import CliRunner
from small_study import ENGLISH, write_corpora, write_study

from ablations import settings, study
from ablations.cell_folder import cell_job
from ablations.cells import CellPlan
from ablations.cli import loam
from ablations.core.items import TaskItems
from ablations.explain import Choice, as_text, explain
from ablations.report import record
from ablations.text_metrics import char_f1, exact_match
from curation.runtime.cluster import Compute, Idle
from curation.runtime.errors import ConfigError
from curation.runtime.stages import run_stages, work_and_sign
from curation.runtime.store import Folder, open_out
from curation.shards import read_columns

GAP = "few_shot.control_map.k8.permuted_minus_gold"
EVERYTHING = Choice(2)
WRITES = """# Says the last word again.
kind: writes
version: 1
sample: {q: a river, a: river}
metrics: [exact_match, char_f1, chrf]
max_tokens: 3
templates:
  - {query: "{q}\\n", cue: "a", answer: " {a}"}
  - {query: "of {q}\\n", cue: "a", answer: " {a}"}
"""


def write_task(folder: Path) -> str:
    """A task with written answers and its rows; what a study says of it."""
    (folder / "writes.yaml").write_text(WRITES, encoding="utf8")
    for name, words in (("pool", ENGLISH[:20]), ("queries", ENGLISH[20:30])):
        rows = [json.dumps({"q": f"a {word}", "a": word}) for word in words]
        (folder / f"{name}.jsonl").write_text("\n".join(rows), encoding="utf8")
    told = {"kind": "writes.yaml", "pool": "pool.jsonl", "queries": "queries.jsonl"}
    return json.dumps(["control_map", {**told, "shots": [0, 2], "draws": 2, "items": 4}])


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, compute: Compute) -> tuple[Folder, CellPlan]:
    """One finished cell of the small study, trained on half of two sources, and where it is."""
    folder = tmp_path_factory.mktemp("study")
    write_corpora(folder)
    effort = {"windows": 8, "items": 8, "sequences": 4, "curve_windows": 4, "curve_items": 4, "curve_sequences": 2}
    said = [f"cells.effort={json.dumps(effort)}", f"tasks={write_task(folder)}"]
    loaded, recipe = settings.load(str(write_study(folder)), said)
    out = open_out(str(folder / "out"))
    prepared = study.prepare(loaded, recipe, out, compute)
    plan = next(plan for plan in prepared.plans if plan.arm == "both")
    stage = plan.stage()
    work_and_sign((cell_job, {}), stage.jobs[0], {"cell": plan.output.folder(out)})
    run_stages([stage], out, Idle())
    record.write_record(prepared, out)
    return out, plan


def result_of(ran: tuple[Folder, CellPlan]) -> dict:
    out, plan = ran
    return json.loads(plan.output.folder(out).read("result.json"))


def test_a_few_shot_number_leads_to_its_items_prompts_and_answers(ran):
    out, plan = ran
    told = explain(out.url, "both_s0", GAP, EVERYTHING)
    final = result_of(ran)["final"]["few_shot"]
    assert told["value"] == final["values"][GAP.removeprefix("few_shot.")]
    assert told["unit"] == "nats"
    assert told["answers"]["recomputed"] == pytest.approx(told["value"])
    assert len(told["answers"]["items"]) == told["n"][GAP.removeprefix("few_shot.")] == 8
    from sentencepiece import SentencePieceProcessor

    (model,) = told["tokenizer"]
    reader = SentencePieceProcessor(
        model_file=next(str(p) for p in Path(out.url, model).iterdir() if p.suffix == ".model")
    )
    items = TaskItems.from_json(json.loads(plan.tasks["tasks/control_map.json"].text))
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


def test_a_level_is_the_mean_of_the_answers_that_are_shown(ran):
    for reading, key in (("nll", "gold_nll"), ("accuracy", "correct")):
        told = explain(ran[0].url, "both_s0", f"few_shot.control_map.k4.gold.{reading}", EVERYTHING)
        assert told["value"] == pytest.approx(fmean(row["gold"][key] for row in told["answers"]["items"]))
        assert told["answers"]["recomputed"] == pytest.approx(told["value"])
        assert {(draw["k"], draw["condition"]) for draw in told["answers"]["draws"]} == {(4, "gold")}


@pytest.mark.parametrize("reading", ["nll", "exact_match", "char_f1", "chrf"])
def test_a_number_over_written_answers_comes_out_once_more_from_what_was_written(ran, reading):
    told = explain(ran[0].url, "both_s0", f"few_shot.writes.k2.gold.{reading}", EVERYTHING)
    assert told["answers"]["recomputed"] == pytest.approx(told["value"])
    assert {(draw["k"], draw["draw"], draw["items"]) for draw in told["answers"]["draws"]} == {(2, 0, 4), (2, 1, 4)}


def test_a_written_answer_is_shown_with_what_counts_as_right_and_its_scores(ran):
    told = explain(ran[0].url, "both_s0", "few_shot.writes.k2.gold.exact_match", EVERYTHING)
    assert len(told["answers"]["shown"]) == 2
    for shown in told["answers"]["shown"]:
        (right,) = shown["references"]
        assert shown["gold"]["question"] == f"a {right}\na"
        assert shown["gold"]["choices"] == [right]
        assert shown["gold"]["demonstrations"].count("\n\n") == 2
        assert shown["gold"]["scores"] == {
            "exact_match": exact_match(shown["gold"]["generated"], right),
            "char_f1": char_f1(shown["gold"]["generated"], right),
        }
        assert f"  wrote  {shown['gold']['generated']!r}" in as_text(told)
    assert "accuracy" not in as_text(told)


@pytest.mark.parametrize(
    ("metric", "unit", "lower"),
    [
        ("few_shot.control_map.k8.gold.nll", "nats", True),
        ("few_shot.control_map.k8.gold.accuracy", "share of items", False),
        (GAP, "nats", False),
        ("few_shot.control_map.k8.blind.majority", "share of items", None),
        ("few_shot.writes.k2.gold.chrf", "chrF, 0 to 100", False),
        ("few_shot.writes.k2.blind_exact_match", "share of items", None),
        ("heads.induction_heads", "heads", False),
        ("bits_per_byte.english", "bits per UTF-8 byte", True),
    ],
)
def test_a_number_comes_with_its_own_unit_and_direction(ran, metric, unit, lower):
    """If this fails, an accuracy is read as a loss."""
    told = explain(ran[0].url, "both_s0", metric, Choice(0))
    assert (told["unit"], told["lower_is_better"]) == (unit, lower)
    assert len(told["n"]) == 1 or not metric.startswith("few_shot")


def test_one_item_and_one_draw_can_be_asked_for(ran):
    first = explain(ran[0].url, "both_s0", GAP, EVERYTHING)["answers"]["items"][0]
    told = explain(ran[0].url, "both_s0", GAP, Choice(5, first["draw"], first["id"]))
    assert [row["id"] for row in told["answers"]["items"]] == [first["id"]]
    with pytest.raises(ConfigError, match=r"--item: unknown item 'nix'. .*Known: "):
        explain(ran[0].url, "both_s0", GAP, Choice(1, None, "nix"))
    with pytest.raises(ConfigError, match=r"--draw: unknown draw '77'"):
        explain(ran[0].url, "both_s0", GAP, Choice(1, 77))


@pytest.mark.parametrize("metric", ["bits_per_byte.korean", "late_minus_early.english", "late_minus_early.pooled"])
def test_a_number_over_held_out_text_leads_to_documents_in_curated_shards(ran, metric):
    out, _ = ran
    told = explain(out.url, "both_s0", metric, EVERYTHING)
    assert told["documents"]
    counted = result_of(ran)["final"][metric.split(".")[0]]["n"]
    for source, rows in told["documents"].items():
        assert len(rows) == counted.get(f"{source}.documents", counted.get(source))
        for row in rows:
            folder, _, file = row["shard"].rpartition("/")
            table = read_columns(Folder(f"{out.url}/{folder}"), file, ["id", "text"]).to_pydict()
            text = dict(zip(table["id"], table["text"], strict=True))[bytes.fromhex(row["id"])]
            assert len(text.encode()) == row["utf8_bytes"]


def test_every_number_of_a_cell_is_explained_with_its_seeds_and_sources(ran):
    out, plan = ran
    final = result_of(ran)["final"]
    names = [f"{metric}.{name}" for metric, reading in final.items() for name in reading["values"]]
    for name in names:
        told = explain(out.url, plan.output.folder(out).url.rsplit("/", 1)[-1], name, Choice(0))
        assert told["seeds"] == plan.spec["seeds"]
        assert told["spec_digest"] == result_of(ran)["spec_digest"]
        assert told["fingerprint"] == plan.output.fingerprint
        assert [part["source"] for part in told["train"]] == ["english", "korean"]
        for part in told["train"]:
            assert (out / part["folder"]).exists("train.bin")
            assert part["curated"].startswith("curated/")
            assert (out / part["curated"]).exists("manifest.json")
        assert as_text(told).startswith(told["cell"])


def test_the_command_that_it_prints_trains_the_same_cell_again(ran, tmp_path):
    out, plan = ran
    told = explain(out.url, "both_s0", GAP, EVERYTHING)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["bash", "-c", told["train_again"]], cwd=tmp_path, env={**os.environ, "PATH": path}, check=True)
    assert (tmp_path / "again/result.json").read_bytes() == plan.output.folder(out).read("result.json")


def test_the_command_prints_text_and_json(ran):
    arguments = ["ablate", "explain", "both_s0", GAP, "--out", ran[0].url, "--items", "1"]
    text = CliRunner().invoke(loam, arguments, catch_exceptions=False).output
    assert "item " in text
    assert "gold NLL" in text
    assert "train it again: mkdir again" in text
    told = json.loads(CliRunner().invoke(loam, [*arguments, "--json"], catch_exceptions=False).output)
    assert told == json.loads(json.dumps(explain(ran[0].url, "both_s0", GAP, Choice(1))))


@pytest.mark.parametrize(
    ("cell", "metric", "line"),
    [
        ("nix", GAP, "unknown cell 'nix'"),
        ("both_s0", "few_shot.nix", "unknown metric 'few_shot.nix'"),
        ("both_s0", "few_shot.control_map.k8.permuted_minus_golt", f"Did you mean '{GAP}'?"),
    ],
)
def test_an_unknown_name_is_answered_with_the_known_ones(ran, cell, metric, line):
    with pytest.raises(ConfigError) as info:
        explain(ran[0].url, cell, metric, EVERYTHING)
    assert line in str(info.value)
    assert "Known: " in str(info.value)


def test_a_cell_that_is_not_finished_or_of_no_study_is_refused(ran, tmp_path):
    out = open_out(str(tmp_path))
    (out / "cells/half_s0-0123456789ab").write_json("cell.json", {})
    with pytest.raises(ConfigError, match="half_s0-0123456789ab: is not finished"):
        explain(out.url, "half", GAP, EVERYTHING)
    name = ran[1].output.folder(ran[0]).url.rsplit("/", 1)[-1]
    for file in ("manifest.json", "cell.json", "result.json"):
        (out / "cells" / name).write(file, (ran[0] / "cells" / name).read(file))
    with pytest.raises(ConfigError, match=r"no study in .* has this cell"):
        explain(out.url, "both", GAP, EVERYTHING)
