"""The digest of the code that a result depends on: what changes no byte changes no digest, and an edit of what is used does.

All of it on copies of the source tree.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from ablations.cells import code_digest
from ablations.cells.code_digest import MEASURING, PACKAGES, TRAINING, Place, definitions, metric_code, training_code
from ablations.core.metrics.registry import METRICS
from ablations.core.training.optimizers.registry import OPTIMIZERS
from ablations.core.training.schedules.registry import SCHEDULES

ROOT = Path(__file__).parents[3]
MEMBERS = {  # optimizers and schedules; a training uses one of each, and its digest is that of those two
    name: place
    for registry in (OPTIMIZERS, SCHEDULES)
    for name, place in registry.places().items()
    if isinstance(place, tuple)
}
USED = sorted(place for place in definitions((*TRAINING, *MEMBERS.values())) if place[1])
METRIC_PLACES = {name: place for name, place in METRICS.places().items() if isinstance(place, tuple)}


def digests() -> dict[str, str]:
    """Of a training with every member, of one with each alone, and of each metric."""
    found = {"training": training_code(MEMBERS.values())}
    found |= {name: training_code([place]) for name, place in MEMBERS.items()}
    return found | {name: metric_code(*place) for name, place in METRIC_PLACES.items()}


def read_again() -> None:
    """Files are; what was parsed of a text stands, so only for edits that name nothing else."""
    code_digest._module.cache_clear()


def forget() -> None:
    """Whatever was read once for the process is read and parsed again."""
    for kept in vars(code_digest).values():
        if hasattr(kept, "cache_clear") and kept.__module__ == code_digest.__name__:
            kept.cache_clear()


class Tree:
    """A copy of our packages, whose digests are asked for in this process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for package in PACKAGES:
            ignored = shutil.ignore_patterns("__pycache__", "templates")
            shutil.copytree(ROOT / package, root / package, ignore=ignored)
        self._originals = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in self._files()}

    def file(self, module: str) -> Path | None:
        path = self.root.joinpath(*module.split("."))
        found = [file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()]
        return found[0] if found and module.split(".")[0] in PACKAGES else None

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text(encoding="utf8")
        assert text.count(old) >= 1, f"{path} no longer holds {old!r}"
        (self.root / path).write_text(text.replace(old, new, 1), encoding="utf8")

    def rewrite(self, module: str, change: Callable[[ast.Module], ast.Module]) -> None:
        path = self.file(module)
        assert path
        tree = change(ast.parse(path.read_text(encoding="utf8")))
        path.write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf8")

    def _files(self) -> list[Path]:
        return [path for path in self.root.rglob("*") if path.is_file()]

    def undo(self) -> None:
        """Every file is again what it was when it was copied."""
        for path in set(self._files()) - self._originals.keys():
            path.unlink()
        for path, (content, mtime) in self._originals.items():
            if not path.exists() or path.stat().st_mtime_ns != mtime:
                path.write_bytes(content)
                os.utime(path, ns=(mtime, mtime))

    def digests(self) -> dict[str, str]:
        """Of what stands in the copy now."""
        forget()
        return digests()


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return Tree(tmp_path_factory.mktemp("code"))


@pytest.fixture
def same_names(pristine: Tree, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tree]:
    """One copy for all tests, for edits that name nothing else; what a test did to it is undone."""
    monkeypatch.setattr(code_digest, "_file", pristine.file)
    yield pristine
    pristine.undo()
    read_again()


@pytest.fixture
def tree(same_names: Tree) -> Iterator[Tree]:
    """The same copy, for any edit."""
    forget()
    yield same_names
    forget()


@pytest.fixture(scope="session")
def expected() -> dict[str, str]:
    """Digests of the tree as it is."""
    return digests()


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


def test_a_copy_has_the_digests_of_what_it_is_a_copy_of(tree: Tree, expected: dict[str, str]) -> None:
    """Wherever loam is installed, the same code has the same digest."""
    assert tree.digests() == expected
    assert len(set(expected.values())) == len(expected) > 5


