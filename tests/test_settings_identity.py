"""No setting is left out of what a result is known by: not where it is written, not where it is left to its default.

The classes are found by importing every module of ours, so whatever is added later is walked too.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import pytest
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from curation.annotators.base import Annotator, Column, Scores
from curation.annotators.registry import ANNOTATORS
from curation.models.language_model_settings import LanguageModelSettings
from curation.models.train_language_model import train_stage as language_model_stage
from curation.runtime.config import Config
from curation.sources.registry import SOURCES
from curation.text.batch import Batch
from curation.transforms.registry import TRANSFORMS
from tokenizer.settings import TokenizerSettings
from tokenizer.train import train_stage as tokenizer_stage

OURS = ("curation", "tokenizer", "ablations")
NO_PART = {  # fields that no dump holds, and why they may be missing
    ("curation.recipes.recipe", "Recipe", "folder"): "where the recipe's file lies; relative paths start there",
    ("ablations.settings.study", "Study", "folder"): "the same",
}


def modules() -> Iterator[Any]:
    """All of ours, but those that are programs."""
    for name in OURS:
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def classes() -> set[type[Any]]:
    """All that are defined in our modules."""
    return {
        cls
        for module in modules()
        for cls in vars(module).values()
        if inspect.isclass(cls) and cls.__module__ == module.__name__
    }


def name_of(cls: type[Any]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


CLASSES = sorted(classes(), key=name_of)
CONFIGS = [cls for cls in CLASSES if issubclass(cls, Config) and not inspect.isabstract(cls)]
SPECS = [cls for cls in CLASSES if dataclasses.is_dataclass(cls) and (hasattr(cls, "problems") or hasattr(cls, "what"))]


def left_out(cls: type[Config]) -> set[str]:
    """Fields of a model that its dump does not hold, or not as they are."""
    required = {name: "said" for name, field in cls.model_fields.items() if field.is_required()}
    made = cls.model_construct(None, **required)
    dumped = made.model_dump(mode="json", warnings="none")
    missing = cls.model_fields.keys() - dumped.keys()
    wrong = {name for name in required if name in dumped and dumped[name] != "said"}
    return missing | wrong


@pytest.mark.parametrize("cls", CONFIGS, ids=name_of)
def test_a_dump_of_settings_holds_every_one_with_its_default(cls: type[Config]) -> None:
    """If this fails, a default that changes in the code leaves old results in place."""
    allowed = {field for module, name, field in NO_PART if (module, name) == (cls.__module__, cls.__qualname__)}
    assert left_out(cls) == allowed


def test_there_is_something_to_walk() -> None:
    assert len(CONFIGS) > 40
    assert {cls.__module__.split(".")[0] for cls in CONFIGS} == set(OURS)
    assert {cls.__module__.split(".")[0] for cls in SPECS} >= {"ablations", "curation"}


def as_values(made: Any) -> dict[str, Any]:
    """What a dataclass puts into an identity: its own `what`, or `to_json`, or all of its values."""
    for name in ("what", "to_json"):
        if callable(found := getattr(made, name, None)):
            return dict(found())
    return dataclasses.asdict(made)


def can_be_made(cls: type[Any]) -> bool:
    """Whether a dataclass has a default for every value, or knows which of its values cannot be used."""
    fields = [field for field in dataclasses.fields(cls) if field.init]
    defaults = (f.default is not dataclasses.MISSING or f.default_factory is not dataclasses.MISSING for f in fields)
    return not inspect.isabstract(cls) and (hasattr(cls, "problems") or (bool(fields) and all(defaults)))


def made_of_placeholders(cls: type[Any]) -> Any:
    return cls(
        **{
            field.name: f"said {field.name}"
            for field in dataclasses.fields(cls)
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        }
    )


def dataclass_leaves_out(cls: type[Any]) -> set[str]:
    return {field.name for field in dataclasses.fields(cls)} - as_values(made_of_placeholders(cls)).keys()


@pytest.mark.parametrize("cls", [cls for cls in SPECS if can_be_made(cls)], ids=name_of)
def test_a_frozen_value_of_an_identity_holds_all_of_itself(cls: type[Any]) -> None:
    assert vars(cls)["__dataclass_params__"].frozen, "an identity may not change after it was taken"
    assert dataclass_leaves_out(cls) == set()


def not_in(what: dict[str, Any], settings: Config) -> set[str]:
    """Fields whose values an identity does not hold under their names."""
    dumped = settings.model_dump(mode="json")
    return {name for name in type(settings).model_fields if name not in what or what[name] != dumped[name]}


def example(cls: type[Config]) -> Config:
    """A member with its defaults; of what has none, any value."""
    if issubclass(cls, Annotator):
        return cls.for_examples()
    required = {name: "said" for name, field in cls.model_fields.items() if field.is_required()}
    return cls.model_construct(None, **required)


MEMBERS: dict[str, type[Any]] = {
    f"{registry.what} {name}": cls
    for registry in (ANNOTATORS, TRANSFORMS, SOURCES)
    for name, cls in registry.classes().items()
}


def member_leaves_out(cls: type[Any]) -> set[str]:
    """Settings of a member that its identity does not hold, but for those that it says are no part of it."""
    made: Any = example(cls)
    what = made.what()
    if isinstance(made, Annotator):
        return not_in(what["annotator"], made) - made.where() - {"name"}  # the name is what its folder is called
    return not_in(what, made) - (made.where() if hasattr(made, "where") else frozenset())


@pytest.mark.parametrize("cls", MEMBERS.values(), ids=MEMBERS)
def test_the_identity_of_a_member_holds_every_setting(cls: type[Any]) -> None:
    assert member_leaves_out(cls) == set()


@pytest.mark.parametrize("cls", [cls for cls in MEMBERS.values() if issubclass(cls, Annotator)], ids=name_of)
def test_what_says_where_a_file_lies_has_its_content_in_its_place(cls: type[Annotator]) -> None:
    """Else another model under the same path would give other scores under the same name."""
    made = cls.for_examples()
    paths = {name for name in made.where() if isinstance(getattr(made, name), str)}
    assert paths <= made.content().keys()
    assert all(made.content()[name] for name in paths)
    assert made.what()["content"].items() >= made.content().items()


class Shards:
    """What a stage asks of shards before it runs."""

    fingerprint, text_bytes, folder, files = "of the shards", 1_000, "nowhere", ("0.parquet",)


def test_the_identity_of_a_tokenizer_holds_every_setting_but_those_that_its_shares_stand_for() -> None:
    settings = TokenizerSettings(sample_bytes=1_000)
    stage = tokenizer_stage("main", settings, {"a": Shards()})  # type: ignore[dict-item]
    what = stage.outputs["model"].what
    assert not_in(what["settings"], settings) == {"sources", "weights", "sample_bytes"}
    assert what["shards"] == [["a", "of the shards", 1.0]]


def test_the_identity_of_a_language_model_holds_every_setting_but_those_that_its_shares_stand_for() -> None:
    settings = LanguageModelSettings(estimator="own")
    stage = language_model_stage("mine", settings, {"a": Shards()})  # type: ignore[dict-item]
    what = stage.outputs["model"].what
    assert not_in(what["settings"], settings) == {"sources", "after", "sample_bytes", "estimator"}
    assert what["estimator"] == "own"
    assert what["shards"] == [["a", "of the shards", 1.0]]


class Forgetful(Config):
    """Leaves one out by a mark on the field."""

    kept: int = 1
    forgotten: int = Field(default=2, exclude=True)


class Terse(Config):
    """Leaves out what is as its default says, as a tidy writer might."""

    kept: int = 1
    forgotten: int = 2

    @model_serializer(mode="wrap")
    def _tidy(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value != 2}


@dataclasses.dataclass(frozen=True)
class Half:
    """Writes its identity by hand and forgets one value."""

    kept: int = 1
    forgotten: int = 2

    def what(self) -> dict[str, Any]:
        return {"kept": self.kept}


class Careless(Annotator):
    """Writes its identity by hand and forgets one setting."""

    kind: Literal["careless"] = "careless"
    version: Literal[1] = 1
    forgotten: int = 2
    columns: ClassVar = (Column("n"),)
    examples: ClassVar = {"": (0,)}

    def score(self, batch: Batch) -> Scores:
        return {"n": [0] * len(batch)}

    def what(self) -> dict[str, Any]:
        return {"annotator": {"kind": self.kind, "version": self.version}}


def test_the_walk_catches_a_class_that_leaves_one_out() -> None:
    """Else all of the above could not fail."""
    assert left_out(Forgetful) == left_out(Terse) == {"forgotten"}
    assert dataclass_leaves_out(Half) == {"forgotten"}
    assert member_leaves_out(Careless) == {"forgotten"}
