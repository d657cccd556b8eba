"""Readings of those items alone that stand in the training text, and so enter no other number."""

from __future__ import annotations

from dataclasses import replace

from ablations.core.results.answers import TaskAnswers
from ablations.core.results.readings import IN_TEXT, Reading
from ablations.readings.few_shot import AboutTask, few_shot_readings

OF_FOUND = "of items that stand in the training text"


def readings_in_text(answers: TaskAnswers, about: AboutTask) -> list[Reading]:
    """The readings of those items alone that stand in the training text, under names of their own."""
    if not about.in_text:
        return []
    found = few_shot_readings(about.found(answers), about)
    kept = (each for each in found if each.better is not None and each.value is not None)
    return [
        replace(each, reading=f"{IN_TEXT}.{each.reading}", words=f"{each.words}, {OF_FOUND}", short="") for each in kept
    ]
