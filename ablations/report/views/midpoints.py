"""The midpoint rule of the published table, as marks on accuracies of few-shot tasks."""

from __future__ import annotations

from ablations.report.contents.values import Values
from ablations.statistics.midpoint import marks
from curation.dashboard.numbers import mean

REFERENCE = "all"  # the arm of all corpora


def midpoint_marks(values: Values) -> dict[str, dict[str, str]]:
    """Accuracy at the largest k of each task -> arm -> "above" or "below"; empty without an arm called all."""
    found = {}
    for task, gap in values.gaps().items():
        k = gap["k"] or 0
        measure, majority = values.shots(task, k, "gold", "accuracy"), values.shots(task, k, "", "blind.majority")
        known = {arm: value for arm in values.real if (value := values.mean(measure, arm)) is not None}
        baseline = mean(values.mean(majority, arm) for arm in known)
        if baseline is not None and (told := marks(known, REFERENCE, baseline)):
            found[measure] = told
    return found
