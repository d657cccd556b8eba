"""The report of a study, gathered from manifests, results and verdicts; the page only shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ablations.cells import sweep
from ablations.cells.cell_states import DIVERGED, TO_MEASURE, CellState, states
from ablations.cells.cells import CellPlan
from ablations.claims.verdicts import Verdict, exploratory
from ablations.core.results.readings import gain_name
from ablations.report.answer import answer_of
from ablations.report.contents import (
    FORMAT,
    ArmSource,
    Heading,
    Instrument,
    ModelSize,
    Report,
    SplitTokens,
    Tokens,
    TrainedArm,
)
from ablations.report.costs import PredictedCost
from ablations.report.few_repeats import few_repeats
from ablations.report.few_windows import few_windows
from ablations.report.gathering import changes, curve, final, heads, positions, shots
from ablations.report.task_warnings import task_warnings
from ablations.settings.study import Study
from ablations.settings.variants import varied_arms
from ablations.statistics.cell_result import CellResult
from ablations.statistics.instrument import ControlOutcome, check_controls
from ablations.statistics.measures import Measures
from ablations.statistics.onset_prediction import onset_predictions
from ablations.study.best_arms import standing
from ablations.study.comparable import comparable_sentences
from ablations.study.pipeline import Prepared
from ablations.study.record import cost, study_fingerprint
from ablations.study.resolved import resolved, written_by_user
from ablations.study.robust import one_rate, robust_verdicts
from curation.dashboard.contents import Fact
from curation.dashboard.gathering.contamination import contamination
from curation.dashboard.gathering.curation_run import funnel_of, provenance, warnings
from curation.dashboard.gathering.score_histograms import histograms
from curation.dashboard.numbers import plural
from curation.questions.run_record import RunRecord
from curation.recipes.resolved_yaml import resolved_yaml
from curation.runtime.command_line.usage import Usage
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import code_version
from tokenizer.pipeline import Tokenized

FRESH, USUAL_K = "control_map", 8  # the task of fresh maps; its k where no cell was asked


def study_report(prepared: Prepared, out: Folder, predicted: PredictedCost | None, usage: Usage | None) -> Report:
    """Everything that the page shows.

    Args:
        predicted: the estimate made before the first run, if there is one.
        usage: of this run; None when nothing was run, and then the costs of the run before are kept.
    """
    study, record = prepared.study, prepared.curated.record
    curation = RunRecord(out, record, prepared.recipe.loaded_plugins)
    cell_states = states(prepared.plans, out)
    cells = sweep.results(cell_states, out)
    measures = Measures.of_cells(cells)
    real_cells = [cell for cell in cells if cell.arm in study.arms]
    best = standing(study, real_cells)
    real = Measures.of_cells(best.cells)
    funnel = funnel_of(record)
    instrument, verdicts = _instrument(control_outcomes(study, measures)), tuple(_verdicts(study, real))
    return Report(
        format=FORMAT,
        study=_heading(
            prepared,
            answer_of(verdicts, instrument, {name: row.words for name, row in real.rows.items()}),
            _diverged(cell_states),
            best.said,
        ),
        instrument=instrument,
        verdicts=verdicts,
        funnel=funnel,
        histograms=histograms(curation),
        contamination=contamination(curation),
        tokens=tuple(_tokens(tokenized) for tokenized in prepared.tokenized),
        arms=tuple(_arms(prepared, cells)),
        measures=final(measures),
        curves=tuple(curve(cell, cell.arm not in study.arms) for cell in cells),
        shots=tuple(row for cell in cells for row in shots(cell)),
        positions=tuple(row for cell in cells for row in positions(cell)),
        heads=tuple(row for cell in cells for row in heads(cell)),
        onset_predictions=tuple(onset_predictions(cells)),
        transforms=changes(record.get("transforms", {})),
        cost=cost(prepared, out, predicted, usage),
        provenance=(*provenance(record), *_machines(prepared)),
        config=resolved_yaml(resolved(study, prepared.recipe), written_by_user(study, prepared.recipe)),
        warnings=(
            *warnings(funnel),
            *_unfinished(cell_states),
            *_spikes(cells),
            *comparable_sentences(*_tokenizers(prepared), real_cells, study),
            *few_windows(real_cells),
            *few_repeats(real_cells),
            *task_warnings(cells),
        ),
    )


def _verdicts(study: Study, measures: Measures) -> list[Verdict]:
    """Registered claims, and after them exploratory ones, those that had a test."""
    added = varied_arms(study)
    arms = tuple(arm for arm in study.arms if arm not in added)
    beside = exploratory(measures, arms, study.claims, study.loaded_plugins)
    return [*robust_verdicts(study, measures), *(verdict for verdict in beside if verdict.p is not None)]


def control_outcomes(study: Study, measures: Measures) -> list[ControlOutcome]:
    """Every control, checked by its limits."""
    controls = study.control_settings
    k = measures.largest_k().get(FRESH, USUAL_K)
    limits = {arm: (settings.low, settings.high) for arm, settings in controls.arms.items()}
    return check_controls(limits, measures, gain_name(FRESH, k), k, controls.seeds or study.seeds)


def _heading(prepared: Prepared, answer: str, diverged: Sequence[str], stands_at: Sequence[str]) -> Heading:
    study = prepared.study
    tokens = sorted({plan.training.schedule.tokens for plan in prepared.plans if not plan.control})
    tokens = tokens or [plan.training.schedule.tokens for plan in prepared.plans[:1]]
    budget = " to ".join(f"{value:,}" for value in dict.fromkeys((tokens[0], tokens[-1])))
    return Heading(
        name=study.name,
        question=study.question,
        fingerprint=study_fingerprint(prepared),
        code=code_version(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seeds=study.seeds,
        answer=answer,
        diverged=tuple(diverged),
        one_rate=one_rate(study),
        stands_at=tuple(stands_at),
        budget_note=f"{budget} tokens a cell, {plural(study.seeds, 'seed')}, {plural(len(prepared.plans), 'cell')}",
    )


def _instrument(controls: Sequence[ControlOutcome]) -> Instrument:
    failed = [control.arm for control in controls if not control.passed]
    works = not failed
    sentence = (
        "The instrument works: every control gave what it must in every seed."
        if works
        else f"THE INSTRUMENT FAILED: {', '.join(failed)} did not give what it must, so nothing below can be trusted."
    )
    return Instrument(works, sentence, tuple(controls))


def _tokens(tokenized: Tokenized) -> Tokens:
    sources = {
        source: {split: SplitTokens(**counts) for split, counts in tokens.manifest.counts.items()}
        for source, tokens in tokenized.tokens.items()
    }
    return Tokens(tokenized.name, tokenized.kind, tokenized.model.vocab_size, sources)


def _tokenizers(prepared: Prepared) -> tuple[dict[str, str], dict[str, int]]:
    """Arm -> what its tokenizer is known by, and arm -> its pieces."""
    of_arms = prepared.of_arms.items()
    return {arm: each.fingerprint for arm, each in of_arms}, {arm: each.model.vocab_size for arm, each in of_arms}


def _arms(prepared: Prepared, cells: Sequence[CellResult]) -> list[TrainedArm]:
    """One row an arm: of its cells the first that is trained."""
    trained = {cell.arm: cell.training for cell in reversed(cells)}
    plans = {plan.arm: plan for plan in reversed(prepared.plans)}
    return [_arm(plans[arm], trained[arm]) for arm in dict.fromkeys(p.arm for p in prepared.plans) if arm in trained]


def _arm(plan: CellPlan, trained: Mapping[str, Any]) -> TrainedArm:
    train, model = plan.training.train, plan.training.model
    return TrainedArm(
        arm=plan.arm,
        control=plan.control,
        mixture={part.source: part.weight for part in train},
        fraction=train[0].fraction,
        model=ModelSize(model.layers, model.width, model.context, trained["parameters"]),
        tokens=trained["tokens"],
        sources={name: _seen(seen) for name, seen in trained["sources"].items()},
    )


def _seen(seen: Mapping[str, Any]) -> ArmSource:
    return ArmSource(seen["tokens"], seen["repetitions"], seen["documents_seen"], seen["tokens_lost_an_epoch"])


def _machines(prepared: Prepared) -> list[Fact]:
    """What the cells ran on, or are planned for."""
    return [Fact(*pair) for pair in dict.fromkeys(pair for plan in prepared.plans for pair in plan.machine.items())]


def _diverged(cell_states: Sequence[CellState]) -> list[str]:
    """Cells that came to nothing, with the reason."""
    return [f"{state.plan.label}, {state.note}" for state in cell_states if state.state == DIVERGED]


def _spikes(cells: Sequence[CellResult]) -> list[str]:
    spiky = {cell.cell: cell.training["spikes"] for cell in cells if cell.training.get("spikes")}
    if not spiky:
        return []
    most = max(spiky, key=lambda cell: spiky[cell])
    return [f"the training loss spiked in {len(spiky)} of {len(cells)} cells, most in {most}: {spiky[most]} steps"]


def _unfinished(cell_states: Sequence[CellState]) -> list[str]:
    warnings = [f"diverged, and enters no mean: {each}" for each in _diverged(cell_states)]
    if untrained := sum(not state.trained for state in cell_states):
        warnings.append(f"{untrained} of {len(cell_states)} cells are not trained; the report shows the others")
    if unmeasured := sum(state.state == TO_MEASURE for state in cell_states):
        warnings.append(
            f"{unmeasured} cells lack measures; run `loam ablate measure`, or `loam ablate status` to see which"
        )
    return warnings
