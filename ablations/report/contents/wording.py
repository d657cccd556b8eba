"""Measures in words, for sentences and axes. A reading says its own words; a name that nobody measured is all there is."""

from __future__ import annotations

from ablations.core.results.readings import GAIN, GAIN_WORDS, Name, shots_words


def words(measure: str) -> str:
    """'few_shot.nsmc.k4.permuted_minus_gold' -> 'what permuted labels cost in nsmc, k = 4'; other names stay as they are."""
    name = Name.parse(measure)
    if name.k is None:
        return measure
    said = GAIN_WORDS if name.reading == GAIN else name.reading.replace("_", " ")
    return f"{said} {shots_words(name.task, name.k, name.condition)}"


def axis(said: str, unit: str) -> str:
    """'accuracy, share of items'; what a unit repeats is said once: 'macro F1, 0 to 1' of the unit 'F1, 0 to 1'."""
    head, comma, rest = unit.partition(",")
    if f" {head} " in f" {said} ":
        return f"{said}{comma}{rest}"
    return f"{said}, {unit}" if unit else said
