"""Finds annotators, entities, tasks and metrics by looking into their folders: adding one is adding a file.

A member is a class with a class attribute `kind`, whose value is the class's name in snake_case; one that names `ABC` among its
bases is a base for others. Members come from three places: modules of the folder, installed entry points, and plugin files named
by a config. Only the standard library is used here, because cells (`ablations.core`) look up their metrics with it too.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import inspect
import re
import sys
from abc import ABC
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar, cast

from curation.runtime.errors import ConfigError, one_of

T = TypeVar("T")


@dataclass(frozen=True)
class Plugin:
    """A user's file with further members. Its text travels to the workers, so they need not see the same disk."""

    name: str
    source: str

    @property
    def digest(self) -> str:
        """Enters every fingerprint: an edited plugin is another computation."""
        return hashlib.sha256(self.source.encode()).hexdigest()

    @classmethod
    def read(cls, path: str | Path) -> Plugin:
        file = Path(path)
        try:
            return cls(file.name, file.read_text(encoding="utf8"))
        except OSError as error:
            raise ConfigError(f"plugin {path}: {error.strerror or error}. Give the path of a Python file.") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"plugin {path}: not UTF-8 text. Give the path of a Python file.") from error

    def module(self) -> ModuleType:
        """The plugin, executed once a process."""
        name = f"loam_plugin_{self.digest[:16]}"
        if name not in sys.modules:
            module = ModuleType(name)
            module.__file__ = self.name
            module.__dict__["__plugin_digest__"] = self.digest
            sys.modules[name] = module
            try:
                exec(compile(self.source, self.name, "exec"), module.__dict__)
            except Exception as error:
                del sys.modules[name]
                raise _unusable(self.name, error) from error
        return sys.modules[name]


def _unusable(name: str, error: Exception) -> ConfigError:
    message = " ".join(str(error).split()).rstrip(".")  # some messages have several lines
    return ConfigError(f"plugin {name}: {type(error).__name__}: {message}. Mend the file.")


def plugin_digest(cls: type[Any]) -> str:
    """Hash of the plugin file that defines a class; empty for classes of installed code, which have versions."""
    return str(getattr(sys.modules[cls.__module__], "__plugin_digest__", ""))


