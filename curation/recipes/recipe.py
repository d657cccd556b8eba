"""What a user may write in a recipe: sources, and passes of annotators with a policy. Typed, frozen, unknown keys refused."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from curation.annotators.base import Annotator
from curation.annotators.registry import make_all
from curation.models.language_model_settings import LanguageModelSettings
from curation.policy.policy import Policy, Rules
from curation.recipes import derived
from curation.recipes.derived import Derived
from curation.runtime.config import Config
from curation.runtime.errors import one_of
from curation.runtime.members import MemberSettings, make_member
from curation.runtime.registry import Plugin
from curation.sources.base import Source
from curation.sources.registry import SOURCES
from curation.text.normal import NormalForm
from curation.transforms.base import Transform
from curation.transforms.registry import make_transform

NAME = re.compile(r"[a-z0-9][a-z0-9_]*")


def check_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"the name {name!r} is not usable in a path. Write lower-case letters, digits and _.")
    return name


Name = Annotated[str, AfterValidator(check_name)]
"""A word that may be part of a path."""


class Pass(Config):
    """One whole walk: annotators score the documents, the policy decides, curated shards come out."""

    name: str
    annotators: tuple[MemberSettings, ...] = Field(min_length=1)
    policy: Policy = Policy()

    def rules_for(self, source: str) -> Rules:
        """The rules of one source, with the bounds that its preset has for this pass's annotators."""
        labels = {str(entry.get("name") or entry.get("kind")) for entry in self.annotators}
        return self.policy.rules_for(source, labels)


class Recipe(Config):
    """Raw text to curated shards.

    A file may also hold `base: FILE`, a recipe that it is laid on (null removes), and `only: [SOURCE, ...]` of its sources.

    Args:
        name: of the run; its pointer is `<out>/runs/<name>.json`.
        question: what the run is for, in the user's words.
        data_root: where relative paths of sources start; the current folder when left out.
        plugins: Python files with further annotators and entities, relative to the recipe's file.
        sources: by name, in order of priority: of duplicates, exact or near, the one in the earlier source is kept. One of
            `{of: SOURCE, transform: NAME}` takes that source's curated documents and changes them; one that has `transform`
            beside its kind is itself changed after its last pass.
        derived: those sources that have a transform; they need not be written here.
        passes: in order; the curated shards of one are the input of the next.
        keep_fields: names of fields of rows (of their files: `path`) that curated shards keep; none when left out. Either for all
            sources, or a list for each: `{web: [url], mail: []}`.
        models: language models by name, which annotators such as `perplexity` name in `model`; each is trained on documents as
            they were read, or after a pass, before the first pass that needs it. See `curation/models/language_model_settings.py`.
        normal_form: of documents as they come in; see `curation/text/normal.py`.
        shard_bytes: text of a shard, about.
        samples: removed documents kept for reading, for each shard and reason.
    """

    name: Name
    question: str = ""
    data_root: str | None = None
    plugins: tuple[str, ...] = ()
    sources: dict[str, dict[str, Any]] = Field(min_length=1)
    derived: dict[str, Derived] = {}
    passes: tuple[Pass, ...] = Field(min_length=1)
    keep_fields: tuple[str, ...] | dict[str, tuple[str, ...]] = ()
    models: dict[str, LanguageModelSettings] = {}
    normal_form: NormalForm = "nfc"
    shard_bytes: int = Field(default=64_000_000, ge=1_000)
    samples: int = Field(default=5, ge=0)
    folder: str = Field(default=".", exclude=True)  # of the recipe's file; never enters a fingerprint

    @model_validator(mode="before")
    @classmethod
    def _derived_apart(cls, value: Any) -> Any:
        return derived.apart(value)

    @field_validator("keep_fields", mode="before")
    @classmethod
    def _fields_are_names(cls, value: Any) -> Any:
        lists = list(value.values()) if isinstance(value, dict) else [value]
        for names in lists:
            if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
                raise ValueError(f"found {names!r}. Write a list of names, or for each source a list of names.")
        return value

    @model_validator(mode="after")
    def _fields_are_of_sources(self) -> Self:
        for name in self.keep_fields if isinstance(self.keep_fields, dict) else ():
            if name not in self.sources:
                fix = "A derived source has the fields of the one that it is taken of." if name in self.derived else ""
                raise ValueError(f"keep_fields: {one_of(self.sources, name, 'source')} {fix}".rstrip())
        return self

    @model_validator(mode="after")
    def _origins_come_first(self) -> Self:
        derived.check_origins(self.sources, self.derived)
        return self

    @model_validator(mode="after")
    def _names_are_usable(self) -> Self:
        for name in (*self.names, *self.models, *(pass_.name for pass_ in self.passes)):
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

    @property
    def names(self) -> list[str]:
        """All sources, those that are read first."""
        return list(dict.fromkeys((*self.sources, *self.derived)))

    def fields_of(self, source: str) -> tuple[str, ...]:
        """Names of the fields that a source's documents keep."""
        return self.keep_fields.get(source, ()) if isinstance(self.keep_fields, dict) else self.keep_fields

    def transforms(self, name: str) -> list[Transform]:
        """What a derived source does to documents, in order."""
        settings = self.derived[name].transform
        return [make_transform(each, self.loaded_plugins, f"source {name}: transform") for each in settings]

    def annotators(self, pass_: Pass) -> dict[str, Annotator]:
        return make_all(pass_.annotators, self.loaded_plugins, f"pass {pass_.name}")

    @property
    def root(self) -> str:
        return self.data_root or os.getcwd()


def make_source(name: str, settings: Mapping[str, Any], plugins: Sequence[Plugin]) -> Source:
    return make_member(SOURCES, settings, plugins, f"source {name}")
