"""A digest of the code that a result depends on: what a definition uses, and what that uses, found by following names.

Read from the source as syntax trees, so nothing is imported, and what cannot change a byte does not count: docstrings, comments,
annotations, line numbers, the names of modules and the order of definitions. A function that moves to another file, or a sentence
that is made clearer, changes no result; another default, constant or line of a function does. Of other
distributions only the name of what is used counts: their versions are recorded elsewhere.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

PACKAGES = ("ablations", "curation", "tokenizer")
Place = tuple[str, str]  # a module, and a definition in it; "" is what the module does when it is imported
TRAINING: tuple[Place, ...] = (  # the entry points of a training; everything else follows from these
    ("ablations.core.training.loop", "run_steps"),
    ("ablations.core.training.training", "Training"),
    ("ablations.core.data.training_windows", "training_windows"),
    ("ablations.core.spec.training_spec", "TrainingSpec"),
    ("ablations.core.training.weights", "save_weights"),
    ("ablations.core.cell", "prepare"),
)
MEASURING: tuple[Place, ...] = (  # besides the metric itself
    ("ablations.core.measuring", "measure"),
    ("ablations.core.training.weights", "Trained"),
    ("ablations.core.data.evaluation_data", "EvaluationData"),
    ("ablations.core.cell", "prepare"),
)


def training_code(members: Iterable[Place], others: Sequence[str] = ()) -> str:
    """Of the code that determines a cell's weights.

    Args:
        members: its optimizer, its schedule and the parts of its model, and what their plugins take of ours.
        others: what identifies members that are not ours: the hash of a plugin, name and version of a distribution.
    """
    return digest_of((*TRAINING, *members), others)


def metric_code(module: str, name: str, parts: Iterable[Place] = (), others: Sequence[str] = ()) -> str:
    """Of the code that determines the numbers of a metric: its class, and how it is given a model and data.

    Args:
        parts: of the model, and what their plugins take of ours.
        others: what identifies parts that are not ours.
    """
    return digest_of((*MEASURING, (module, name), *parts), others)


def digest_of(places: Iterable[Place], others: Sequence[str] = ()) -> str:
    """32 hex digits of the definitions at these places, of all that they use in our packages, and of other texts."""
    found = _Walk()
    for place in places:
        found.reach(*place)
    return hashlib.sha256("\n".join(sorted((*found.texts, *others))).encode()).hexdigest()[:32]


def imported_places(source: str) -> Iterator[Place]:
    """What a file that is not ours takes from elsewhere."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from _imported(node).values()


def definitions(places: Iterable[Place]) -> set[Place]:
    """The places that such a digest covers; for tests and for people."""
    found = _Walk()
    for place in places:
        found.reach(*place)
    return found.seen


@dataclass(eq=False)
class _Module:
    """A module's source by what it defines.

    Attributes:
        definitions: name -> the statements that give it its value.
        imports: name -> the module and definition that it refers to; of a module as a whole the definition is "".
        effects: statements that are neither, which run on import.
    """

    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, Place] = field(default_factory=dict)
    effects: list[ast.stmt] = field(default_factory=list)


@cache
def _module(name: str) -> _Module | None:
    """None of a module that is not ours."""
    path = _file(name)
    return None if path is None else _parsed(path.read_text(encoding="utf8"))


