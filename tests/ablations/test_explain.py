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
from small_study import write_corpora, write_study

from ablations import settings, study
from ablations.cell_folder import cell_job
from ablations.cells import CellPlan
from ablations.cli import loam
from ablations.core.items import TaskItems
from ablations.explain import Choice, as_text, explain
from ablations.report import record
from curation.runtime.cluster import Compute, Idle
from curation.runtime.errors import ConfigError
from curation.runtime.stages import run_stages, work_and_sign
from curation.runtime.store import Folder, open_out
from curation.shards import read_columns

GAP = "few_shot.control_map.k8.permuted_minus_gold"
EVERYTHING = Choice(2)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, compute: Compute) -> tuple[Folder, CellPlan]:
    """One finished cell of the small study, trained on half of two sources, and where it is."""
    folder = tmp_path_factory.mktemp("study")
    write_corpora(folder)
    effort = {"windows": 8, "items": 8, "sequences": 4, "curve_windows": 4, "curve_items": 4, "curve_sequences": 2}
    loaded, recipe = settings.load(str(write_study(folder)), [f"cells.effort={json.dumps(effort)}"])
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
