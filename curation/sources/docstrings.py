"""Reference documentation from a module's docstrings, as one document."""

from __future__ import annotations

import ast
import inspect
import warnings
from collections.abc import Iterator

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def reference(code: str, origin: str) -> str:
    """A heading with the signature and the docstring of every documented object of a module; "" if there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's invalid escapes
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    name = origin.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return "\n\n".join(_entries(tree, name))


def _entries(node: Documented, name: str) -> Iterator[str]:
    text = ast.get_docstring(node, clean=False)
    if text and text.strip():
        yield f"{name}{_signature(node)}\n\n{inspect.cleandoc(text)}"
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _entries(child, f"{name}.{child.name}" if isinstance(node, ast.ClassDef) else child.name)


def _signature(node: Documented) -> str:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return f"({', '.join(_arguments(node.args))})"
    return ""


def _arguments(arguments: ast.arguments) -> Iterator[str]:
    yield from (argument.arg for argument in (*arguments.posonlyargs, *arguments.args))
    if arguments.vararg:
        yield f"*{arguments.vararg.arg}"
    yield from (argument.arg for argument in arguments.kwonlyargs)
    if arguments.kwarg:
        yield f"**{arguments.kwarg.arg}"
