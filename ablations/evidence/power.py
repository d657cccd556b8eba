"""Power analysis of a study's claims before it runs: the smallest effects they could show, and claims that cannot be supported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ablations.claims.base import MOST_SEEDS, Claim
from ablations.core.results.readings import Name
from ablations.core.spec.measuring_spec import EffortSpec
from ablations.evidence.design.base import Design
from ablations.evidence.design_checks import checked
from ablations.evidence.pilot import Guess, Pilot, own_variances, variances_between
from ablations.prompts.task_files import task_class
from ablations.prompts.tasks.map_task import MapTask
from ablations.settings.study import Study
from ablations.settings.variants import robust_arms
from ablations.statistics.paired import ALPHA, LEAST_FOR_INTERVAL, LEAST_FOR_VERDICT
from ablations.statistics.permutation import least_exchange_p, least_sign_flip_p
from ablations.statistics.variances import Variances, planned_effect

UNKNOWN = "nobody knows how far"
LARGER = ((20, 400), (50, 1000), (100, 4000))  # draws and items to try when seeds alone are not enough


@dataclass(frozen=True)
class ClaimPower:
    """The power of one claim.

    Attributes:
        smallest_effect: found with a chance of 80 % after Holm; None where the variance is not known yet.
        wanted: the smallest effect that counts, from the claim.
        source: where the variances are from.
        refusal: why this design cannot support it.
    """

    claim: str
    sentence: str
    seeds: int
    draws: int | None
    items: int | None
    smallest_effect: float | None
    wanted: float | None
    source: str
    refusal: str | None = None


@dataclass(frozen=True)
class StudyPower:
    """All claims together.

    Attributes:
        seconds: of all cells one after another, None where no cell was timed.
        robust_cells, robust_seconds: those of them that are there for `robust_over` alone.
        facts: numbers that the checks of the design go by.
    """

    study: str
    cells: int
    seconds: float | None
    robust_cells: int
    robust_seconds: float | None
    claims: tuple[ClaimPower, ...]
    notes: tuple[str, ...]
    refusals: tuple[str, ...]
    facts: tuple[str, ...]


def study_power(
    study: Study, pilot: Pilot, design: Design, cell_seconds: Sequence[tuple[str, float]] = ()
) -> StudyPower:
    """The power of a study's claims; `cell_seconds`: arm and seconds of each cell, when estimated, else the pilot's mean counts."""
    controls, added = study.control_settings, robust_arms(study)
    cells = len(study.arms) * study.seeds + len(controls.arms) * (controls.seeds or study.seeds)
    robust = len(added) * study.seeds
    seconds, robust_seconds = None, None
    if cell_seconds:
        seconds = sum(each for _, each in cell_seconds)
        robust_seconds = sum(each for arm, each in cell_seconds if arm in added)
    elif pilot.seconds:
        seconds, robust_seconds = (n * sum(pilot.seconds) / len(pilot.seconds) for n in (cells, robust))
    claims = tuple(_claim_power(claim, study, pilot) for claim in study.claims)
    found = checked(design)
    refusals = [*_refusals(study), *(claim.refusal for claim in claims if claim.refusal), *found.refusals]
    notes = (*_notes(study, claims), *found.warnings)
    return StudyPower(
        study.name, cells, seconds, robust, robust_seconds, claims, notes, tuple(refusals), tuple(found.facts)
    )  # fmt: skip


def _refusals(study: Study) -> list[str]:
    """Refusals that concern all claims together."""
    n, claims = study.seeds, len(study.claims)
    if not claims:
        return []
    if n < LEAST_FOR_VERDICT:
        return [
            f"seeds: {n} is below {LEAST_FOR_VERDICT}, so no claim can get a verdict. Raise seeds to {LEAST_FOR_VERDICT} or more."
        ]
    of_arms = [claim for claim in study.claims if claim.has_variances and len(claim.arms_named()) > 1]
    if of_arms and least_exchange_p(n) * claims > ALPHA:
        most = int(ALPHA / least_exchange_p(n))
        enough = next(more for more in range(n, MOST_SEEDS) if least_exchange_p(more) * claims <= ALPHA)
        return [
            f"claims: {claims} claims at {n} seeds: no exact test of two arms can fall below p = {least_exchange_p(n):.2g}, and "
            f"Holm asks for {ALPHA / claims:.2g}. Raise seeds to {enough}, or register {most} claims at most."
        ]
    return []


def _notes(study: Study, claims: Sequence[ClaimPower]) -> list[str]:
    n = study.seeds
    unknown = [each for each in claims if each.source.startswith(UNKNOWN)]
    notes = []
    if unknown:
        unchecked = ", and no smallest of theirs was checked" if any(each.wanted for each in unknown) else ""
        notes = [
            f"{len(unknown)} of {len(claims)} claims: what they could see is not known{unchecked}. Run this study with "
            "--set seeds=3 first and plan again with the same --out, or give --pilot a folder of cells that measured the same."
        ]
    if not study.claims or n < LEAST_FOR_VERDICT:
        return notes
    return [
        *notes,
        f"exact tests over {n} seeds reach p = {least_exchange_p(n):.2g} (cells exchanged between arms) and "
        f"{least_sign_flip_p(n):.2g} (signs of pairs); Holm over {len(study.claims)} asks for {ALPHA / len(study.claims):.2g}. "
        "Verdicts rest on variance components; the exact p stands beside them.",
    ]


def _claim_power(claim: Claim, study: Study, pilot: Pilot) -> ClaimPower:
    if claim.counts_over == "arm":
        return _power_over_arms(claim, study)
    if not claim.has_variances:
        return _power_of_counts(claim, study)
    measure, wanted = claim.planned_measure(), claim.wanted()
    draws, items = _answers(measure, study)
    guess = _guess(claim, measure, pilot)
    if items is None and guess is not None and guess.items > 1:
        # documents of a measure of text: this design has as many as those cells, if its effort is theirs
        items = guess.items
    plain = ClaimPower(
        claim.kind, claim.sentence(), study.seeds, draws, items, None, wanted,
        f"{UNKNOWN} {measure} varies: give --pilot OUT" if guess is None else guess.source,
    )  # fmt: skip
    if guess is None or study.seeds < LEAST_FOR_INTERVAL:
        return plain
    seen = planned_effect(guess.variances, study.seeds, draws or 1, items or 1, len(study.claims))
    known = replace(plain, smallest_effect=seen, source=guess.source)
    if wanted is None or seen <= wanted:
        return known
    enough = _enough(guess.variances, wanted, study.seeds, draws, items, len(study.claims))
    return replace(
        known,
        refusal=f"claims.{claim.kind}: {claim.sentence()}: an effect of {wanted:g} is asked for, and this design sees "
        f"{seen:.3g} at least. {enough}",
    )


def _power_of_counts(claim: Claim, study: Study) -> ClaimPower:
    n, claims = study.seeds, len(study.claims)
    reached, needed = claim.least_p(n), claim.least_seeds(claims)
    refusal = None
    if n < needed:
        refusal = (
            f"claims.{claim.kind}: {n} seeds reach p = {reached:.2g} at best, and Holm over {claims} asks for "
            f"{ALPHA / claims:.2g}. Raise seeds to {needed}."
        )
    source = f"none needed: seeds are counted, and p = {reached:.2g} can be reached"
    return ClaimPower(claim.kind, claim.sentence(), n, None, None, None, None, source, refusal)


def _power_over_arms(claim: Claim, study: Study) -> ClaimPower:
    arms = len(study.arms)
    plain = ClaimPower(
        claim.kind, claim.sentence(), study.seeds, None, None, None, None,
        f"{arms} arms; more seeds are no more evidence",
    )  # fmt: skip
    if arms < claim.least_arms:
        needed = f"a relation over arms needs {claim.least_arms} at least. Add arms."
        return replace(plain, refusal=f"claims.{claim.kind}: {arms} arms, and {needed}")
    return replace(plain, smallest_effect=claim.seen_over_arms(arms, ALPHA / len(study.claims)))


def _answers(measure: str, study: Study) -> tuple[int | None, int | None]:
    """Draws and items of one number of a measure."""
    name = Name.parse(measure)
    for task in study.task_settings:
        if name.task and task.name == name.task:
            items = min(task.items, _most_items(study))
            if issubclass(task_class(task.kind, study.loaded_plugins), MapTask):
                return 1, max(1, items // 2)  # two mirrored questions are one item, and a map is its own demonstrations
            return task.draws, items
    return None, None


def _most_items(study: Study) -> int:
    """The most items that every arm's effort allows."""
    each = [study.cells_of_arm(arm).effort.items for arm in study.arms]
    return min(each, default=EffortSpec().items)


