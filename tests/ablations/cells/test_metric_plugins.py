"""A label metric or a text metric is one file: found, listed, checked and used without another line anywhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from jsonl_writer import WriteJsonl

from ablations.cli import loam
from ablations.prompts.task_files import read_task, task_class
from ablations.readings.blind import blind_label_score
from ablations.readings.few_shot import about_task
from ablations.readings.label_metrics.registry import LABEL_METRICS
from ablations.readings.text_metrics.registry import TEXT_METRICS
from ablations.settings import study_file as settings
from ablations.study import pipeline as study
from curation.runtime.errors import ConfigError
from curation.runtime.registry import Plugin

INFORMEDNESS = '''
"""Recall of both of two classes together, less one: as blind to their frequencies as MCC."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from ablations.readings.label_metrics.base import LabelMetric


class Informedness(LabelMetric):
    """Recall of class 1 plus recall of class 0 less 1: 1 all right, 0 as good as a blind guess."""

    kind: ClassVar[str] = "informedness"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "informedness, -1 to 1"
    words: ClassVar[str] = "informedness"
    examples: ClassVar = (((0, 1), (0, 1), 1.0), ((0, 1), (1, 1), 0.0))

    def score(self, gold: Sequence[int], predicted: Sequence[int]) -> float:
        pairs = list(zip(gold, predicted, strict=True))
        recalls = [[g == p for g, p in pairs if g == label] for label in (0, 1)]
        return sum(sum(each) / len(each) for each in recalls if each) - 1

    def guessed(self, shares: Mapping[int, float]) -> float:
        return 0.0
'''
WORD_RECALL = '''
"""ROUGE-1's recall: words of a reference that stand in the answer."""

from collections.abc import Sequence
from typing import ClassVar

from ablations.readings.text_metrics.base import References, TextMetric
from ablations.readings.text_metrics.references import mean_of_best


class WordRecall(TextMetric):
    """Share of the words of the best reference that the answer has, mean over items."""

    kind: ClassVar[str] = "word_recall"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "share of words"
    words: ClassVar[str] = "word recall"
    of_one_answer: ClassVar[bool] = True
    examples: ClassVar = ((["a b"], [["b a c d"]], 0.5), ([""], [["a"]], 0.0))

    def score(self, answers: Sequence[str], references: References) -> float:
        return mean_of_best(recall, answers, references)


def recall(answer: str, reference: str) -> float:
    wanted = reference.split()
    return sum(word in answer.split() for word in wanted) / len(wanted)
