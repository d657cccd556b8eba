"""Where our modules can turn data into running code, and why each such place may."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "curation/runtime/registry.py: exec": "plugin files that a config or --plugin names, here and in a run's workers",
    "curation/runtime/registry.py: compile": "the same",
    "curation/runtime/registry.py: types.ModuleType": "the same",
    "curation/runtime/registry.py: importlib.import_module": "modules of our own packages, by the files that lie there",
    "curation/runtime/registry.py: importlib.metadata.entry_points": "what is installed beside us",
    "curation/runtime/config.py: yaml.load": "with a subclass of SafeLoader, which makes plain values alone",
    "curation/models/lmplz.py: subprocess": "KenLM's lmplz, a program of the user's",
    "curation/runtime/cluster/knock.py: importlib.import_module": "ray._raylet, by its name",
    "curation/runtime/cluster/joining.py: subprocess": "one Python that runs knock.py",
    "curation/runtime/cluster/interruption.py: ctypes.CDLL": "the C library of this process, for prctl",
    "ablations/cli.py: importlib.import_module": "the commands of the lower floors, from a table in the file",
    "ablations/core/training/checkpoint.py: torch.load": "with weights_only, which makes tensors and plain values alone",
    "ablations/elsewhere/runner/parallel.py: subprocess": "one Python for each cell of a pack that the user runs",
}
MODULES = {
    "pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "runpy", "code", "codeop", "imp", "zipimport",
    "subprocess", "multiprocessing", "pty",
}  # fmt: skip
"""Whose mere use is told."""
NAMES = {
    "exec", "eval", "compile", "__import__", "builtins.exec", "builtins.eval", "builtins.compile", "builtins.__import__",
    "importlib.import_module", "importlib.__import__", "importlib.reload", "importlib.metadata.entry_points",
    "importlib.util.spec_from_file_location", "importlib.util.module_from_spec", "types.ModuleType", "types.FunctionType",
    "torch.load", "torch.jit.load", "torch.hub.load", "numpy.load", "pandas.read_pickle", "pandas.eval",
    "yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.unsafe_load_all", "yaml.full_load", "yaml.full_load_all",
    "os.system", "os.popen", "os.startfile", "ctypes.CDLL", "ctypes.cdll",
}  # fmt: skip
PREFIXES = ("importlib.machinery.", "os.exec", "os.spawn", "os.posix_spawn")


def told(source: str) -> Iterator[str]:
    """Names of `NAMES` and `MODULES` that a module uses, by whatever name it calls them."""
    tree = ast.parse(source)
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                known[name.asname or name.name.split(".")[0]] = name.name if name.asname else name.name.split(".")[0]
                yield from (part for part in [name.name.split(".")[0]] if part in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                known[name.asname or name.name] = f"{node.module}.{name.name}"
            yield from (part for part in [node.module.split(".")[0]] if part in MODULES)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            dotted = ast.unparse(node)
            first, dot, rest = dotted.partition(".")
            whole = f"{known.get(first, first)}{dot}{rest}"
            if whole in NAMES or whole.startswith(PREFIXES):
                yield whole


def in_our_modules() -> set[str]:
    return {
        f"{path.relative_to(ROOT).as_posix()}: {name}"
        for room in ("curation", "tokenizer", "ablations")
        for path in sorted((ROOT / room).rglob("*.py"))
        for name in told(path.read_text(encoding="utf8"))
    }


def test_no_module_can_run_what_it_reads_but_those_with_a_reason() -> None:
    """Output folders, packs and reports go from hand to hand: one careless load makes each of them a program.

    A new place needs a line in ALLOWED that says why nothing of another's runs there.
    """
    assert in_our_modules() - set(ALLOWED) == set()


def test_no_reason_outlives_its_place() -> None:
    assert set(ALLOWED) - in_our_modules() == set()


def test_yaml_and_checkpoints_are_loaded_without_classes_of_their_own() -> None:
    """The reasons above rest on these two words."""
    config = (ROOT / "curation" / "runtime" / "config.py").read_text(encoding="utf8")
    loads = [n for n in ast.walk(ast.parse(config)) if isinstance(n, ast.Call) and ast.unparse(n.func) == "yaml.load"]
    assert loads
    assert all(ast.unparse(n.keywords[0].value) == "_StrictLoader" for n in loads)
    assert "class _StrictLoader(yaml.SafeLoader):" in config
    for path in (ROOT / "ablations" / "core").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                assert {k.arg: ast.unparse(k.value) for k in node.keywords}["weights_only"] == "True", path.name


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("exec(text)", "exec"),
        ("run = eval", "eval"),
        ("compile(text, '', 'exec')", "compile"),
        ("import pickle", "pickle"),
        ("from pickle import loads as read", "pickle"),
        ("import torch as t\nt.load(path)", "torch.load"),
        ("from torch import load\nload(path, weights_only=False)", "torch.load"),
        ("import numpy as np\nnp.load(path, allow_pickle=True)", "numpy.load"),
        ("import yaml\nyaml.load(text, Loader=yaml.Loader)", "yaml.load"),
        ("from yaml import unsafe_load", None),
        ("from yaml import unsafe_load\nunsafe_load(text)", "yaml.unsafe_load"),
        ("import importlib.util\nimportlib.util.spec_from_file_location('a', path)", "importlib.util.spec_from_file_location"),
        ("from importlib import util as u\nu.spec_from_file_location('a', p)", "importlib.util.spec_from_file_location"),
        ("def f():\n    import marshal\n    marshal.loads(b)", "marshal"),
        ("import os\nos.system(text)", "os.system"),
        ("import re\nre.compile(text)", None),
        ("import yaml\nyaml.safe_load(text)", None),
    ],
)  # fmt: skip
def test_the_search_sees_what_it_is_for(source: str, name: str | None) -> None:
    assert set(told(source)) == ({name} if name else set())
