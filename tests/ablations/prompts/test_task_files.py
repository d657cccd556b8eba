"""Tasks by name: YAML and Python alike, each mistake in a file one clear line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from ablations.cli import loam
from ablations.prompts.task_files import classes, read_task, task_class
from ablations.prompts.tasks.base import FewShotTask
from ablations.prompts.tasks.registry import TASKS
from curation.runtime.errors import ConfigError
from curation.runtime.registry import Plugin

GOOD: dict[str, Any] = {
    "kind": "colour",
    "version": 1,
    "sample": {"thing": "snow", "label": 0},
    "templates": [
        {"query": "{thing}\n", "cue": "colour:", "choices": [" white", " black"]},
        {"query": "{thing} ", "cue": "is", "choices": [" white", " black"]},
    ],
}


def write(folder: Path, **changes: Any) -> str:
    value = {key: part for key, part in {**GOOD, **changes}.items() if part is not None}
    (folder / "colour.yaml").write_text(f"# Colour of a thing.\n{yaml.safe_dump(value)}", encoding="utf8")
    return str(folder / "colour.yaml")


def changed(**part: Any) -> list[dict[str, Any]]:
    """The templates with a part of the first changed."""
    first = {key: value for key, value in {**GOOD["templates"][0], **part}.items() if value is not None}
    return [first, GOOD["templates"][1]]


def test_a_yaml_file_is_a_task_like_any_other(tmp_path: Path) -> None:
    sample = {"thing": "snow", "label": "w"}
    task = task_class(write(tmp_path, sample=sample, metrics=["macro_f1"], shots=[4, 0, 4], labels=["w", "b"]))(2)
    assert isinstance(task, FewShotTask)
    example = task.example({"thing": "coal ", "label": "b"})
    assert (example.prompt, example.choices, example.gold) == ("coal is", (" white", " black"), 1)
    assert (task.metrics, task.shots, task.__doc__) == (("macro_f1",), (0, 4), "Colour of a thing.")
    assert task.text_fields() == ("thing",)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kind": None}, "kind: Field required"),
        ({"version": None}, "version: Field required"),
        ({"sample": None}, "sample: Field required"),
        ({"templates": None}, "templates: Field required"),
        ({"templates": GOOD["templates"][:1]}, "1 templates. Write at least 2"),
        ({"template": []}, "unknown key 'template'. Did you mean 'templates'"),
        ({"kind": "color"}, "kind 'color' is not the file's name. Write kind: colour"),
        ({"version": 0}, "version: Input should be greater"),
        ({"sample": {"thing": "snow"}}, "its sample makes no example: no gold answer"),
        ({"sample": {"label": 0}}, "its sample makes no example: no field 'thing'"),
        ({"sample": {"thing": "snow", "label": 2}}, "label 2 is none of the choices' numbers 0 to 1"),
        ({"labels": ["white"]}, "1 labels for 2 choices"),
        ({"labels": ["white", "black"]}, "label 0 is not among the labels white, black"),
        (
            {"metrics": ["exact_match"]},
            "unknown metric of such a task 'exact_match'. Known: accuracy, f1_positive, ",
        ),
        ({"templates": changed(query=None)}, "templates.0.query: Field required"),
        ({"templates": changed(qery="x")}, "in templates.0: unknown key 'qery'. Did you mean 'query'?"),
        ({"templates": changed(query="colour?")}, "template 1: the query 'colour?' names no field"),
        ({"templates": changed(query="{}")}, "has a field called ''"),
        ({"templates": changed(query="{thing")}, "Write fields as {name}"),
        ({"templates": changed(choices=None)}, "template 1: needs choices or an answer"),
        ({"templates": changed(answer="x")}, "template 1: needs choices or an answer, one of the two"),
        ({"templates": changed(choices=[" white", " "])}, "template 1: an empty answer"),
        ({"templates": changed(choices=[" white", " white"])}, "Give at least two that differ"),
        ({"templates": changed(choices=[" white"])}, "Give at least two that differ"),
        ({"templates": changed(choices=[" a", " b", " c"])}, "its templates differ in their choices"),
        ({"templates": changed(separator="")}, "template 1: the separator is empty"),
    ],
)
def test_a_file_with_a_mistake_is_refused_with_its_name_and_what_to_do(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    path = write(tmp_path, **changes)
    with pytest.raises(ConfigError, match="^" + path) as refused:
        read_task(path)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        task_class(str(tmp_path / "none.yaml"))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("version = 1\n    sample = {'a': 'b', 'label': 0}", "no templates. Write at least 2"),
        ("sample = {'a': 'b', 'label': 0}", "no version"),
        ("version = 1", "no sample"),
        ("version = 1\n    sample = {'a': 'b'}\n    def example(self, row): ...", "example() is not for overriding"),
    ],
)
def test_a_class_that_lacks_a_part_is_refused_with_its_name(body: str, told: str) -> None:
    source = f"from ablations.prompts.tasks.base import FewShotTask\nclass Mine(FewShotTask):\n    kind = 'mine'\n    {body}\n"
    with pytest.raises(ConfigError) as refused:
        task_class("mine", [Plugin("mine.py", source)])
    assert str(refused.value).startswith("task mine: ")
    assert told in str(refused.value)


def test_two_tasks_of_one_name_are_refused(tmp_path: Path) -> None:
    plugin = Plugin(
        "p.py", "from ablations.prompts.tasks.base import FewShotTask\nclass Nsmc(FewShotTask):\n    kind = 'nsmc'\n"
    )
    with pytest.raises(ConfigError, match="two tasks are called 'nsmc'"):
        task_class("nsmc", [plugin])
    copied = tmp_path / "nsmc.yaml"
    copied.write_text(json.dumps({**GOOD, "kind": "nsmc"}), encoding="utf8")
    with pytest.raises(ConfigError, match=r"nsmc.yaml: another task is called 'nsmc'"):
        task_class(str(copied))


def test_an_unknown_task_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown task 'nmsc'. Did you mean 'nsmc'"):
        task_class("nmsc")
    with pytest.raises(ConfigError, match=r"task nsmc: no template 3. Give 1 to 2"):
        task_class("nsmc")(3)


def test_help_lists_tasks_of_both_sorts_with_what_they_ask() -> None:
    shown = " ".join(CliRunner().invoke(loam, ["study", "--help"]).output.split())
    for name in (
        "nsmc Sentiment of a Korean film review",
        "kobest_copa The likelier of two causes",
        "korquad The answer",
    ):
        assert name in shown
    assert {"control_map", "nsmc", "korquad"} <= set(TASKS.catalogue())
    assert all(name == cls.kind for name, cls in classes().items())


def test_listing_tasks_imports_neither_torch_nor_yaml() -> None:
    """`loam --help` would wait for them."""
    code = (
        "import sys; from ablations.prompts.tasks.registry import TASKS; TASKS.catalogue(); "
        "print({'torch', 'yaml', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