'''
CHOSEN: dict[str, Any] = {
    "kind": "colour",
    "version": 1,
    "sample": {"thing": "snow", "label": 0},
    "templates": [
        {"query": "{thing}\n", "cue": "colour:", "choices": [" white", " black"]},
        {"query": "{thing} ", "cue": "is", "choices": [" white", " black"]},
    ],
}
OWN_CHOICES: dict[str, Any] = {
    **CHOSEN,
    "sample": {"thing": "snow", "a": "white", "b": "black", "label": 0},
    "templates": [
        {"query": "{thing}\n", "cue": cue, "choices": [" {a}", " {b}"]} for cue in ("colour:", "which colour:")
    ],
}
WRITTEN: dict[str, Any] = {
    **CHOSEN,
    "sample": {"thing": "snow", "word": "white"},
    "templates": [{"query": "{thing}\n", "cue": cue, "answer": " {word}"} for cue in ("colour:", "it is")],
}


@pytest.fixture
def plugins(tmp_path: Path) -> list[Plugin]:
    """Both files, as they come from a disk."""
    for name, source in (("informedness.py", INFORMEDNESS), ("word_recall.py", WORD_RECALL)):
        (tmp_path / name).write_text(source, encoding="utf8")
    return [Plugin.read(tmp_path / name) for name in ("informedness.py", "word_recall.py")]


def task_file(folder: Path, task: dict[str, Any], *metrics: str) -> str:
    path = folder / "colour.yaml"
    path.write_text(f"# Colours.\n{yaml.safe_dump({**task, 'metrics': list(metrics)})}", encoding="utf8")
    return str(path)


def test_a_task_lists_a_label_metric_of_a_plugin_like_a_built_in_one(tmp_path: Path, plugins: list[Plugin]) -> None:
    path = task_file(tmp_path, CHOSEN, "accuracy", "informedness", "mcc")
    assert task_class(path, plugins).metrics == ("accuracy", "informedness", "mcc")
    metric = LABEL_METRICS.get("informedness", plugins)()
    assert metric.score([0, 0, 1], [0, -1, 1]) == 0.5
    assert blind_label_score(metric, [[0, 0, 1]], [(1,)]) == 0


def test_a_task_lists_a_text_metric_of_a_plugin_like_a_built_in_one(tmp_path: Path, plugins: list[Plugin]) -> None:
    path = task_file(tmp_path, WRITTEN, "word_recall", "rouge_l")
    items = {"metrics": task_class(path, plugins).metrics}
    found = about_task(items, LABEL_METRICS.classes(plugins), TEXT_METRICS.classes(plugins)).text_metrics
    assert [metric.reading for metric in found] == ["word_recall", "rouge_l"]
    assert [metric.of_one_answer for metric in found] == [True, True]
    assert found[0].score(["white dog"], [["a white cat", "white"]]) == 1


@pytest.mark.parametrize(
    ("task", "metric", "told"),
    [
        (CHOSEN, "informednes", "Did you mean 'informedness'? Known: accuracy, "),
        (CHOSEN, "rouge_l", "unknown metric of such a task 'rouge_l'"),
        (CHOSEN, "word_recall", "unknown metric of such a task 'word_recall'"),
        (OWN_CHOICES, "mcc", "unknown metric of such a task 'mcc'. Known: accuracy."),
        (WRITTEN, "mcc", "unknown metric of such a task 'mcc'"),
        (WRITTEN, "accuracy", "unknown metric of such a task 'accuracy'"),
        (WRITTEN, "wordrecall", "Did you mean 'word_recall'? Known: "),
    ],
    ids=[
        "nearly",
        "text of choices",
        "own text of choices",
        "own choices",
        "label of text",
        "accuracy of text",
        "near",
    ],
)
def test_a_metric_that_a_task_cannot_have_is_refused_with_those_that_it_can(
    tmp_path: Path, plugins: list[Plugin], task: dict[str, Any], metric: str, told: str
) -> None:
    """Else it would be missing from the report, without a word, after all cells are trained."""
    path = task_file(tmp_path, task, metric)
    with pytest.raises(ConfigError) as refused:
        read_task(path, plugins)
    assert str(refused.value).startswith(f"{path}: task colour: metrics: ")
    assert told in str(refused.value)


@pytest.mark.parametrize("task", [CHOSEN, OWN_CHOICES], ids=["shared choices", "own choices"])
def test_accuracy_may_be_listed_wherever_there_are_choices(tmp_path: Path, task: dict[str, Any]) -> None:
    assert read_task(task_file(tmp_path, task, "accuracy")).metrics == ("accuracy",)


def test_a_metric_is_known_only_with_its_plugin(tmp_path: Path, plugins: list[Plugin]) -> None:
    """The file of the task is read once; what it may list depends on the study."""
    path = task_file(tmp_path, CHOSEN, "informedness")
    assert read_task(path, plugins).metrics == ("informedness",)
    with pytest.raises(ConfigError, match="unknown metric of such a task 'informedness'"):
        read_task(path)


def test_two_metrics_of_one_reading_are_refused(tmp_path: Path) -> None:
    """BLEU of words and of morphemes are both called bleu, so one would overwrite the other."""
    with pytest.raises(ConfigError, match="bleu_ko and bleu_en are both read as 'bleu'"):
        read_task(task_file(tmp_path, WRITTEN, "bleu_ko", "chrf", "bleu_en"))


def test_a_class_that_lists_an_unknown_metric_is_refused_too() -> None:
    source = (
        "from ablations.prompts.tasks.base import FewShotTask\nfrom ablations.prompts.tasks.template import Template\n"
        "class Mine(FewShotTask):\n    kind = 'mine'\n    version = 1\n    sample = {'a': 'b', 'label': 0}\n"
        "    metrics = ('macrof1',)\n    templates = tuple(\n"
        "        Template(query='{a}', cue=cue, choices=(' x', ' y')) for cue in ('1', '2')\n    )\n"
    )
    with pytest.raises(ConfigError, match=r"^task mine: metrics: .*Did you mean 'macro_f1'"):
        task_class("mine", [Plugin("mine.py", source)])


def test_a_study_takes_metrics_from_its_plugins(tmp_path: Path, plugins: list[Plugin], write_jsonl: WriteJsonl) -> None:
    task_file(tmp_path, CHOSEN, "informedness")
    write_jsonl("pool.jsonl", [{"thing": "coal", "label": 1}])
    write_jsonl("queries.jsonl", [{"thing": "snow", "label": 0}])
    value = {
        "name": "t",
        "recipe": {"data_root": str(tmp_path), "sources": {}},
        "tasks": [{"kind": "colour.yaml", "pool": "pool.jsonl", "queries": "queries.jsonl"}],
    }
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump({**value, "plugins": [plugin.name for plugin in plugins]}), encoding="utf8")
    study.check(*settings.load(str(path)))
    path.write_text(yaml.safe_dump(value), encoding="utf8")
    with pytest.raises(ConfigError, match="unknown metric of such a task 'informedness'"):
        study.check(*settings.load(str(path)))


@pytest.mark.parametrize("command", [["study"], ["ablate", "run"]], ids=" ".join)
def test_help_lists_metrics_of_answers_and_those_of_a_plugin(
    tmp_path: Path, plugins: list[Plugin], command: list[str]
) -> None:
    given = [part for plugin in plugins for part in ("--plugin", str(tmp_path / plugin.name))]
    shown = CliRunner().invoke(loam, [*command, *given, "--help"]).output
    for name in (*LABEL_METRICS.catalogue(plugins), *TEXT_METRICS.catalogue(plugins)):
        assert f"\n  {name} " in shown
    assert shown.index("Label metrics:") < shown.index("informedness") < shown.index("Text metrics:")


def test_label_metrics_need_the_standard_library_alone_and_listing_needs_no_sacrebleu() -> None:
    """A table of finished cells is made where neither torch nor numpy is, and `loam --help` waits for nothing."""
    code = (
        "import sys; from ablations.readings.label_metrics.registry import LABEL_METRICS; "
        "import sys; from ablations.readings.text_metrics.registry import TEXT_METRICS; "
        "TEXT_METRICS.catalogue(); LABEL_METRICS.classes(); "
        "print({'torch', 'yaml', 'numpy', 'sacrebleu', 'scipy', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("registry", [LABEL_METRICS, TEXT_METRICS], ids=["label", "text"])
def test_a_metric_whose_name_is_taken_is_refused(registry: Any, plugins: list[Plugin]) -> None:
    source = plugins[registry is TEXT_METRICS].source
    again = Plugin("again.py", f"{source}\n# another file")
    with pytest.raises(ConfigError, match=r"two (label|text) metrics are called"):
        registry.classes([*plugins, again])
