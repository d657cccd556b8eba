"""A study of four arms and three controls with two seeds, as its report stands in a file."""

import importlib.util
import math
from pathlib import Path
from typing import Any

import pytest
from report_rows import a_row, bits, gain, shots

from ablations.core.results.readings import Reading
from curation.dashboard.as_json import to_json

_CURATION = Path(__file__).parents[2] / "curation" / "dashboard" / "conftest.py"
_spec = importlib.util.spec_from_file_location("a_curation_run", _CURATION)
assert _spec
assert _spec.loader
_curation = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_curation)
run = _curation.run

SEEDS = (0, 1)
REAL = {
    "code": {"code": 1.0},
    "reference": {"reference": 1.0},
    "korean": {"reference": 2.0},
    "mix_half": {"code": 0.5, "reference": 0.5},
}
CONTROLS = ("control_glossary", "control_encyclopedia", "control_chatter")
COPYING = Reading("repeated_tokens", None, "nats per token", "higher", "gain on repeated tokens", "first_minus_second")
GAP, GAIN = gain("control_map", 8).name, COPYING.name
BUDGET = 1_000_000
CHANGE = {"before": 9, "after": 9}


def an_arm(name, mixture, control):
    taken = {
        s: {"tokens": int(BUDGET * w), "repetitions": 1.3, "documents": 40, "tokens_lost": 12}
        for s, w in mixture.items()
    }
    model = {"layers": 2, "width": 64, "context": 128, "parameters": 300_000}
    return {
        "arm": name,
        "control": control,
        "mixture": mixture,
        "fraction": 0.1 if name == "korean" else 0.5,
        "model": model,
        "tokens": BUDGET,
        "sources": taken,
    }


def a_curve(arm, seed, control, place):
    strength = 9.0 if arm == "control_glossary" else 0.02 * place
    turn = 400_000 + 80_000 * seed

    def gap(t):
        return strength / (1 + math.exp((turn - t) / 40_000)) + 0.01 * math.sin(t + seed)

    points = [
        {
            "tokens": t,
            "train_loss": None if t == 0 else 2 + 0.1 * place + 5 * math.exp(-t / 250_000),
            "measures": {GAP: gap(t), GAIN: gap(t) / 3},
        }
        for t in range(0, BUDGET + 1, 50_000)
    ]
    late = arm == "control_glossary"
    onset = (
        {"after_tokens": turn - 80_000, "by_tokens": turn - 30_000, "at_tokens": turn - 50_000}
        if late
        else {"after_tokens": BUDGET, "by_tokens": None, "at_tokens": None}
    )
    return {
        "arm": arm,
        "seed": seed,
        "control": control,
        "points": points,
        "onsets": {GAP: {"threshold": 0.5, **onset}, GAIN: {"threshold": 0.2, **onset}},
    }


def some_shots(arm, seed):
    strong = arm == "control_glossary"
    points = []
    for k in (0, 1, 2, 4, 8, 16):
        gold = 4.1 * math.exp(-k / 3) + 0.1 * seed if strong else 4.1 - 0.1 * min(k, 4) + 0.02 * seed
        permuted = 4.1 + 0.7 * k if strong else gold + 0.01
        for condition, nll in (("gold", gold), ("permuted", permuted)):
            if k or condition == "gold":
                point = {"k": k, "condition": condition, "nll": nll, "accuracy": math.exp(-max(nll, 0.01))}
                blind = {"accuracy": 0.125} if condition == "gold" else {}
                points.append({**point, "n": 200, "asked": 200, "blind": blind, "scores": {}})
    readings = {
        "nll": {"words": "NLL of the gold answer", "unit": "nats", "better": "lower"},
        "accuracy": {"words": "accuracy", "unit": "share of items", "better": "higher"},
    }
    return {"arm": arm, "seed": seed, "task": "control_map", "readings": readings, "points": points}


