"""Which measures can be compared between arms that do not share a tokenizer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ablations.core.metrics.registry import METRICS
from ablations.core.results.readings import AT_LIMIT
from ablations.settings.study import Study
from ablations.statistics.cell_result import CellResult
from curation.dashboard.numbers import listed


def comparable_sentences(
    tokenizers: Mapping[str, str], sizes: Mapping[str, int], cells: Sequence[CellResult], study: Study
) -> list[str]:
    """What the report says where arms have different tokenizers; nothing where all have the same.

    Args:
        tokenizers, sizes: arm -> what its tokenizer is known by, and its number of pieces.
        cells: of these arms.
    """
    if len(set(tokenizers.values())) < 2:
        return []
    free = {
        ".".join(part for part in (each.metric, each.reading) if part)
        for cell in cells
        for each in cell.readings.values()
        if METRICS.get(each.metric, study.loaded_plugins).is_tokenizer_free(each.reading) and each.better is not None
    }
    those = f"compare only {listed(sorted(free))} between them" if free else "nothing that was measured compares them"
    return [
        f"{len(set(tokenizers.values()))} tokenizers: losses in nats per token and attention to pieces depend on the "
        f"tokenizer, so of arms with different ones {those}",
        *_of_cut_answers(cells),
        *_of_random_pieces(sizes, study),
    ]


def _of_cut_answers(cells: Sequence[CellResult]) -> Iterator[str]:
    tasks = {each.task for cell in cells for each in cell.readings.values() if each.reading == AT_LIMIT and each.value}
    if tasks:
        yield (
            f"written answers of {listed(sorted(tasks))}: some stopped at the limit of tokens, which is less text under a "
            "tokenizer with shorter pieces; raise max_tokens to compare them between tokenizers"
        )


def _of_random_pieces(sizes: Mapping[str, int], study: Study) -> Iterator[str]:
    """Of claims that may compare any tokenizers, such as those on emergence, which look at random pieces."""
    compared = [claim.arms_named() for claim in study.claims if claim.compares_tokenizers()]
    unequal = {size for arms in compared for size in _sizes(arms, sizes) if len(_sizes(arms, sizes)) > 1}
    if unequal:
        yield (
            f"vocabularies of {listed(f'{size:,}' for size in sorted(unequal))} pieces: induction heads are looked for on random "
            "pieces, and of a larger vocabulary more are rare in the text, so that a head can be seen on them later or not at "
            "all; of claims on emergence compare only arms with as many pieces"
        )


def _sizes(arms: Sequence[str], sizes: Mapping[str, int]) -> set[int]:
    return {sizes[arm] for arm in arms if arm in sizes}
