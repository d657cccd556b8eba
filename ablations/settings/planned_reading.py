"""How often cells read their sources, as far as that is known before any text is read: from the bytes of the sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ablations.core.data.mixture import BLOCK
from ablations.prompts.fitting import BYTES_A_TOKEN
from ablations.settings.block_windows import block_windows
from ablations.settings.epochs import schedule_shares
from ablations.settings.study import Study
from ablations.settings.study_file import recipe_of
from curation.recipes.derived import origin_of
from curation.recipes.recipe import Recipe
from curation.runtime.errors import LoamError


@dataclass(frozen=True)
class PlannedReading:
    """How often a cell reads a source.

    Attributes:
        times: tokens that it is given of the source, over the distinct ones.
        steps: of the cell.
        text_bytes: of the source, if `times` is estimated from them; None where the text is encoded.
    """

    times: float
    steps: int
    text_bytes: float | None = None


def expected_readings(study: Study) -> dict[tuple[str, str], PlannedReading]:
    """(arm, source) -> how often its cells may read it, of arms whose sources all have a known size.

    Nothing is known of what the recipe will drop or cut, so that the true number tends to be higher.
    """
    sizes = _text_bytes(study)
    kept = 1 - study.heldout if isinstance(study.heldout, float) else 1.0
    tokens = {source: kept * size / BYTES_A_TOKEN for source, size in sizes.items()}
    of_arms = {arm: tokens for arm in study.arms if all(tokens.get(source) for source in study.mixture(arm))}
    return {
        (arm, source): reading
        for arm, share in schedule_shares(study, of_arms).items()
        for source, reading in _readings(study, arm, share, tokens, sizes)
    }


def _readings(
    study: Study, arm: str, share: float, tokens: Mapping[str, float], sizes: Mapping[str, float]
) -> Iterator[tuple[str, PlannedReading]]:
    cells, fraction = study.cells_of_arm(arm), study.arms[arm].fraction
    a_step = cells.schedule.batch * cells.model.context
    steps = round(share * cells.schedule.tokens) // a_step
    for source, windows in block_windows(study.mixture(arm)).items():
        times = steps * a_step * windows / BLOCK / (fraction * tokens[source])
        yield source, PlannedReading(times, steps, sizes[source])


def _text_bytes(study: Study) -> dict[str, float]:
    """Of each source about as many as it has; sources of unknown size, and those that are not there, are left out."""
    if not (study.recipe.get("sources") or study.recipe.get("base")):
        return {}
    recipe = recipe_of(study)
    read = {name: size for name in recipe.sources if (size := _size(recipe, name)) is not None}
    origins = {name: origin_of(name, recipe.derived) for name in recipe.names}
    return {name: read[origin] for name, origin in origins.items() if origin in read}


def _size(recipe: Recipe, name: str) -> float | None:
    try:
        return recipe.built_sources[name].text_bytes(name, recipe.root)
    except LoamError:  # a plan can be made where the text is not; a run says what is missing
        return None