def snake_case(name: str) -> str:
    """`GopherWords` -> `gopher_words`; the one rule by which names come from classes."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


class Registry(Generic[T]):
    """All members of one sort.

    Args:
        package: the folder whose modules each define members, such as `curation.annotators`.
        base: name of the class they derive from, defined in `package.base`.
        group: entry points of installed distributions that offer more of them, such as `loam.annotators`.
        what: the word for one member in messages.
    """

    def __init__(self, package: str, base: str, group: str, what: str) -> None:
        self.package, self.base, self.group, self.what = package, base, group, what

    def classes(self, plugins: Sequence[Plugin] = ()) -> dict[str, type[T]]:
        """Name -> class, sorted by name. Two of one name are an error."""
        base = getattr(importlib.import_module(f"{self.package}.base"), self.base)
        classes: dict[str, type[T]] = {}
        for module in self._modules(plugins):
            for cls in vars(module).values():
                if not (inspect.isclass(cls) and issubclass(cls, base) and cls.__module__ == module.__name__):
                    continue
                if inspect.isabstract(cls) or ABC in cls.__bases__ or cls is base:
                    continue
                self._add(classes, cast(type[T], cls))
        return dict(sorted(classes.items()))

    def get(self, name: str, plugins: Sequence[Plugin] = ()) -> type[T]:
        known = self.classes(plugins)
        if name not in known:
            raise ConfigError(one_of(known, name, self.what))
        return known[name]

    def catalogue(self, plugins: Sequence[Plugin] = ()) -> dict[str, str]:
        """Name -> first line of its docstring, read without importing anything, so that `--help` stays quick."""
        lines: dict[str, str] = {}
        for name, source in self._sources(plugins):
            try:
                tree = ast.parse(source)
            except (SyntaxError, ValueError) as error:
                raise _unusable(name, error) from error
            for node in self._members_among(tree.body):
                text = ast.get_docstring(node) or ast.get_docstring(tree) or ""
                lines[snake_case(node.name)] = text.split("\n")[0]
        for point in _entry_points(self.group):
            lines.setdefault(point.name, f"from {point.value}")
        return dict(sorted(lines.items()))

    def versions(self, plugins: Sequence[Plugin] = ()) -> dict[str, str]:
        """Name -> everything that changes a member's results: its version, and its file's hash when it comes from a plugin.

        Read without importing, like `catalogue`; members of entry points have their distribution's version.
        """
        versions: dict[str, str] = {}
        for source, digest in ((s, "") for s in self._own_sources()):
            versions |= self._versions_in(source, digest)
        for plugin in plugins:
            versions |= self._versions_in(plugin.source, plugin.digest)
        for point in _entry_points(self.group):
            versions.setdefault(point.name, f"{point.value} {point.dist.version if point.dist else ''}")
        return dict(sorted(versions.items()))

    def places(self, plugins: Sequence[Plugin] = ()) -> dict[str, tuple[str, str] | str]:
        """Name -> module and class of our own members; of others the value of `versions`.

        Read without importing.
        """
        places: dict[str, tuple[str, str] | str] = dict(self.versions(plugins))
        for path in self._files():
            for node in self._members_among(ast.parse(path.read_text(encoding="utf8")).body):
                places[snake_case(node.name)] = f"{self.package}.{path.stem}", node.name
        return places

    def _members_among(self, statements: Sequence[ast.stmt]) -> Iterator[ast.ClassDef]:
        """Classes of this base, but for those that name `ABC` beside it: bases themselves."""
        for node in statements:
            if isinstance(node, ast.ClassDef):
                bases = {ast.unparse(each).split(".")[-1] for each in node.bases}
                if self.base in bases and "ABC" not in bases:
                    yield node

    def _versions_in(self, source: str, digest: str) -> dict[str, str]:
        members = self._members_among(ast.parse(source).body)
        return {snake_case(node.name): f"{_version_in(node)} {digest}".strip() for node in members}

    def _own_sources(self) -> Iterator[str]:
        for path in self._files():
            yield path.read_text(encoding="utf8")

    def _add(self, classes: dict[str, type[T]], cls: type[T]) -> None:
        name = snake_case(cls.__name__)
        if _kind_of(cls) != name:
            raise ConfigError(f"{cls.__module__}.{cls.__name__}: its kind is {_kind_of(cls)!r}. Write kind = {name!r}.")
        if name in classes and classes[name] is not cls:
            places = f"{classes[name].__module__} and {cls.__module__}"
            raise ConfigError(f"two {self.what}s are called {name!r}: {places}. Rename one of the classes.")
        classes[name] = cls

    def _modules(self, plugins: Sequence[Plugin]) -> Iterator[ModuleType]:
        for path in self._files():
            yield importlib.import_module(f"{self.package}.{path.stem}")
        for point in _entry_points(self.group):
            loaded = point.load()
            yield loaded if inspect.ismodule(loaded) else sys.modules[loaded.__module__]
        for plugin in plugins:
            yield plugin.module()

    def _sources(self, plugins: Sequence[Plugin]) -> Iterator[tuple[str, str]]:
        for path in self._files():
            yield path.name, path.read_text(encoding="utf8")
        for plugin in plugins:
            yield plugin.name, plugin.source

    def _files(self) -> list[Path]:
        folder = importlib.util.find_spec(self.package)
        assert folder is not None
        assert folder.submodule_search_locations
        paths = sorted(Path(folder.submodule_search_locations[0]).glob("*.py"))
        return [path for path in paths if path.stem not in {"__init__", "base", "registry"}]


def _version_in(node: ast.ClassDef) -> str:
    """The value given to `version` in a class body, as written."""
    for line in node.body:
        targets = (
            [line.target] if isinstance(line, ast.AnnAssign) else line.targets if isinstance(line, ast.Assign) else []
        )
        if any(isinstance(t, ast.Name) and t.id == "version" for t in targets):
            value = line.value  # type: ignore[attr-defined]
            return ast.unparse(value) if value is not None else ""
    return ""


@cache
def _entry_points(group: str) -> Any:
    """Read once a process: every look at them opens the metadata of all that is installed."""
    import importlib.metadata  # a tenth of a second that `loam --help` should not wait for

    return importlib.metadata.entry_points(group=group)


def _kind_of(cls: type[Any]) -> str:
    """`kind` of a plain class, or the default of a pydantic field of that name."""
    fields = getattr(cls, "model_fields", {})
    return fields["kind"].default if "kind" in fields else getattr(cls, "kind", "")
