"""How much of each source's text a study holds out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ablations.settings.cells import CellSettings
from ablations.settings.heldout import SourceSize, heldout_shares
from ablations.settings.study import Study
from curation.recipes.derived import origin_of
from curation.recipes.recipe import Recipe
from curation.runtime.errors import ConfigError
from curation.runtime.store.shards import ShardSet
from tokenizer.pipeline import Tokenized


def shares_of(
    study: Study, recipe: Recipe, shards: Mapping[str, ShardSet], every: Sequence[CellSettings]
) -> dict[str, float]:
    """Source -> the share of its documents that measures of these cells are taken on."""
    sizes = {
        name: SourceSize(each.documents, each.text_bytes, origin_of(name, recipe.derived))
        for name, each in shards.items()
    }
    return heldout_shares(study.heldout, sizes, max((cells.model.context for cells in every), default=1))


def check_heldout(main: Tokenized, study: Study) -> None:
    empty = [source for source, tokens in main.tokens.items() if not tokens.documents("heldout")]
    used = {source for arm in study.arms for source in study.mixture(arm)}
    if bad := sorted(used & set(empty)):
        raise ConfigError(
            f"source {bad[0]}: none of its {main.tokens[bad[0]].documents('train')} documents is held out. Raise heldout or "
            "give the source more documents."
        )
