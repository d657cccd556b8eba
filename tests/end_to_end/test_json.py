"""`--json` of every command on a finished study: one value of the documented shape on stdout, and nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_tree import NAMES
from finished import Finished
from jsonl_writer import write_rows
from loam import Ended, Loam
from pydantic import TypeAdapter

from ablations.cells.freeing import FreedWeights
from ablations.cells.standing import Standing
from ablations.elsewhere.runner.archives import write_archives
from ablations.evidence.compare import ArmComparison
from ablations.evidence.explain import ExplainedNumber
from ablations.evidence.findings import Findings
from ablations.evidence.power import StudyPower
from ablations.export.cell import ExportedModel
from ablations.prompts.export_queries import ExportedQueries
from ablations.report.drawing.from_file import DrawnPage
from ablations.study.dry_run import StudyDryRun
from ablations.study.finished_cells import AdoptedCells, MeasuredCells
from ablations.study.gallery import Entry
from ablations.study.packs import PackedCells, UnpackedCells
from ablations.study.whole_study import StudyEnd
from curation.dry_run import CurationDryRun
from curation.questions.explain import Explained
from curation.questions.sample import QuarantinedRow, SampledDocument
from curation.questions.what_if import PolicyComparison
from curation.runtime.store.gc import Tidied
from curation.runtime.store.verify import CheckedFile
from curation.train_language_model import TrainedModel
from curation.whole_run import CurationEnd
from tokenizer.from_run import EncodedSource, TrainedTokenizer

# in this order, since some change the folder
SCHEMAS: dict[str, Any] = {
    "study {study} --out {out}": StudyEnd,
    "study {study} --dry-run --out {other}": StudyDryRun,
    "study gallery": list[Entry],
    "curate run {recipe} --out {other}": CurationEnd,
    "curate run {recipe} --dry-run --out {other}": CurationDryRun,
    "curate explain {out} english-3 --text": Explained,
    "curate explain {out} english-copy": Explained,
    "curate what-if {out} --set policy.defaults.keep.vowel_share.share.max=0.2": dict[str, PolicyComparison],
    "curate sample {out}": list[SampledDocument],
    "curate sample {out} --kept": list[SampledDocument],
    "curate sample {out} --quarantined": list[QuarantinedRow],
    "curate train-lm {recipe} --source english --set models.lm.vocab_size=200 --out {other}": TrainedModel,
    "tokenizer train {out}/runs/small.json --out {other} --sources english --vocab-size 400": TrainedTokenizer,
    "tokenizer encode {out}/runs/small.json {tokenizer} --out {other}": list[EncodedSource],
    "ablate run {study} --out {out}": Standing,
    "ablate status {study} --out {out}": Standing,
    "ablate report {study} --out {out}": StudyEnd,
    "ablate report --from {out}/reports/small.json --to {other}.html": DrawnPage,
    "ablate plan {study} --out {out} --set claims=[]": StudyPower,
    "ablate compare {study} english both --measure bits_per_byte.english --out {out}": ArmComparison,
    "ablate explain english_s0 bits_per_byte.english --out {out}": ExplainedNumber,
    "ablate explain english_s0 few_shot.count_up.k2.gold.nll --out {out}": ExplainedNumber,
    "ablate findings configs/reference/hyperclova_corpus_study.csv": Findings,
    "ablate measure {study} --out {out}": MeasuredCells,
    "ablate measure english_s0 --metric bits_per_byte --out {out}": MeasuredCells,
    "ablate adopt {study} --out {out}": AdoptedCells,
    "ablate export english_s0 {other}/model --out {out}": ExportedModel,
    "ablate export-queries {tasks} {other}/queries.jsonl": ExportedQueries,
    "ablate pack {study} {packed} --out {out} --set seeds=2": PackedCells,
    "verify {out}": list[CheckedFile],
    "gc --out {out}": Tidied,
    "gc --checkpoints --out {out}": FreedWeights,
}


@pytest.fixture(scope="module")
def places(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What the commands name: a copy of the finished output folder, and what lies beside it."""
    folder = tmp_path_factory.mktemp("json")
    out, recipe = folder / "out", finished.folder / "recipe.yaml"
    shutil.copytree(finished.out, out)
    value = yaml.safe_load(finished.study.read_text(encoding="utf8"))
    recipe.write_text(yaml.safe_dump({**value["recipe"], "plugins": value["plugins"]}), encoding="utf8")
    write_rows(folder / "tasks/nsmc/test.jsonl", [{"text": "a film that runs", "label": 1}])
    write_archives(folder / "archives", [("cut_short_s0", "training.json", b"{}")], 10**6)
    tokenizer = next(path for path in sorted((out / "tokenizer").iterdir()) if (path / "tokenizer.model").is_file())
    new = {name: folder / name for name in ("other", "packed", "tasks", "archives")}
    return {"out": out, "study": finished.study, "recipe": recipe, "tokenizer": tokenizer, **new}


def asked(loam: Loam, command: str, places: dict[str, Path], *more: str) -> Ended:
    return loam(*command.format(**places).split(), *more)


def valid(schema: Any, text: str) -> Any:
    """The value, once it has been found to say all that the schema says and nothing else."""
    adapter = TypeAdapter(schema)
    value = json.loads(text)
    assert json.loads(adapter.dump_json(adapter.validate_json(text))) == value
    return value


@pytest.mark.parametrize(("command", "schema"), SCHEMAS.items(), ids=SCHEMAS)
def test_stdout_is_one_value_of_its_schema(places: dict[str, Path], loam: Loam, command: str, schema: Any) -> None:
    """If this fails, whoever reads loam's output in a program reads something that nobody promised."""
    ended = asked(loam, command, places, "--json")
    assert ended.code == 0, ended.err
    assert valid(schema, ended.out), "a finished study has something to say"


def test_no_command_is_missing() -> None:
    assert {name for name in NAMES if any(command.startswith(f"{name} ") for command in (*SCHEMAS, *ENDINGS))} == set(
        NAMES
    )


ENDINGS: dict[str, tuple[int, Any]] = {
    "ablate unpack {study} {archives} --out {out}": (1, UnpackedCells),
    "ablate plan {study} --out {out}": (2, StudyPower),
    "verify {out}": (1, list[CheckedFile]),
    "ablate status nowhere.yaml": (2, None),
    "curate sample {out} --reason nothing": (2, None),
}


@pytest.mark.parametrize("command", ENDINGS)
def test_the_exit_code_is_the_same_as_without(places: dict[str, Path], loam: Loam, command: str) -> None:
    """A refused result, a claim that cannot be won, a damaged file, and mistakes, which leave stdout empty."""
    code, schema = ENDINGS[command]
    if command.startswith("verify"):
        next(places["out"].glob("cells/*/training.json")).write_bytes(b"{}")
    ended = [asked(loam, command, places, *more) for more in ((), ("--json",))]
    assert [each.code for each in ended] == [code, code]
    assert ended[0].err == ended[1].err
    if schema:
        valid(schema, ended[1].out)
    else:
        assert ended[1].out == ""
        assert len(ended[1].err.splitlines()) == 1


def test_json_and_text_say_the_same(places: dict[str, Path], loam: Loam) -> None:
    standing = json.loads(asked(loam, "ablate status {study} --out {out}", places, "--json").out)
    text = asked(loam, "ablate status {study} --out {out}", places).out
    assert all(cell["cell"] in text and cell["state"] in text for cell in standing["cells"])
    assert f"{standing['trained']} of {len(standing['cells'])} trained" in text
