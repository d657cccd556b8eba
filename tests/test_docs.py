"""What the documentation shows works as shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ablations import settings, study
from curation import recipe
from curation.annotators.base import REGISTRY, rows_of
from curation.runtime.registry import Plugin
from curation.text.batch import Batch

ROOT = Path(__file__).parent.parent


def block(file: str, language: str, holding: str) -> str:
    """The code block of a page that holds some words."""
    blocks = re.findall(rf"```{language}\n(.*?)```", (ROOT / file).read_text(encoding="utf8"), re.DOTALL)
    return next(text for text in blocks if holding in text)


def test_the_study_of_the_readme_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "my_study.yaml"
    path.write_text(block("README.md", "yaml", "arms:"), encoding="utf8")
    loaded, its_recipe = settings.load(str(path))
    study.check(loaded, its_recipe)
    assert list(loaded.arms) == ["forum", "encyclopedia", "both", "both_half"]
    assert its_recipe.built_sources["forum"].kind == "files"


def test_the_recipe_of_the_walk_is_valid() -> None:
    loaded = recipe.from_mapping(yaml.safe_load(block("docs/walk.md", "yaml", "sources:")), "recipe.yaml")
    assert [pass_.name for pass_ in loaded.passes] == ["clean", "select"]


def test_the_annotator_of_contributing_is_one_file() -> None:
    plugin = Plugin("capital_share.py", block("CONTRIBUTING.md", "python", "class CapitalShare"))
    annotator = REGISTRY.get("capital_share", [plugin])()
    scores = annotator.score(Batch.of(annotator.examples))
    assert list(rows_of(annotator, scores)) == [pytest.approx(row) for row in annotator.examples.values()]


@pytest.mark.parametrize("path", sorted((ROOT / "configs").rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_config_is_valid(path: Path) -> None:
    value = yaml.safe_load(path.read_text(encoding="utf8"))
    if path.parent.name == "presets":
        value = {"passes": [_pass_with_preset(path.stem, value["keep"])]}
    if path.stem == "queries":
        assert all(value.values()), "each task names its fields"
    elif "seeds" in value or "arms" in value and "documents" not in value:
        loaded, its_recipe = settings.load(str(path))
        study.check(loaded, its_recipe)
    elif path.stem == "controls":
        settings.ControlSettings.model_validate(value)
    else:
        value, where = recipe.with_base({"sources": {"x": {"kind": "files", "path": "x"}}, **value}, str(path))
        recipe.from_mapping(value, where)


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