@cache
def _parsed(source: str) -> _Module:
    module = _Module()
    for node in _without_docstring(ast.parse(source).body):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module.imports |= _imported(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            module.definitions.setdefault(node.name, []).append(node)
        elif names := list(_assigned(node)):
            for each in names:
                module.definitions.setdefault(each, []).append(node)
        elif not _is_type_checking(node):
            module.effects.append(node)
    return module


def _file(name: str) -> Path | None:
    if name.split(".")[0] not in PACKAGES:
        return None
    root = importlib.util.find_spec(name.split(".")[0])
    for place in (root.submodule_search_locations or []) if root else []:
        path = Path(place, *name.split(".")[1:])
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file
    return None


def _imported(node: ast.Import | ast.ImportFrom) -> dict[str, Place]:
    if isinstance(node, ast.Import):
        return {
            (alias.asname or alias.name.split(".")[0]): (alias.name if alias.asname else alias.name.split(".")[0], "")
            for alias in node.names
        }
    found: dict[str, Place] = {}
    for alias in node.names:
        whole = f"{node.module}.{alias.name}"
        is_module = _file(whole) is not None
        found[alias.asname or alias.name] = (whole, "") if is_module else (str(node.module), alias.name)
    return found


def _assigned(node: ast.stmt) -> Iterator[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    for target in targets:
        yield from (each.id for each in ast.walk(target) if isinstance(each, ast.Name))


def _is_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


class _Walk:
    """Follows names from definition to definition."""

    def __init__(self) -> None:
        self.seen: set[Place] = set()
        self.texts: set[str] = set()

    def reach(self, module: str, name: str) -> None:
        source = _module(module)
        if source is None:
            self.texts.add(f"uses {module}.{name}".rstrip("."))
        elif name in source.definitions:
            self._add((module, name))
            self._add((module, ""))
        elif name in source.imports:
            self.reach(*source.imports[name])
        elif name:
            raise LookupError(f"{module} defines no {name}")
        else:
            for each in source.definitions:
                self.reach(module, each)

    def _add(self, place: Place) -> None:
        if place in self.seen:
            return
        self.seen.add(place)
        source = _module(place[0])
        assert source
        texts, used = _content(source, place)
        self.texts.update(texts)
        for each in used:
            self.reach(*each)


@cache
def _content(source: _Module, place: Place) -> tuple[Sequence[str], Sequence[Place]]:
    """The texts of a definition, and what it uses: looked at once a process, however many digests reach it."""
    module, name = place
    nodes = source.definitions[name] if name else source.effects
    return [_text(node) for node in nodes], list(
        dict.fromkeys(each for n in nodes for each in _used(n, module, source))
    )


def _used(node: ast.stmt, module: str, source: _Module) -> Iterator[Place]:
    local, below = dict(source.imports), list(_counted(node))
    for inner in below:
        if isinstance(inner, ast.Import | ast.ImportFrom):
            local |= _imported(inner)
    attributes = {id(each.value): each.attr for each in below if isinstance(each, ast.Attribute)}
    for each in below:
        if not isinstance(each, ast.Name):
            continue
        if each.id in source.definitions:
            yield module, each.id
        elif each.id in local:
            target, name = local[each.id]
            yield target, name or _member(target, attributes.get(id(each), ""))


def _member(module: str, attribute: str) -> str:
    """What is used of a module: an attribute that it defines; of a module of others, whatever is named."""
    source = _module(module)
    return attribute if source is None or attribute in source.definitions or attribute in source.imports else ""


def _counted(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below that can change a byte."""
    yield node
    for _, value in _fields(node):
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.AST):
                yield from _counted(each)


ANNOTATIONS: Mapping[type[ast.AST], frozenset[str]] = {
    ast.FunctionDef: frozenset({"returns", "type_comment", "type_params"}),
    ast.AsyncFunctionDef: frozenset({"returns", "type_comment", "type_params"}),
    ast.ClassDef: frozenset({"type_params"}),
    ast.arg: frozenset({"annotation", "type_comment"}),
    ast.AnnAssign: frozenset({"annotation", "simple"}),
    ast.Constant: frozenset({"kind"}),
    ast.Assign: frozenset({"type_comment"}),
}


def _fields(node: ast.AST) -> Iterator[tuple[str, object]]:
    left_out = ANNOTATIONS.get(type(node), frozenset())
    for name, value in ast.iter_fields(node):
        if name == "ctx" or name in left_out or value is None or value == []:
            continue
        if name == "body" and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            value = _without_docstring(value)
        yield name, value


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    is_text = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return body[1:] if is_text else body


def _text(node: object) -> str:
    """One text for one meaning, the same in every version of Python that we run on."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return ""  # what is imported counts where it is used
    if isinstance(node, ast.AST):
        inner = ",".join(f"{name}={_text(value)}" for name, value in _fields(node))
        return f"{type(node).__name__}({inner})"
    if isinstance(node, list):
        return f"[{','.join(filter(None, map(_text, node)))}]"
    return repr(node)