def some_positions(arm, seed):
    tokens = [1.0, 2.5, 6.0, 20.0]
    return {"arm": arm, "seed": seed, "source": "common", "tokens": tokens, "loss": [5.0, 4.0, 3.5 + seed, 3.0]}


def some_heads(arm, seed):
    heads = [
        {"layer": layer, "head": head, "scores": {"prefix_matching": 0.2 * layer + 0.1 * head, "copying": 0.5}}
        for layer in range(2)
        for head in range(2)
    ]
    return {"arm": arm, "seed": seed, "heads": heads}


def an_onset(arm, seed, place):
    row = {"arm": arm, "seed": seed, "measure": GAIN, "frequency": 0.3, "reliability": 0.5, "predicted_by_size": 16e6}
    row |= {"product": 0.15, "tokens_a_step": 1024.0}
    seen = {"observed_after": 320_000, "observed_by": 370_000, "observed_at": 340_000 - 1000 * place}
    censored = {"observed_after": BUDGET, "observed_by": None, "observed_at": None}
    return {**row, "predicted": 16e6 - 1e6 * place, **(seen if place else censored)}


def a_measure(reading, base, arms, n=None):
    return to_json(a_row(reading, {arm: [base + 0.11 * i + 0.03 * s for s in SEEDS] for i, arm in enumerate(arms)}, n))


def the_measures(arms, sources):
    answers = {"answers": 200}
    share: dict[str, Any] = {"unit": "share of items", "better": "higher"}
    late = Reading(
        "late_minus_early", None, "nats per token", "lower", "late-minus-early loss, common", source="common"
    )
    return [
        *(
            {
                **a_measure(bits(source), 1.9, REAL, {"bytes": 12345}),
                "errors": {arm: {str(s): 0.0417 for s in SEEDS} for arm in REAL},
            }
            for source in sources
        ),
        a_measure(gain("control_map", 8), 0.01, arms, answers),
        a_measure(shots("control_map", 8, "nll", "gold"), 3.7, arms, answers),
        a_measure(shots("control_map", 8, "accuracy", "gold", **share), 0.2, REAL, answers),
        a_measure(shots("control_map", 8, "accuracy_pmi", "gold", **share), 0.3, REAL, answers),
        a_measure(late, -0.4, list(REAL)[:3]),
    ]


def a_verdict(sentence, **other):
    return {
        "claim": "emerges",
        "sentence": sentence,
        "outcome": "undecided",
        "registered": True,
        "effect": 0.01,
        "unit": "nats",
        "interval": None,
        "level": 0.95,
        "seeds": 2,
        "p": None,
        "p_adjusted": None,
        "smallest_effect": None,
        "why": "2 seeds: points only, no verdict below 5",
        "draws": None,
        "items": None,
        "permutation_p": None,
        "evidence": ["code_s0-0123456789ab", "code_s1-ba9876543210"],
        "measures": [GAP],
        "counts_over": "seed",
        "relation": False,
        "short": "Open: neither shown nor ruled out by this study.",
        **other,
    }


def the_verdicts():
    return [
        a_verdict("control_map emerges in arm code: undecided within this budget"),
        a_verdict(
            "mix_half gains more than code and reference apart",
            claim="synergy",
            outcome="supported",
            short="It is so.",
            effect=0.42,
            interval=[0.2, 0.64],
            smallest_effect=0.3,
            seeds=6,
            p=0.0022,
            p_adjusted=0.0088,
            draws=10,
            items=200,
            permutation_p=0.03125,
            why="6 seeds, Holm over 4 claims",
        ),
        a_verdict(
            "korean and code differ in bits_per_byte.code",
            claim="differs",
            outcome="contradicted",
            short="It is not so: any effect is smaller than what would count, or points the other way.",
            unit="bits per byte",
            effect=-0.02,
            interval=[-0.05, 0.01],
            smallest_effect=0.04,
            seeds=6,
            p=0.31,
            p_adjusted=0.31,
            why="the interval lies inside what counts as no difference",
        ),
        a_verdict(
            "repeated lines go with the gain",
            claim="goes_with",
            registered=False,
            effect=None,
            why="not listed",
            counts_over="arm",
            relation=True,
        ),
    ]


