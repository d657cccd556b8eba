"""A study and its recipe from a file, checked against each other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ablations.settings.cells import cells_of
from ablations.settings.controls import ControlSettings
from ablations.settings.study import Study
from ablations.settings.tokenizers import NamedTokenizer, tokenizer_of
from ablations.settings.variants import varied_arms
from curation.policy.policy import Rules
from curation.recipes import loading
from curation.recipes.recipe import Recipe, check_name
from curation.runtime.config import build, read_yaml, with_settings
from curation.runtime.errors import ConfigError, one_of
from curation.runtime.shipped import resolve_config


def load(path: str, settings: Sequence[str] = (), plugins: Sequence[str] = ()) -> tuple[Study, Recipe]:
    """A study and its recipe, the controls' sources added, with `--set` and `--plugin` options applied and checked.

    Raises:
        ConfigError: names the place, what was found and the fix.
    """
    path = resolve_config(path)
    written = read_yaml(path)
    if isinstance(written.get("recipe"), str):
        written["recipe"] = {"base": written["recipe"]}  # so that --set recipe.KEY=VALUE is merged into the file
    value = {"name": loading.stem(path), **with_settings(written, settings), "folder": os.path.dirname(path) or "."}
    own = loading.names_in(value.get("plugins") or (), f"{path}: plugins")
    value["plugins"] = (*own, *(os.path.abspath(plugin) for plugin in plugins))
    study = build(Study, value, path)
    study = study.model_copy(update={"arms": {**study.arms, **varied_arms(study)}})
    return study, _recipe_of(study, path)


def recipe_of(study: Study) -> Recipe:
    """The recipe of a study that was loaded, as `load` gave it."""
    return _recipe_of(study, os.path.join(study.folder, f"{study.name}.yaml"))


def _recipe_of(study: Study, path: str) -> Recipe:
    value, where = loading.with_base(study.recipe, path)
    loading.check_shape(value, where)
    value.setdefault("name", study.name)
    value["plugins"] = (
        *loading.names_in(value.get("plugins") or (), f"{where}: plugins"),
        *(os.path.abspath(Path(study.folder, p)) for p in study.plugins),
    )
    with_controls = _with_controls(loading.with_default_passes(value), study.control_settings, study)
    recipe = loading.from_mapping(with_controls, where)
    _check_sources(study, recipe)
    return recipe


def _with_controls(value: dict[str, Any], controls: ControlSettings, study: Study) -> dict[str, Any]:
    """The recipe with the control corpora as further sources, which every rule but deduplication lets through."""
    tokens = cells_of(controls.cells, {}, "controls.cells", study.loaded_plugins).model.context
    sources = dict(value.get("sources") or {})
    for name, source in controls.sources.items():
        if name in sources:
            raise ConfigError(f"source {name}: the name belongs to a control. Rename the source.")
        sources[name] = source.settings(controls.documents, tokens, controls.seed)
    generated = [name for name, source in controls.sources.items() if source.of is None]
    untouched = dict.fromkeys(name for name in Rules.model_fields if name not in ("duplicates", "most_dropped"))
    passes = []
    for pass_ in value["passes"]:
        policy = dict(pass_.get("policy") or {})
        policy["sources"] = {**dict.fromkeys(generated, untouched), **(policy.get("sources") or {})}
        passes.append({**pass_, "policy": policy})
    return {**value, "sources": sources, "passes": passes}


def _check_sources(study: Study, recipe: Recipe) -> None:
    real = real_sources(study, recipe)
    for arm in study.arms:
        for source in study.mixture(arm):
            if source not in real:
                raise ConfigError(f"arms.{arm}.mixture: {one_of(real, source, 'source')}")
        if arm in study.control_settings.arms:
            raise ConfigError(f"arms.{arm}: the name belongs to a control. Rename the arm.")
        try:
            check_name(arm)
        except ValueError as error:
            raise ConfigError(f"arms: {error}") from error
    for arm, named in arm_tokenizers(study, recipe).items():
        own = arm if "sources" in study.arms[arm].tokenizer else ""
        for source in named.settings.sources:
            if source not in real:
                where = f"arms.{own}.tokenizer.sources" if own else "tokenizer.sources"
                raise ConfigError(f"{where}: {one_of(real, source, 'source')}")


def real_sources(study: Study, recipe: Recipe) -> list[str]:
    """The sources that are not controls, in the recipe's order, derived ones last."""
    return [name for name in recipe.names if name not in study.control_settings.sources]


def arm_tokenizers(study: Study, recipe: Recipe) -> dict[str, NamedTokenizer]:
    """Arm -> its tokenizer, before it is trained.

    Raises:
        ConfigError: see `tokenizer_of`.
    """
    real = real_sources(study, recipe)
    return {
        name: tokenizer_of(study.tokenizer, arm.tokenizer, name, study.mixture(name), real)
        for name, arm in study.arms.items()
    }
