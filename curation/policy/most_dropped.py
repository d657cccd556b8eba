"""Refuses a policy that drops more of a source than it may: most likely a threshold is wrong, not the data."""

from __future__ import annotations

from collections.abc import Mapping

from curation.policy.policy import Rules
from curation.runtime.errors import StageError
from curation.runtime.store.manifest import Manifest


def check_most_dropped(pass_name: str, rules: Mapping[str, Rules], decided: Mapping[str, Manifest]) -> None:
    """Compare what each source lost in a pass with the `most_dropped` of its rules.

    Raises:
        StageError: names every source that lost more, with its most frequent reason.
    """
    losses = []
    for source, manifest in decided.items():
        documents, dropped = manifest.counts["documents"], manifest.counts["dropped"]
        lost = documents - manifest.counts["kept"]
        if documents and lost / documents > rules[source].most_dropped:
            losses.append(
                f"source {source} loses {lost:,} of {documents:,} documents, {most_frequent(dropped)}; "
                f"most_dropped is {rules[source].most_dropped:g}"
            )
    if losses:
        fix = "Correct the rules, or raise most_dropped in policy.defaults or policy.sources.NAME."
        raise StageError(f"pass {pass_name}: {'. '.join(losses)}. {fix}")


def most_frequent(dropped: Mapping[str, int]) -> str:
    """The reason of most drops in words."""
    reason = max(dropped, key=lambda name: dropped[name])
    return f"{dropped[reason]:,} of them for {reason}"
