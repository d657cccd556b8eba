"""The report as one JSON value, made from manifests, results and verdicts; the page only shows it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import yaml

from ablations import sweep
from ablations.report.contract import FORMAT
from ablations.report.probes import changes, heads, positions
from ablations.report.readings import curve, measure_rows, shot_rows
from ablations.report.record import cost, study_fingerprint, write_record
from ablations.report.task_warnings import task_warnings
from ablations.settings import Study
from ablations.statistics.instrument import ControlOutcome, check
from ablations.statistics.measures import CellResult, Measures
from ablations.statistics.onset_prediction import onset_rows
from ablations.statistics.verdicts import Verdict, exploratory, judge
from ablations.study import Prepared, resolved
from curation.contamination_report import contamination
from curation.histograms import histograms
from curation.report_data import provenance, warnings
from curation.run_record import RunRecord
from curation.runtime.manifest import code_version
from curation.runtime.store import Folder
from curation.runtime.usage import Usage
from tokenizer.pipeline import Tokenized

Report = dict[str, Any]


def study_report(prepared: Prepared, out: Folder, predicted: Mapping[str, Any] | None, usage: Usage | None) -> Report:
    """Everything that the page shows.

    Args:
        predicted: the estimate made before the first run, if there is one.
        usage: of this run; None when nothing was run, and then the costs of the run before are kept.
    """
    study, record = prepared.study, prepared.curated.record
    cells = sweep.results(prepared.plans, out)
    real = Measures(c for c in cells if c.arm in study.arms)
    controls = control_outcomes(study, Measures(cells))
    report: Report = {
        "format": FORMAT,
        "study": _heading(prepared),
        "instrument": _instrument(controls),
        "verdicts": [dataclasses.asdict(each) for each in _verdicts(study, real)],
        "funnel": record["funnel"],
        "histograms": histograms(RunRecord(out, record)),
        "contamination": contamination(RunRecord(out, record)),
        "tokens": [_tokens(tokenized) for tokenized in prepared.tokenized],
        "arms": _arms(prepared, cells),
        "measures": measure_rows(Measures(cells)),
        "curves": [curve(cell, cell.arm not in study.arms) for cell in cells],
        "shots": [row for cell in cells for row in shot_rows(cell)],
        "positions": [row for cell in cells for row in positions(cell)],
        "heads": [row for cell in cells for row in heads(cell)],
        "onset_predictions": onset_rows(cells),
        "transforms": changes(record.get("transforms", {})),
        "cost": cost(prepared, out, predicted, usage),
        "provenance": [*provenance(record), *_machines(prepared)],
        "config": yaml.safe_dump(resolved(study, prepared.recipe), sort_keys=False, allow_unicode=True, width=120),
        "warnings": [*warnings(record["funnel"]), *_unfinished(prepared, cells), *task_warnings(cells)],
    }
    write_record(prepared, out, report["cost"])
    return report


def _verdicts(study: Study, measures: Measures) -> list[Verdict]:
    """Registered claims, and beside them what was only found by looking; without a test there was nothing to find."""
    beside = exploratory(measures, tuple(study.arms), study.claims)
    return [*judge(study.claims, measures), *(verdict for verdict in beside if verdict.p is not None)]


def control_outcomes(study: Study, measures: Measures) -> list[ControlOutcome]:
    """Every control held against its limits."""
    controls = study.control_settings
    k = max((_k_of(name) for name in measures.names() if name.endswith(".permuted_minus_gold")), default=8)
    limits = {arm: (settings.low, settings.high) for arm, settings in controls.arms.items()}
    measure = f"few_shot.control_map.k{k}.permuted_minus_gold"
    return check(limits, measures, measure, k, controls.seeds or study.seeds)


def _k_of(name: str) -> int:
    return int(name.removesuffix(".permuted_minus_gold").rsplit(".k", 1)[1]) if ".control_map.k" in name else 0


def counted(n: int, what: str) -> str:
    """A number with its noun."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _heading(prepared: Prepared) -> dict[str, Any]:
    study = prepared.study
    tokens = sorted({int(plan.spec["schedule"]["tokens"]) for plan in prepared.plans if not plan.control})
    tokens = tokens or [int(plan.spec["schedule"]["tokens"]) for plan in prepared.plans[:1]]
    budget = " to ".join(f"{value:,}" for value in dict.fromkeys((tokens[0], tokens[-1])))
    return {
        "name": study.name,
        "question": study.question,
        "fingerprint": study_fingerprint(prepared),
        "code": code_version(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seeds": study.seeds,
        "budget_note": f"{budget} tokens a cell, {counted(study.seeds, 'seed')}, {counted(len(prepared.plans), 'cell')}",
    }


def _instrument(controls: Sequence[ControlOutcome]) -> dict[str, Any]:
    failed = [control.arm for control in controls if not control.passed]
    works = not failed
    sentence = (
        "The instrument works: every control gave what it must in every seed."
        if works
        else f"THE INSTRUMENT FAILED: {', '.join(failed)} did not give what it must, so nothing below can be trusted."
    )
    rows = [
        {
            "arm": c.arm,
            "expectation": c.expectation,
            "low": c.low,
            "high": c.high,
            "unit": "nats",
            "seeds": {str(seed): value for seed, value in c.seeds.items()},
            "passed": c.passed,
        }
        for c in controls
    ]
    return {"works": works, "sentence": sentence, "controls": rows}


def _tokens(tokenized: Tokenized) -> dict[str, Any]:
    sources = {source: dict(tokens.manifest.counts) for source, tokens in tokenized.tokens.items()}
    return {
        "tokenizer": tokenized.name,
        "kind": tokenized.kind,
        "vocab_size": tokenized.model.vocab_size,
        "sources": sources,
    }


def _arms(prepared: Prepared, cells: Sequence[CellResult]) -> list[dict[str, Any]]:
    first = {cell.arm: cell.result for cell in reversed(cells)}
    rows: dict[str, dict[str, Any]] = {}
    for plan in prepared.plans:
        if plan.arm in rows or plan.arm not in first:
            continue
        result, model = first[plan.arm], plan.spec["model"]
        rows[plan.arm] = {
            "arm": plan.arm,
            "control": plan.control,
            "mixture": {part["source"]: part["weight"] for part in plan.spec["train"]},
            "fraction": plan.spec["train"][0]["fraction"],
            "model": {**{k: model.get(k) for k in ("layers", "width", "context")}, "parameters": result["parameters"]},
            "tokens": result["tokens"],
            "sources": {name: _seen(seen) for name, seen in result["sources"].items()},
        }
    return list(rows.values())


def _seen(seen: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "tokens": seen["tokens"],
        "repetitions": seen["repetitions"],
        "documents": seen["documents_seen"],
        "tokens_lost": seen["tokens_lost_an_epoch"],
    }


def _machines(prepared: Prepared) -> list[dict[str, str]]:
    """What the cells ran on, or are planned for."""
    found = dict.fromkeys((what, value) for plan in prepared.plans for what, value in plan.machine.items())
    return [{"what": what, "value": value} for what, value in found]


def _unfinished(prepared: Prepared, cells: Sequence[CellResult]) -> list[str]:
    missing = len(prepared.plans) - len(cells)
    return (
        [f"{missing} of {len(prepared.plans)} cells are not finished; the report shows the others"] if missing else []
    )