def the_controls():
    silent = {"low": -0.05, "high": 0.05, "unit": "nats", "seeds": {"0": 0.01, "1": -0.02}, "passed": True}
    return [
        {
            "arm": "control_glossary",
            "expectation": "permuted labels cost more than 1 nat at k = 8",
            "low": 1.0,
            "high": None,
            "unit": "nats",
            "seeds": {"0": 10.2, "1": 9.8},
            "passed": True,
        },
        {"arm": "control_encyclopedia", "expectation": "permuted labels cost nothing at k = 8", **silent},
        {"arm": "control_chatter", "expectation": "permuted labels cost nothing at k = 8", **silent},
    ]


def the_cost(cells):
    stages = [
        {
            "stage": f"{verb} {source}",
            "wall_seconds": 1.0 + i,
            "work_seconds": 0.9 + i,
            "finished_at": 0.0,
            "reused": verb == "read",
        }
        for i, (verb, source) in enumerate(
            (v, s) for v in ("read", "annotate", "encode") for s in ("code", "reference")
        )
    ]
    predicted = {"seconds": 300, "memory_bytes": 2_000_000_000, "disk_bytes": 40_000_000}
    return {
        "predicted": {
            **predicted,
            "weights_bytes": 30_000_000,
            "workers": 2,
            "parts": [{"what": "read", "seconds": 300}],
        },
        "actual": {"seconds": 455.0, "peak_memory_bytes": 1_700_000_000, "disk_bytes": 38_000_000, "fingerprint": "ab"},
        "stages": stages,
        "cells": [{"cell": cell, "seconds": 30.0, "tokens_per_second": 60_000.0} for cell in cells],
    }


@pytest.fixture
def report(run):
    arms = [*REAL, *CONTROLS]
    cells = [f"{arm}_s{seed}-0123456789ab" for arm in arms for seed in SEEDS]
    splits = {
        "train": {"documents": 900, "tokens": 400_000, "utf8_bytes": 1_500_000},
        "heldout": {"documents": 45, "tokens": 20_000, "utf8_bytes": 75_000},
    }
    return {
        "format": 4,
        "study": {
            "name": "demo",
            "question": "Which of three sources, alone or mixed, gives a small model in-context learning?",
            "fingerprint": "0123456789abcdef" * 4,
            "code": "0.1.0",
            "created": "2026-01-01T00:00:00Z",
            "seeds": 2,
            "budget_note": "1.0M tokens a cell",
        },
        "instrument": {
            "works": True,
            "sentence": "The instrument works: 3 of 3 controls came out as they had to, in every seed.",
            "controls": the_controls(),
        },
        "verdicts": the_verdicts(),
        "tokens": [
            {"tokenizer": "main", "kind": "bpe", "vocab_size": 4096, "sources": dict.fromkeys(run["funnel"], splits)}
        ],
        "arms": [
            *(an_arm(name, mixture, False) for name, mixture in REAL.items()),
            *(an_arm(name, {name.removeprefix("control_"): 1.0}, True) for name in CONTROLS),
        ],
        "measures": the_measures(arms, run["funnel"]),
        "curves": [a_curve(arm, seed, arm in CONTROLS, i) for i, arm in enumerate(arms) for seed in SEEDS],
        "shots": [some_shots(arm, seed) for arm in ("code", "korean", *CONTROLS) for seed in SEEDS],
        "positions": [some_positions(arm, seed) for arm in REAL for seed in SEEDS],
        "heads": [some_heads(arm, seed) for arm in ("code", "control_glossary") for seed in SEEDS],
        "onset_predictions": [an_onset(arm, seed, i) for i, arm in enumerate(arms) for seed in SEEDS],
        "transforms": [
            {"source": "broken", "of": "reference", "step": "1 break_repeats", "statistic": "words", **CHANGE}
        ],
        "cost": the_cost(cells),
        **run,
    }
