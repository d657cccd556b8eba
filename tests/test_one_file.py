"""Adding a member is adding one file: each is put where it belongs, or named as a plugin, and nothing else is touched."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from contributing import ROOT, contributed

from ablations.claims.registry import CLAIMS
from ablations.cli import loam
from ablations.core.metrics.registry import METRICS
from ablations.core.model.activations.registry import ACTIVATIONS
from ablations.core.model.masks.registry import MASKS
from ablations.core.model.norms.registry import NORMS
from ablations.core.model.positions.registry import POSITIONS
from ablations.core.training.optimizers.registry import OPTIMIZERS
from ablations.core.training.schedules.registry import SCHEDULES
from ablations.evidence.design.registry import DESIGN_CHECKS
from ablations.prompts.orders.registry import ORDERS
from ablations.prompts.selections.registry import SELECTIONS
from ablations.prompts.tasks.registry import TASKS
from ablations.readings.label_metrics.registry import LABEL_METRICS
from ablations.readings.text_metrics.registry import TEXT_METRICS
from ablations.settings.nuisances.registry import NUISANCES
from curation.annotators.registry import ANNOTATORS
from curation.pii.registry import ENTITIES
from curation.runtime.registry import Plugin, Registry, snake_case
from curation.sources.registry import SOURCES
from curation.transforms.registry import TRANSFORMS

pytestmark = pytest.mark.end_to_end  # runs of pytest

MEMBERS: dict[str, Registry[Any]] = {
    "CapitalShare": ANNOTATORS,
    "MacAddress": ENTITIES,
    "Sayings": SOURCES,
    "ShuffleWords": TRANSFORMS,
    "WordInSentence": TASKS,
    "SettledTokens": METRICS,
    "BalancedAccuracy": LABEL_METRICS,
    "Contains": TEXT_METRICS,
    "Farthest": SELECTIONS,
    "SimilarFirst": ORDERS,
    "BeatsConstant": CLAIMS,
    "SignedMomentum": OPTIMIZERS,
    "InverseRoot": SCHEDULES,
    "Sinusoidal": POSITIONS,
    "Plain": NORMS,
    "Silu": ACTIVATIONS,
    "HalfPrefix": MASKS,
    "NoCurve": DESIGN_CHECKS,
    "BatchSize": NUISANCES,
}
"""Classes that CONTRIBUTING shows, and what finds them."""
PRAISE = """# Whether a sentence praises. Ours.
kind: praise
version: 1
sample: {text: "a fine day", label: 1}
templates:
  - {query: "{text}\\n", cue: "meant", choices: [" ill", " well"]}
  - {query: "{text}\\n", cue: "it is", choices: [" bad", " good"]}
"""
CONTRACTS = {
    "curation": (
        "curation/annotators/test_every_annotator.py", "curation/pii/test_every_entity.py",
        "curation/sources/test_files_source.py", "curation/transforms/test_transforms.py",
    ),
    "ablations": (
        "ablations/prompts/tasks/test_korean_tasks.py", "ablations/prompts/test_every_selection.py",
        "ablations/core/metrics/test_metrics.py", "ablations/readings/test_label_metrics.py",
        "ablations/readings/test_text_metrics.py", "ablations/readings/test_blind.py",
        "ablations/claims/test_every_claim.py", "ablations/core/training/test_optimizers.py",
        "ablations/core/training/test_schedules.py", "ablations/core/model/test_forward.py",
        "ablations/core/model/test_masks.py", "ablations/evidence/test_design_checks.py",
        "ablations/settings/test_variants.py",
    ),
}  # fmt: skip
"""Floor -> tests that hold for every member, whoever wrote it."""
every_member = pytest.mark.parametrize(("name", "registry"), MEMBERS.items(), ids=MEMBERS)


def dropped_in(folder: Path) -> dict[str, str]:
    """Copies of all members' packages, each with one file more; gives the environment that reads them."""
    for name, registry in MEMBERS.items():
        package = import_module(registry.package)
        copy = shutil.copytree(Path(*package.__path__), folder / registry.package)
        (Path(copy) / f"{snake_case(name)}.py").write_text(contributed(name), encoding="utf8")
    (folder / TASKS.package / "praise.yaml").write_text(PRAISE, encoding="utf8")
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests" / "support")))
    return {**os.environ, "DROPPED_IN": str(folder), "PYTHONPATH": paths}


def kinds_of(floor: str) -> list[str]:
    own = [snake_case(name) for name, registry in MEMBERS.items() if registry.package.startswith(f"{floor}.")]
    return [*own, "praise"] if TASKS.package.startswith(f"{floor}.") else own


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("floor", CONTRACTS)
def test_files_in_their_folders_pass_the_tests_that_hold_for_every_member(floor: str, tmp_path: Path) -> None:
    """If this fails, somewhere there is a list that a new member has to enter too."""
    kinds, files = kinds_of(floor), [str(ROOT / "tests" / path) for path in CONTRACTS[floor]]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "dropped_in", "-p", "no:cacheprovider", "-vv", "-k", " or ".join(kinds), *files],
        env=dropped_in(tmp_path / "packages"), cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    passed = re.findall(r"\[(.*)\] PASSED", done.stdout)
    assert [kind for kind in kinds if not any(kind in each for each in passed)] == []


def test_a_process_that_finds_a_file_in_its_folder_lists_it(tmp_path: Path) -> None:
    code = "import dropped_in; from ablations.cli import main; main()"
    env = dropped_in(tmp_path / "packages")
    for floor, command in (("curation", ["curate", "run"]), ("ablations", ["study"])):
        run = [sys.executable, "-c", code, *command, "--help"]
        shown = subprocess.run(run, env=env, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        assert set(kinds_of(floor)) <= set(re.findall(r"^  (\w+)", shown, re.MULTILINE))


@every_member
def test_a_plugin_is_found_by_name_and_only_where_it_is_named(
    name: str, registry: Registry[Any], tmp_path: Path
) -> None:
    path = tmp_path / "own.py"
    path.write_text(contributed(name), encoding="utf8")
    plugins = [Plugin.read(path)]
    assert registry.get(snake_case(name), plugins).__name__ == name
    assert registry.catalogue(plugins)[snake_case(name)], "help shows the first line of its docstring"
    assert snake_case(name) not in registry.classes()
    command = ["study", "x"] if registry.package.startswith("ablations") else ["curate", "run", "x"]
    shown = CliRunner().invoke(loam, [*command, "--plugin", str(path), "--help"]).output
    assert re.search(rf"^  {snake_case(name)}\b", shown, re.MULTILINE)


def test_every_registry_is_in_the_help_once() -> None:
    """What can be named in a config can be looked up; of a kind of member there is one registry."""
    packages = [registry.package for registry in MEMBERS.values()]
    defined = {
        ".".join(path.relative_to(ROOT).parts[:-1])
        for floor in ("curation", "tokenizer", "ablations")
        for path in (ROOT / floor).rglob("*.py")
        if re.search(r"^[A-Z_]+(: Registry\[.*\])? = \w*Registry\(", path.read_text(encoding="utf8"), re.MULTILINE)
    }
    assert defined == set(packages)