def test_an_installation_elsewhere_says_the_same_in_a_process_of_its_own(
    tmp_path: Path, expected: dict[str, str]
) -> None:
    made = Tree(tmp_path / "code")
    asked = (
        "import json; from ablations.cells import code_digest as c; "
        f"print(json.dumps([c.__file__, c.training_code({list(MEMBERS.values())})]))"
    )

    def told() -> list[str]:
        environment = {**os.environ, "PYTHONPATH": str(made.root), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-c", asked]
        ended = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=tmp_path)
        return list(json.loads(ended.stdout))

    assert told() == [str(made.root / "ablations/cells/code_digest.py"), expected["training"]]
    made.edit("ablations/core/training/optimizers/muon.py", "    def steppers", "    # a comment\n    def steppers")
    assert told()[1] == expected["training"]
    made.edit("ablations/core/spec/training_spec.py", "evaluations: int = 12", "evaluations: int = 13")
    assert told()[1] != expected["training"]


class Docstrings(ast.NodeTransformer):
    """Other words in every docstring."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return node

    def _other(self, node: ast.Module | ast.ClassDef | ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        if ast.get_docstring(node) is not None:
            node.body[0] = ast.Expr(ast.Constant("Other words."))
        elif not isinstance(node, ast.Module):
            node.body.insert(0, ast.Expr(ast.Constant("A docstring that was missing.")))
        return node

    visit_Module = visit_ClassDef = visit_FunctionDef = _other


class Annotations(ast.NodeTransformer):
    """Other types in every annotation."""

    other = staticmethod(partial(ast.Name, "object"))

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = self.other() if node.annotation is None else None
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return node  # has none

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        node.annotation = self.other()
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns = self.other() if node.returns is None else None
        return node


def same(tree: ast.Module) -> ast.Module:
    """What is left of a file when it was parsed: no comments, other lines."""
    return tree


def reversed_definitions(tree: ast.Module) -> ast.Module:
    """Functions and classes the other way round, behind everything else."""
    named = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    tree.body = [*(node for node in tree.body if node not in named), *named[::-1]]
    return tree


def moved_imports(tree: ast.Module) -> ast.Module:
    """The same imports in another order."""
    of_future = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
    imports = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom) and n not in of_future]
    docstring, *rest = [node for node in tree.body if node not in [*of_future, *imports]]
    tree.body = [docstring, *of_future, *imports[::-1], *rest]
    return tree


NEUTRAL: dict[str, Callable[[ast.Module], ast.Module]] = {
    "comments and lines": same,
    "docstrings": lambda tree: Docstrings().visit(tree),
    "annotations": lambda tree: Annotations().visit(tree),
    "order of definitions": reversed_definitions,
    "order of imports": moved_imports,
}


@pytest.mark.parametrize("change", NEUTRAL.values(), ids=NEUTRAL)
def test_what_cannot_change_a_byte_changes_no_digest(
    tree: Tree, expected: dict[str, str], change: Callable[[ast.Module], ast.Module]
) -> None:
    """In every module that a training or a metric uses. If this fails, a clearer sentence trains every study again."""
    places = definitions((*TRAINING, *MEMBERS.values(), *MEASURING, *METRIC_PLACES.values()))
    for module in {module for module, _ in places}:
        tree.rewrite(module, change)
    assert tree.digests() == expected


class Numbers(ast.NodeTransformer):
    """The last number of a definition is another one."""

    def __init__(self) -> None:
        self.last: ast.Constant | None = None

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, int | float):
            self.last = node
        return node


def mutated(tree: ast.Module, name: str) -> ast.Module:
    """Another number in a definition; where it has none, a further statement in it, or a value around its value."""
    (node, *_) = [node for node in tree.body if name in _names(node)]
    numbers = Numbers()
    for part in node.body if isinstance(node, ast.FunctionDef | ast.ClassDef) else [node]:
        if not isinstance(part, ast.AnnAssign) or part.value:
            numbers.visit(part)
    if numbers.last is not None:
        numbers.last.value = numbers.last.value + 1 if type(numbers.last.value) is not bool else not numbers.last.value  # type: ignore[operator]
    elif isinstance(node, ast.FunctionDef | ast.ClassDef):
        node.body.append(ast.parse("print").body[0])
    else:
        assert isinstance(node, ast.Assign | ast.AnnAssign)
        node.value = ast.Tuple([node.value or ast.Constant(None)], ast.Load())
    return tree


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    return list(code_digest._assigned(node))


@pytest.mark.parametrize("place", USED, ids=".".join)
def test_an_edit_of_anything_that_a_training_uses_is_another_training(
    same_names: Tree, expected: dict[str, str], place: Place
) -> None:
    """If this fails, weights of before an edit pass for those of after it."""
    same_names.rewrite(place[0], lambda parsed: mutated(parsed, place[1]))
    read_again()
    assert training_code(MEMBERS.values()) != expected["training"]


EDITS = {  # file -> before and after
    "a default": ("ablations/core/training/optimizers/adamw.py", "beta2: float = 0.95", "beta2: float = 0.99"),
    "a default of the measuring": ("ablations/core/spec/training_spec.py", "threads: int = 1", "threads: int = 2"),
    "model": ("ablations/core/model/model.py", "std = EMBEDDING_STD /", "std = EMBEDDING_STD *"),
    "optimizer": (
        "ablations/core/training/torch_optimizers/batched_muon.py",
        "NEWTON_SCHULZ_STEPS = ",
        "NEWTON_SCHULZ_STEPS = 1 + ",
    ),
    "data": ("ablations/core/data/packing.py", "wanted - len(piece)", "wanted + len(piece)"),
    "loop": ("ablations/core/training/loop.py", ">=", ">"),
    "order of two statements": (
        "ablations/core/training/training.py",
        "            optimizer.step()\n        self._zero_grad()",
        "            self._zero_grad()\n        optimizer.step()",
    ),
    "a decorator": (
        "ablations/core/spec/training_spec.py",
        "    @property\n    def steps",
        "    @staticmethod\n    def steps",
    ),
    "a base class": (
        "ablations/core/training/torch_optimizers/batched_muon.py",
        "class BatchedMuon(",
        "class BatchedMuon(dict, ",
    ),
    "a keyword": ("ablations/core/model/cache.py", "attn_mask=mask_B1TS", "attn_mask=None"),
    "an imported function of others": ("ablations/core/training/training.py", "isfinite", "isnan"),
}


@pytest.mark.parametrize(("path", "old", "new"), EDITS.values(), ids=EDITS)
def test_edits_as_they_happen_make_another_training(
    tree: Tree, expected: dict[str, str], path: str, old: str, new: str
) -> None:
    tree.edit(path, old, new)
    assert "training" in changed(expected, tree.digests())


def test_a_function_that_moves_to_another_file_leaves_every_result_what_it_is(
    tree: Tree, expected: dict[str, str]
) -> None:
    """Tidying up must not cost a sweep."""
    path = tree.root / "ablations/core/training/optimizers/base.py"
    parsed = ast.parse(path.read_text(encoding="utf8"))
    (moved,) = [n for n in parsed.body if isinstance(n, ast.FunctionDef) and n.name == "hidden_and_others"]
    imports = [n for n in parsed.body if isinstance(n, ast.Import | ast.ImportFrom)]
    (tree.root / "ablations/core/splitting.py").write_text(
        "\n".join(map(ast.unparse, [*imports, moved])), encoding="utf8"
    )
    parsed.body.remove(moved)
    parsed.body.insert(len(imports) + 1, ast.parse("from ablations.core.splitting import hidden_and_others").body[0])
    path.write_text(ast.unparse(parsed), encoding="utf8")
    assert tree.digests() == expected


def test_a_renamed_module_leaves_every_result_what_it_is(tree: Tree, expected: dict[str, str]) -> None:
    (tree.root / "ablations/core/training/torch_optimizers/batched_muon.py").rename(
        tree.root / "ablations/core/momentum.py"
    )
    for path in (tree.root / "ablations/core/training").rglob("*.py"):
        text = path.read_text(encoding="utf8")
        path.write_text(
            text.replace("ablations.core.training.torch_optimizers.batched_muon", "ablations.core.momentum"),
            encoding="utf8",
        )
    assert tree.digests() == expected


@pytest.mark.parametrize("member", MEMBERS)
def test_an_edited_optimizer_or_schedule_trains_the_cells_that_use_it_again_and_no_others(
    same_names: Tree, expected: dict[str, str], member: str
) -> None:
    """If this fails, a better schedule for one study costs every other study its weights."""
    module, name = MEMBERS[member]
    same_names.rewrite(module, lambda parsed: mutated(parsed, name))
    read_again()
    assert changed(expected, digests()) == {"training", member}


def test_muon_in_float32_is_no_other_trainings_business(tree: Tree, expected: dict[str, str]) -> None:
    for path in ("optimizers/muon_float32.py", "torch_optimizers/batched_muon.py"):
        (tree.root / "ablations/core/training" / path).write_text("raise SystemExit\n", encoding="utf8")
        forget()
        for member in MEMBERS.keys() - {"muon_float32"}:
            assert training_code([MEMBERS[member]]) == expected[member]


@pytest.mark.parametrize("metric", METRIC_PLACES)
def test_an_edited_metric_is_measured_again_alone(same_names: Tree, expected: dict[str, str], metric: str) -> None:
    """With those that use its class, and without any training."""
    module, name = place = METRIC_PLACES[metric]
    same_names.rewrite(module, lambda parsed: mutated(parsed, name))
    read_again()
    using = {other for other, at in METRIC_PLACES.items() if place in definitions((*MEASURING, at))}
    assert metric in using
    assert changed(expected, digests()) == using


def test_most_metrics_use_no_other(expected: dict[str, str]) -> None:
    """Else the test before says little."""
    of = {metric: definitions((*MEASURING, place)) for metric, place in METRIC_PLACES.items()}
    alone = [metric for metric, place in METRIC_PLACES.items() if sum(place in found for found in of.values()) == 1]
    assert len(alone) >= len(METRIC_PLACES) - 2


def test_what_nothing_uses_changes_nothing(tree: Tree, expected: dict[str, str]) -> None:
    """Every file that neither a training nor a metric reaches is another one, and each folder of members has a new one."""
    places = definitions((*TRAINING, *MEMBERS.values(), *MEASURING, *METRIC_PLACES.values()))
    used = {tree.file(module) for module, _ in places}
    others = [path for path in tree.root.rglob("*.py") if path not in used and path.name != "__init__.py"]
    assert len(others) > 150
    for path in others:
        path.write_text('"""Another one."""\n\nraise SystemExit("it ran")\n', encoding="utf8")
    for folder in {path.parent for path in others}:
        (folder / "newcomer.py").write_text("class Newcomer:\n    kind = 'newcomer'\n", encoding="utf8")
        (folder / "newcomer.yaml").write_text("kind: newcomer\n", encoding="utf8")
    assert tree.digests() == expected


def test_a_new_function_in_a_used_module_changes_nothing(tree: Tree, expected: dict[str, str]) -> None:
    """Only what is used counts, not the file that it stands in."""
    for module in {module for module, _ in USED}:
        path = tree.file(module)
        assert path
        path.write_text(path.read_text(encoding="utf8") + "\n\ndef newcomer():\n    return 1\n", encoding="utf8")
    assert tree.digests() == expected


def test_what_a_used_module_does_when_it_is_imported_counts(tree: Tree, expected: dict[str, str]) -> None:
    path = tree.root / "ablations/core/model/model.py"
    path.write_text(path.read_text(encoding="utf8") + "\ntorch.manual_seed(1)\n", encoding="utf8")
    assert "training" in changed(expected, tree.digests())


def test_a_name_that_is_gone_is_our_mistake_and_said(tree: Tree) -> None:
    with pytest.raises(LookupError, match=r"ablations\.core\.training\.loop defines no walk"):
        code_digest.digest_of([("ablations.core.training.loop", "walk")])
