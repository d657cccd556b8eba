"""What a user may write in a recipe: sources, and passes of annotators with a policy. Typed, frozen, unknown keys refused."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from curation.annotators.base import Annotator, AnnotatorSettings, make_all
from curation.policy import Policy
from curation.runtime.config import Config, build, read_yaml, with_settings
from curation.runtime.errors import ConfigError
from curation.runtime.registry import Plugin
from curation.shipped import find, resolve
from curation.sources.base import REGISTRY as SOURCES
from curation.sources.base import Source
from curation.text.normal import NormalForm

NAME = re.compile(r"[a-z0-9][a-z0-9_]*")


class Pass(Config):
    """One whole walk: annotators measure what comes in, the policy decides, curated shards go out."""

    name: str
    annotators: tuple[AnnotatorSettings, ...] = Field(min_length=1)
    policy: Policy = Policy()


class Recipe(Config):
    """Raw text to curated shards.

    Args:
        name: of the run; its pointer is `<out>/runs/<name>.json`.
        question: what the run is for, in the user's words.
        data_root: where relative paths of sources start; the current folder when left out.
        plugins: Python files with further annotators and entities, relative to the recipe's file.
        sources: by name, in order of priority: of exact duplicates the one in the earlier source is kept.
        passes: in order; the curated shards of one are the input of the next.
        normal_form: of documents as they come in; see `curation/text/normal.py`.
        shard_bytes: text of a shard, about.
        samples: removed documents kept for reading, for each shard and reason.
    """

    name: str
    question: str = ""
    data_root: str | None = None
    plugins: tuple[str, ...] = ()
    sources: dict[str, dict[str, Any]] = Field(min_length=1)
    passes: tuple[Pass, ...] = Field(min_length=1)
    normal_form: NormalForm = "nfc"
    shard_bytes: int = Field(default=64_000_000, ge=1_000)
    samples: int = Field(default=5, ge=0)
    folder: str = Field(default=".", exclude=True)  # of the recipe's file; never enters a fingerprint

    @field_validator("name")
    @classmethod
    def _named(cls, value: str) -> str:
        return check_name(value)

    @model_validator(mode="after")
    def _names_are_usable(self) -> Self:
        for name in (*self.sources, *(pass_.name for pass_ in self.passes)):
            check_name(name)
        files = [os.path.basename(path) for path in self.plugins]
        if twice := sorted({name for name in files if files.count(name) > 1 and len({*self.plugins}) > 1}):
            raise ValueError(f"plugins: two files are called {twice[0]!r}. Rename one of them.")
        names = [pass_.name for pass_ in self.passes]
        if len(set(names)) < len(names):
            raise ValueError(f"two passes have the same name in {', '.join(names)}. Rename one.")
        return self

    @cached_property
    def loaded_plugins(self) -> tuple[Plugin, ...]:
        return tuple(Plugin.read(Path(self.folder, path)) for path in self.plugins)

    @cached_property
    def built_sources(self) -> dict[str, Source]:
        """Sources by name, in order of priority."""
        return {name: make_source(name, settings, self.loaded_plugins) for name, settings in self.sources.items()}

    def annotators(self, pass_: Pass) -> dict[str, Annotator]:
        return make_all(pass_.annotators, self.loaded_plugins, f"pass {pass_.name}")

    @property
    def root(self) -> str:
        return self.data_root or os.getcwd()

    def check(self) -> None:
        """Build everything that the recipe names, so that a mistake shows before anything runs.

        Raises:
            ConfigError: the first mistake.
        """
        _ = self.built_sources
        for pass_ in self.passes:
            pass_.policy.check(self.annotators(pass_), list(self.sources), f"pass {pass_.name}")


def check_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"the name {name!r} is not usable in a path. Write lower-case letters, digits and _.")
    return name


def make_source(name: str, settings: Mapping[str, Any], plugins: Sequence[Plugin]) -> Source:
    kind = settings.get("kind")
    if not isinstance(kind, str):
        raise ConfigError(f"source {name}: no kind. Write kind: NAME; known: {', '.join(SOURCES.catalogue(plugins))}.")
    return build(SOURCES.get(kind, plugins), settings, f"source {name}")


def load(path: str, settings: Sequence[str] = (), plugins: Sequence[str] = ()) -> Recipe:
    """A recipe from its file, with `--set` and `--plugin` options applied, fully checked.

    Raises:
        ConfigError: says where, what was found, what to do.
    """
    path = resolve(path)
    return from_mapping(with_settings(read_yaml(path), settings), path, plugins)


def from_mapping(value: Mapping[str, Any], where: str, plugins: Sequence[str] = ()) -> Recipe:
    """A recipe from a mapping; `where` is the file it stands in."""
    value = {"name": stem(where), **with_default_passes(value), "folder": os.path.dirname(where) or "."}
    own = value.get("plugins") or ()
    own = (own,) if isinstance(own, str) else own
    value["plugins"] = (*own, *(os.path.abspath(path) for path in plugins))
    recipe = build(Recipe, value, where)
    recipe.check()
    return recipe


def stem(path: str) -> str:
    """A file's name as the name of a run."""
    return re.sub(r"[^a-z0-9]+", "_", Path(path).stem.lower()).strip("_") or "recipe"


def with_default_passes(value: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping of a recipe, with the passes of `configs/passes.yaml` when it names none."""
    return dict(value) if value.get("passes") else {**value, "passes": read_yaml(find("passes.yaml"))["passes"]}