def _guess(claim: Claim, measure: str, pilot: Pilot) -> Guess | None:
    found = [
        own_variances(measure, arm, pilot) if other is None else variances_between(measure, arm, other, pilot)
        for arm, other in claim.compared()
    ]
    return max((each for each in found if each), key=lambda each: sum(vars(each.variances).values()), default=None)


def _enough(variances: Variances, wanted: float, seeds: int, draws: int | None, items: int | None, claims: int) -> str:
    """The first larger design that sees the wanted effect: by seeds alone, else of a task with more draws and items."""
    designs = [(draws, items)]
    if draws is not None and items is not None:
        designs += [(draws if draws == 1 else max(draws, d), max(items, i)) for d, i in LARGER]
    for d, i in designs:
        for n in range(seeds, MOST_SEEDS + 1):
            if planned_effect(variances, n, d or 1, i or 1, claims) <= wanted:
                answers = "" if draws is None else f", {d} draws and {i} items"
                return f"{n} seeds{answers} would do."
    return f"Not even {MOST_SEEDS} seeds would do. Raise smallest, or register a measure that varies less."


def lines(power: StudyPower) -> list[str]:
    """The analysis as text, without refusals."""
    from curation.runtime.command_line.command import table

    rows = [
        (each.sentence, each.seeds, each.draws, each.items, _rounded(each.smallest_effect), each.wanted, each.source)
        for each in power.claims
    ]
    heads = ("claim", "seeds", "draws", "items", "smallest effect seen", "wanted", "variances from")
    body = [table(heads, rows)] if rows else ["no claims: everything will be exploratory"]
    return [*body, "", *power.facts, "", *power.notes, *_price(power)]


def _price(power: StudyPower) -> Iterator[str]:
    all_, robust = (None if s is None else f"{s / 3600:.2g}" for s in (power.seconds, power.robust_seconds))
    yield f"{power.cells} cells" + (f", {all_} hours of one core, or of a GPU where cells need one" if all_ else "")
    if power.robust_cells:
        yield f"{power.robust_cells} of the cells are there for robust_over" + (
            f", {robust} of the hours" if robust else ""
        )


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")
