"""What the documentation shows works as shown."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from contributing import block, contributed
from jsonl_writer import WriteJsonl

from ablations.cli import loam
from ablations.core.data.documents import Documents
from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.metrics.registry import METRICS
from ablations.core.model.model import Model
from ablations.core.spec.model_spec import ModelSpec
from ablations.core.spec.strict import build
from ablations.core.spec.training_spec import TrainingSpec
from ablations.core.training.schedules.registry import SCHEDULES
from ablations.core.training.step_time import time_steps
from ablations.prompts.export_queries import export_texts
from ablations.prompts.task_files import read_task, task_class
from ablations.readings.blind import blind_label_score
from ablations.readings.label_metrics.registry import LABEL_METRICS
from ablations.readings.text_metrics.registry import TEXT_METRICS
from ablations.settings import study_file as settings
from ablations.settings.controls import ControlSettings
from ablations.statistics.variances import Variances
from ablations.study import pipeline as study
from curation import pipeline
from curation.annotators.base import rows_of
from curation.annotators.registry import ANNOTATORS
from curation.pii.registry import ENTITIES
from curation.questions.run_record import RunRecord
from curation.questions.what_if import compare_policies
from curation.recipes import loading
from curation.runtime.cluster.cluster import Compute
from curation.runtime.identity import canonical
from curation.runtime.registry import Plugin
from curation.runtime.store.folder import Folder
from curation.runtime.store.shards import read_columns
from curation.text.batch import Batch
from curation.text.spans import apply
from curation.transforms.base import Document
from curation.transforms.registry import make_transform

ROOT = Path(__file__).parent.parent


def test_the_study_of_the_readme_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "my_study.yaml"
    path.write_text(block("README.md", "yaml", "arms:"), encoding="utf8")
    loaded, its_recipe = settings.load(str(path))
    study.check(loaded, its_recipe)
    assert list(loaded.arms) == ["forum", "encyclopedia", "both", "both_half"]
    assert its_recipe.built_sources["forum"].kind == "files"


def test_the_recipe_of_the_walk_is_valid() -> None:
    loaded = loading.from_mapping(yaml.safe_load(block("docs/walk.md", "yaml", "sources:")), "recipe.yaml")
    assert [pass_.name for pass_ in loaded.passes] == ["clean", "select"]


def korean_documents(number: int) -> list[str]:
    """Made-up documents of four Korean sentences, always the same."""
    draw = random.Random(3)
    nouns = "강물이 다리를 마을에서 아이들이 바람을 학교로 여름에 시장에는 버스를 사람들은 나무가 이야기를 산길을 아침마다".split()
    others = "천천히 오래된 조용히 함께 멀리 자주 새로운 작은 푸른 다시".split()
    ends = "건넌다. 보인다. 흐른다. 찾아간다. 기다린다. 만난다.".split()

    def sentence() -> str:
        return " ".join([*draw.choices(nouns + others, k=9), draw.choice(ends)])

    return ["\n".join(sentence() for _ in range(4)) for _ in range(number)]


def test_the_recipe_of_the_walk_does_what_the_page_says(
    write_jsonl: WriteJsonl, tmp_path: Path, out: Folder, compute: Compute
) -> None:
    """Test questions, copies and addresses are planted in made-up Korean; each must end as described."""
    letter = "\n편지는 kim@naver.com으로 보낸다."
    made = korean_documents(501)
    encyclopedia, web, question = [text + letter for text in made[:300]], made[300:500], made[500]
    near = [text.split(" ", 1)[1] for text in encyclopedia[:20]]
    write_jsonl("data/encyclopedia.jsonl", [{"text": text} for text in encyclopedia])
    write_jsonl("data/web/a.jsonl", [{"text": text} for text in [question, *near]])
    write_jsonl("data/web/b.jsonl", [{"text": text + letter} for text in web])
    write_jsonl("tasks/nsmc/test.jsonl", [{"text": question.replace("\n", " "), "label": 1}])
    export_texts(tmp_path / "tasks", tmp_path / "queries.jsonl.zst", {})
    text = block("docs/walk.md", "yaml", "queries:").replace("queries.jsonl.zst", str(tmp_path / "queries.jsonl.zst"))
    value = {**yaml.safe_load(text), "data_root": str(tmp_path / "data")}
    curated = pipeline.curate(loading.from_mapping(value, "web.yaml"), out, compute)
    dropped = curated.funnel["web"].dropped
    assert dropped["select: contamination.share:high"] == 1
    assert dropped["select: near_duplicate"] >= 10, "the others look too unlikely and are dropped for that"
    assert dropped["select: perplexity.bucket:other"] > 0
    shards = curated.shards["web"]
    texts = [text for file in shards.files for text in read_columns(shards.folder, file, ["text"])["text"].to_pylist()]
    assert texts
    assert all("편지는 email@example.com으로 " in text for text in texts)
    run = RunRecord(out, curated.record)
    changed = compare_policies(run, None, ["policy.sources.web.keep.perplexity=null"])["web"]
    assert changed.after.kept > changed.before.kept


def test_the_walk_shows_what_findings_prints() -> None:
    first, *shown = block("docs/walk.md", "console", "loam ablate findings").splitlines()
    printed = CliRunner().invoke(loam, first.removeprefix("$ loam ").split()).output.splitlines()
    at = 0
    for line in shown:
        at = printed.index(line, at) + 1


def plugin_of(name: str) -> list[Plugin]:
    return [Plugin("own.py", contributed(name))]


def test_the_annotator_with_a_file_of_contributing_is_one_file() -> None:
    cls = ANNOTATORS.get("term_hits", plugin_of("TermHits"))
    annotator = cls.for_examples()
    found = list(rows_of(annotator, annotator.score(Batch.of(annotator.examples))))
    assert found == list(annotator.examples.values())
    assert canonical(annotator.what()) == canonical(cls.for_examples().what()), "the path stays out of it"


def test_the_entity_of_contributing_is_one_file() -> None:
    entity = ENTITIES.get("mac_address", plugin_of("MacAddress"))()
    for text, wanted in entity.examples.items():
        assert apply(text, [], [(s, e, entity.replacement(text[s:e])) for s, e in entity.find(text)]) == wanted


def test_the_task_of_contributing_is_one_file() -> None:
    task = task_class("word_in_sentence", plugin_of("WordInSentence"))()
    assert task.example(task.sample).gold in range(len(task.example(task.sample).choices))
    assert task.text_fields() == ("sentence",)


def test_the_metric_of_contributing_is_one_file() -> None:
    settled = METRICS.get("settled_tokens", plugin_of("SettledTokens"))()
    model = Model(ModelSpec(vocab_size=4, layers=1, width=8, heads=2, context=8), 0)
    heldout = {"whole": three_documents(8), "short": three_documents(5)}
    data = EvaluationData(
        heldout=heldout, tasks=(), context=8, bos=0, specials=(0,), vocab_size=4, seed=0,
        windows=2, items=1, sequences=1, batch=2,
    )  # fmt: skip
    found = {reading.name: reading for reading in settled.measure(model, data).readings}
    values = {name: reading.value for name, reading in found.items()}
    no_share = "an untrained model gives each of four pieces a quarter"
    assert values == {"settled_tokens.whole": 0.0, "settled_tokens.short": None}, no_share
    assert [reading.n["tokens"] for reading in found.values()] == [14, 0]


def test_the_optimizer_and_the_schedule_of_contributing_are_one_file_each() -> None:
    plugins = [Plugin(f"{name}.py", contributed(name)) for name in ("SignedMomentum", "InverseRoot")]
    made = {
        "seeds": {"init": 1, "order": 1, "subset": 1},
        "train": [{"source": "random", "tokens": "none"}],
        "model": {"vocab_size": 8, "layers": 1, "width": 8, "heads": 2, "context": 8},
        "optimizer": {"kind": "signed_momentum", "momentum": 0.5},
        "schedule": {"tokens": 800, "batch": 2, "kind": "inverse_root", "warmup_steps": 0},
    }
    step_time = time_steps(build(TrainingSpec, made, "training"), plugins, steps=7)
    assert step_time.step_seconds > 0
    schedule = SCHEDULES.get("inverse_root", plugins)(warmup_steps=0)
    assert [round(schedule.share(step, 1000), 2) for step in (0, 100, 400)] == [1.0, 1.0, 0.5]


def three_documents(tokens: int) -> Documents:
    """Of so many tokens each, BOS and ones."""
    ids = np.arange(48, dtype=np.uint8).reshape(3, 16)
    one = np.ones(tokens, np.uint16)
    one[0] = 0
    return Documents(np.tile(one, 3), np.arange(4) * tokens, ids, np.full(3, tokens))


def test_the_label_metric_of_contributing_is_one_file() -> None:
    plugins = plugin_of("BalancedAccuracy")
    metric = LABEL_METRICS.get("balanced_accuracy", plugins)()
    for gold, predicted, wanted in metric.examples:
        assert metric.score(gold, predicted) == pytest.approx(wanted)
    assert blind_label_score(metric, [[0, 0, 0, 1]], [(0, 1)]) == 0.5


def test_the_text_metric_of_contributing_is_one_file() -> None:
    metric = TEXT_METRICS.get("contains", plugin_of("Contains"))()
    for answers, references, wanted in metric.examples:
        assert metric.score(answers, references) == pytest.approx(wanted)
    assert (metric.reading, metric.signature()) == ("contains", "")


def test_the_metrics_that_the_tasks_page_names_are_there() -> None:
    page = (ROOT / "docs" / "tasks.md").read_text(encoding="utf8")
    for registry, start in ((TEXT_METRICS, "text metrics, such as"), (LABEL_METRICS, "label metrics, such as")):
        named = re.findall(r"`(\w+)`", re.split(r"[.;]", page.split(start)[1])[0])
        assert set(named) <= set(registry.catalogue())
        assert len(named) >= 3


def test_the_transform_of_contributing_is_one_file() -> None:
    shuffled = make_transform({"kind": "shuffle_words"}, plugin_of("ShuffleWords"), "test")
    for text, wanted in shuffled.examples.items():
        assert shuffled.checked(Document(bytes(16), text), None) == wanted
    text = "One two, three four five six seven eight."
    assert shuffled.checked(Document(bytes(16), text), None) != text


def test_the_claims_of_the_walk_fit_the_study_of_the_readme(tmp_path: Path) -> None:
    said = yaml.safe_load(block("README.md", "yaml", "arms:")) | yaml.safe_load(
        block("docs/walk.md", "yaml", "claims:")
    )
    rows = {split: str(tmp_path / f"{split}.jsonl") for split in ("pool", "queries")}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump({**said, "tasks": [{"kind": "nsmc", **rows}]}), encoding="utf8")
    for split, path in rows.items():
        Path(path).write_text(f'{{"text": "{split}", "label": 1}}\n', encoding="utf8")
    study.check(*settings.load(str(tmp_path / "study.yaml")))


def test_the_tasks_of_the_tasks_page_are_each_one_file(tmp_path: Path, write_jsonl: WriteJsonl) -> None:
    (tmp_path / "colour.yaml").write_text(block("docs/tasks.md", "yaml", "kind: colour"), encoding="utf8")
    colour = read_task(str(tmp_path / "colour.yaml"))
    assert colour().example(colour.sample).prompt == "snow\nColour:"
    plugin = Plugin("even.py", block("docs/tasks.md", "python", "class EvenNumber"))
    even = task_class("even_number", [plugin])
    assert even(2).example({"number": 17}).prompt == "1 7\nis"
    said = yaml.safe_load(block("docs/tasks.md", "yaml", "tasks:"))
    for split, number in (("train", 70), ("test", 2)):
        rows = [{"text": f"{split} {i}", "label": i % 2} for i in range(number)]
        write_jsonl(f"tasks/nsmc/{split}.jsonl.zst", rows)
    tasks = [*said["tasks"], {"kind": "colour.yaml", "pool": "a.jsonl", "queries": "b.jsonl"}]
    write_jsonl("a.jsonl", [dict(colour.sample)])
    write_jsonl("b.jsonl", [dict(colour.sample)])
    value = {"name": "t", "recipe": {"data_root": str(tmp_path), "sources": {}}, "tasks": tasks}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(value), encoding="utf8")
    study.check(*settings.load(str(tmp_path / "study.yaml")))


def test_the_annotator_of_contributing_is_one_file() -> None:
    plugin = Plugin("capital_share.py", block("CONTRIBUTING.md", "python", "class CapitalShare"))
    annotator = ANNOTATORS.get("capital_share", [plugin]).model_validate({})
    scores = annotator.score(Batch.of(annotator.examples))
    assert list(rows_of(annotator, scores)) == [pytest.approx(row) for row in annotator.examples.values()]


@pytest.mark.parametrize("path", sorted((ROOT / "configs").rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_config_is_valid(path: Path, write_jsonl: WriteJsonl, tmp_path: Path) -> None:
    value = yaml.safe_load(path.read_text(encoding="utf8"))
    if path.parent.name == "presets":
        value = {"passes": [_pass_with_preset(path.stem, value["keep"])]}
    if path.stem == "queries":
        assert all(value.values()), "each task names its fields"
    elif path.stem == "variance_components":
        assert all(Variances(**entry[which]) for entry in value["measures"] for which in entry if which != "measure")
    elif "seeds" in value or ("arms" in value and "documents" not in value):
        changes = [f"recipe.data_root={tmp_path}"] if _write_rows_of_tasks(value, write_jsonl) else []
        loaded, its_recipe = settings.load(str(path), changes)
        study.check(loaded, its_recipe)
    elif path.stem == "published_claims":
        assert all(entry["claim"] and entry["does_not_allow"] for entry in value.values())
    elif path.stem == "controls":
        ControlSettings.model_validate(value)
    else:
        value, where = loading.with_base({"sources": {"x": {"kind": "files", "path": "x"}}, **value}, str(path))
        loading.from_mapping(value, where)


def _write_rows_of_tasks(value: dict[str, Any], write_jsonl: WriteJsonl) -> list[Path]:
    """The files of a study's tasks, named by the study or by the task, which a user has to bring, each with the sample row."""
    tasks = [(task, task_class(task["kind"])) for task in value.get("tasks", ())]
    rows = {task.get(which, getattr(cls, which)): cls.sample for task, cls in tasks for which in ("pool", "queries")}
    return [write_jsonl(path, [dict(sample)]) for path, sample in rows.items() if path]


def _pass_with_preset(name: str, keep: dict[str, object]) -> dict[str, object]:
    return {"name": "select", "annotators": list(keep), "policy": {"defaults": {"preset": name}}}


def test_every_file_of_the_tree_is_there() -> None:
    """The README's tree names folders and files; none of them may be a memory."""
    tree = (ROOT / "README.md").read_text(encoding="utf8").split("## The tree")[1].split("## ")[0]
    floor = ""
    for line in tree.splitlines():
        names = re.match(r"^( {4}| {6})((?:[a-z_]+(?:\.py|/)\s+)+)", line)
        if not names:
            continue
        for name in names[2].split():
            floor = name if len(names[1]) == 4 else floor
            assert (ROOT / (name if len(names[1]) == 4 else floor + name)).exists(), name
