"""A recipe with `models:` from text to buckets, and the models that `train-lm` makes."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonl_writer import WriteJsonl

from ablations.cli import main
from curation import dry_run, pipeline, timing
from curation.dashboard.gathering.score_histograms import histograms
from curation.models import lmplz
from curation.models.example_language_model import example_language_model
from curation.questions.explain import explain_document
from curation.questions.run_record import RunRecord
from curation.questions.what_if import compare_policies
from curation.recipes import loading, named_models
from curation.recipes.recipe import Recipe
from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import ConfigError
from curation.runtime.store.folder import Folder, open_out
from curation.runtime.store.gc import unused
from curation.runtime.store.shards import read_columns

WORDS = "the river runs under an old stone bridge and people walk along its banks in summer".split()
TRAINED = {"language": "en", "sources": ["river"], "after": "clean", "vocab_size": 120, "order": 3, "heldout": 0.2}


@pytest.fixture
def corpora(write_jsonl: WriteJsonl, tmp_path: Path) -> Path:
    """300 documents of river sentences, and as many of their letters in any order."""
    draw = random.Random(7)
    sentences = [" ".join(draw.choices(WORDS, k=12)) for _ in range(300)]
    write_jsonl("river.jsonl", [{"text": text} for text in sentences])
    write_jsonl("noise.jsonl", [{"text": "".join(draw.sample(text, len(text)))} for text in sentences])
    return tmp_path


def mapping(folder: Path, **changes: Any) -> dict[str, Any]:
    keep = {"tokens": {"min": 1}, "bucket": {"any_of": ["head", "middle"]}}
    select = {"defaults": {"keep": {"perplexity": keep}}}
    return {
        "name": "small",
        "data_root": str(folder),
        "shard_bytes": 4000,
        "sources": {name: {"kind": "files", "path": f"{name}.jsonl"} for name in ("river", "noise")},
        "models": {"en": {**TRAINED, **changes}},
        "passes": [
            {"name": "clean", "annotators": ["exact_hash"], "policy": {"defaults": {"duplicates": "exact_hash"}}},
            {"name": "select", "annotators": [{"kind": "perplexity", "model": "en"}], "policy": select},
        ],
    }


def built(folder: Path, **changes: Any) -> Recipe:
    return loading.from_mapping(mapping(folder, **changes), str(folder / "small.yaml"))


def digests(out: Folder, *folders: str) -> dict[str, str]:
    root = Path(out.url)
    files = [path for folder in folders for path in (root / folder).rglob("*") if path.is_file()]
    kept = [path for path in files if path.name != "manifest.json" and path.parent.name != "receipts"]
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}


def test_noise_lies_in_the_tail_and_text_does_not(corpora: Path, out: Folder, compute: Compute) -> None:
    """The whole way: train after a pass, score both sources, keep by bucket, read the run back."""
    curated = pipeline.curate(built(corpora), out, compute)
    assert curated.shards["noise"].documents == 0
    assert curated.shards["river"].documents > 150
    run = RunRecord(out, curated.record)
    card = (out / curated.record["models"]["en"]).read_json("model.json")
    assert card["language"] == "en"
    assert card["trained_on"]["documents"] + card["trained_on"]["heldout"] == 300
    folder = run.scores("river", "select")["perplexity"]
    part = run.folder("river", "select", "shards").read_json("manifest.json")["parts"][0]["file"]
    scores = read_columns(folder, part, ["perplexity", "bucket"]).to_pylist()
    assert all((s["bucket"] == "tail") == (s["perplexity"] > card["tail_from"]) for s in scores)
    changed = compare_policies(run, None, ["policy.defaults.keep.perplexity={tokens: {min: 1}}"])
    assert changed["noise"].after.kept == 300
    first = read_columns(run.raw("noise"), part, ["id"])["id"][0].as_py()
    assert explain_document(run, first.hex())["passes"]["select"]["reason"].startswith("perplexity.bucket")
    assert [each.column for each in histograms(run)] == ["tokens"]
    assert not [each for each in unused(out) if each.path.startswith("models/")]


@pytest.mark.parametrize("estimator", ["own", "lmplz"])
def test_a_model_is_the_same_bytes_for_any_number_of_workers(
    estimator: str, corpora: Path, tmp_path: Path, compute: Compute
) -> None:
    """What and where: paths and workers change no byte of a model, nor of a score."""
    if estimator == "lmplz" and lmplz.find() is None:
        pytest.skip("lmplz is not on this machine; `make kenlm-tools` builds it")
    found = []
    for workers in (1, 2):
        out = open_out(str(tmp_path / f"out-{workers}"))
        elsewhere = tmp_path / f"data-{workers}"
        shutil.copytree(corpora, elsewhere, ignore=shutil.ignore_patterns("out*", "data*"))
        pipeline.curate(built(elsewhere, estimator=estimator), out, Compute(workers=workers))
        found.append(digests(out, "models", "scores", "curated"))
    assert found[0] == found[1]
    assert any(name.endswith("sentencepiece.model") for name in found[0])


def test_a_trained_model_is_not_trained_again(corpora: Path, out: Folder, compute: Compute) -> None:
    loaded = built(corpora)
    first = pipeline.curate(loaded, out, compute)
    folder = out / first.record["models"]["en"]
    seconds = folder.read_json("manifest.json")["cost"]
    assert pipeline.curate(loaded, out, compute).record == first.record
    assert folder.read_json("manifest.json")["cost"] == seconds


def test_text_that_is_not_sampled_is_not_learnt(corpora: Path, out: Folder, compute: Compute) -> None:
    loaded = built(corpora, sample_bytes=8000, after=None)
    trained = pipeline.curate(loaded, out, compute).record["models"]["en"]
    on = (out / trained).read_json("model.json")["trained_on"]
    assert 4000 < on["text_bytes"] < 12000


def test_a_plan_tells_the_training_and_its_cost_can_be_estimated(corpora: Path) -> None:
    loaded = built(corpora)
    told = dry_run.dry_run_text(dry_run.describe_run(loaded))
    assert "train language model en: river after pass clean, at most 100.0 MB" in told
    assert told.index("pass clean\n") < told.index("train language model en") < told.index("pass select\n")
    assert all(each.annotate_seconds > 0 for each in timing.time_documents(loaded))
    assert named_models.untrained(loaded, loaded.passes[1]) == {"perplexity"}


def test_an_annotator_may_name_a_folder_instead(corpora: Path, out: Folder, compute: Compute) -> None:
    value = mapping(corpora)
    value["passes"][1]["annotators"][0]["model"] = example_language_model()
    del value["models"]
    loaded = loading.from_mapping(value, str(corpora / "small.yaml"))
    assert pipeline.curate(loaded, out, compute).record["models"] == {}
    assert all(each.annotate_seconds > 0 for each in timing.time_documents(loaded))


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("models", "en", "sources"), ["rivers"], "models.en.sources: unknown source 'rivers'. Did you mean 'river'?"),
        (("models", "en", "after"), "cleaned", "models.en.after: unknown pass 'cleaned'. Did you mean 'clean'?"),
        (("models", "en", "after"), "select", "set models.en.after to an earlier one"),
        (("models", "en", "percentiles"), [60, 30], "percentiles: found 60 and 30"),
        (("models", "EN"), TRAINED, "the name 'EN' is not usable in a path"),
        (("passes", 1, "annotators", 0, "model"), "eng", "no such folder, and unknown model 'eng'. Did you mean 'en'?"),
        (("passes", 1, "annotators", 0, "model"), ".", "no model.json there"),
    ],
)
def test_a_model_that_cannot_be_had_is_refused_at_load(
    corpora: Path, path: tuple[Any, ...], value: Any, told: str
) -> None:
    """Else it would show an hour later."""
    recipe_value = mapping(corpora)
    at: Any = recipe_value
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    with pytest.raises(ConfigError) as error:
        loading.from_mapping(recipe_value, str(corpora / "small.yaml"))
    assert told in str(error.value)


def test_lmplz_that_is_asked_for_and_not_there_is_one_clear_error(
    corpora: Path, out: Folder, compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lmplz, "find", lambda: None)
    with pytest.raises(ConfigError, match="Run `make kenlm-tools`, or write estimator: own"):
        pipeline.curate(built(corpora, estimator="lmplz"), out, compute)


def test_a_variable_that_names_no_lmplz_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(lmplz.VARIABLE, "/nowhere/lmplz")
    with pytest.raises(ConfigError, match=r"LOAM_LMPLZ=/nowhere/lmplz: no lmplz with build_binary beside it"):
        lmplz.find()


def loam(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """Exit code, and what the command prints."""
    monkeypatch.setattr(sys, "argv", ["loam", *map(str, arguments)])
    code = 0
    try:
        main()
    except SystemExit as end:
        code = int(end.code or 0)
    shown = capsys.readouterr()
    return code, shown.out + shown.err


@pytest.mark.usefixtures("compute")
def test_train_lm_makes_the_model_that_a_run_of_the_recipe_makes(
    corpora: Path, out: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that a run afterwards finds it there, and `loam gc` keeps it until then."""
    file = corpora / "small.yaml"
    file.write_text(yaml.safe_dump(mapping(corpora)))
    code, told = loam(monkeypatch, capsys, "curate", "train-lm", file, "--name", "en", "--out", out.url)
    assert code == 0
    folder = told.strip().split("\n")[-1]
    assert json.loads(Path(folder, "model.json").read_text())["name"] == "en"
    assert "held-out documents" in told
    assert not [each for each in unused(out) if each.path.startswith("models/")]
    options = ("--language", "fr", "--source", "noise", "--pass", "clean", "--set", "models.fr.vocab_size=60")
    code, told = loam(monkeypatch, capsys, "curate", "train-lm", file, *options, "--out", out.url)
    assert code == 0
    card = json.loads(Path(told.strip().split("\n")[-1], "model.json").read_text())
    assert (card["name"], card["language"], card["trained_on"]["sources"][0][0]) == ("fr", "fr", "noise")
    assert loam(monkeypatch, capsys, "curate", "run", file, "--out", out.url)[0] == 0
    assert json.loads(Path(out.url, "runs", "small.json").read_text())["models"]["en"] == f"models/{Path(folder).name}"
    assert sorted(path.name.split("-")[0] for path in Path(out.url, "models").iterdir()) == ["en", "fr"]


@pytest.mark.usefixtures("compute")
def test_an_unreadable_model_is_one_line_and_exit_code_two(
    corpora: Path, out: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(example_language_model(), corpora / "damaged")
    (folder / "lm.arpa").write_text("no model")
    value = mapping(corpora)
    value["passes"][1]["annotators"][0]["model"] = "damaged"
    (corpora / "small.yaml").write_text(yaml.safe_dump(value))
    code, told = loam(monkeypatch, capsys, "curate", "run", corpora / "small.yaml", "--out", out.url)
    assert code == 2
    last = told.strip().split("\n")[-1]
    assert last.startswith("loam: ")
    assert "damaged/lm.arpa: damaged: not the file that model.json describes. Train the model again" in last
