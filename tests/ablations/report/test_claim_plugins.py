"""A kind of claim in a plugin: registered by a study, planned, judged, worded, drawn and written, with no line elsewhere."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from contributing import contributed
from small_study import write_study

from ablations.claims.verdicts import Verdict, exploratory, judge
from ablations.core.results.readings import Reading
from ablations.evidence import power
from ablations.evidence.design.base import Design
from ablations.evidence.pilot import Pilot
from ablations.report.drawing import page
from ablations.report.drawing.from_file import report_of
from ablations.settings import study_file as settings
from ablations.settings.study import Study
from ablations.statistics.cell_result import CellResult
from ablations.statistics.measures import Measures
from ablations.study import pipeline as studies
from ablations.study.resolved import resolved
from curation.runtime.errors import ConfigError

MEASURE = "bits_per_byte.english"
VALUES = (1.1, 1.12, 1.09, 1.11, 1.1, 1.08)


def study_with(folder: Path, **said: object) -> Study:
    """A study that registers the claim of CONTRIBUTING."""
    (folder / "bars.py").write_text(contributed("BeatsConstant"), encoding="utf8")
    claim = {"arm": "english", "measure": MEASURE, "constant": 1.2, **said}
    path = write_study(folder, plugins=["bars.py"], claims=[{"beats_constant": claim}], seeds=6)
    study, recipe = settings.load(str(path))
    studies.check(study, recipe)
    unsaid: dict[str, Any] = {
        "smallest": None,
        "expected": None,
        "because": "",
        "after_a_look": False,
        "robust_over": [],
    }
    assert resolved(study, recipe)["claims"] == [{"kind": "beats_constant", **unsaid, **claim}]
    return study


def cells() -> list[CellResult]:
    return [
        CellResult(
            f"english_s{seed}", "english", seed,
            readings={MEASURE: Reading("bits_per_byte", value, "bits per byte", "lower", "bits", source="english")},
        )
        for seed, value in enumerate(VALUES)
    ]  # fmt: skip


def verdict_of(study: Study) -> Verdict:
    (verdict,) = judge(study.claims, Measures.of_cells(cells()))
    return verdict


def test_it_is_judged_like_any_other(tmp_path: Path) -> None:
    won, lost = verdict_of(study_with(tmp_path)), verdict_of(study_with(tmp_path, constant=1.0))
    assert won.sentence == f"arm english is better in {MEASURE} than 1.2: supported"
    assert won.effect == pytest.approx(0.1)
    assert won.interval
    assert won.interval[0] > 0.05
    assert (won.claim, won.seeds, won.unit, won.short) == ("beats_constant", 6, "bits per byte", "It is so.")
    assert lost.outcome == "contradicted"


def planned_of(study: Study, pilot: Pilot) -> power.StudyPower:
    return power.study_power(study, pilot, Design.of(study))


def test_it_is_planned_and_a_design_that_cannot_win_it_is_refused(tmp_path: Path) -> None:
    pilot = Pilot(Measures.of_cells(cells()), place="out")
    (planned,) = planned_of(study_with(tmp_path), pilot).claims
    assert planned.smallest_effect
    assert planned.refusal is None
    assert "finished cells in out: english" in planned.source
    (refusal,) = planned_of(study_with(tmp_path, smallest=planned.smallest_effect / 10), pilot).refusals
    assert refusal.startswith("claims.beats_constant: arm english is better")


def test_the_page_and_the_json_show_it(tmp_path: Path, report: dict[str, object]) -> None:
    study = study_with(tmp_path)
    verdict = dataclasses.asdict(verdict_of(study))
    report["verdicts"] = json.loads(json.dumps([verdict]))
    shown = page.render(report_of(report, "report.json"))
    assert f"arm english is better in {MEASURE} than 1.2" in shown
    assert "n = 6 seeds." in shown
    assert "It is so." in shown


def test_its_mistakes_are_said_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"claims\.beats_constant: unknown arm 'english2'"):
        study_with(tmp_path, arm="english2")
    with pytest.raises(ConfigError, match=r"claims\.0.*constant: Field required|unknown key 'bar'"):
        study_with(tmp_path, bar=1)
    with pytest.raises(ConfigError, match=r"study\.yaml: claims\.0: unknown claim 'beats_constants'"):
        settings.load(str(write_study(tmp_path, plugins=["bars.py"], claims=[{"beats_constants": {"arm": "english"}}])))


def test_a_kind_may_be_judged_unasked(tmp_path: Path) -> None:
    """Exploratory findings are what the kinds say of each task themselves."""
    own = (
        contributed("BeatsConstant")
        + """
    @classmethod
    def unregistered(cls, task, k, arms):
        return [cls(arm=arm, measure="bits_per_byte.english", constant=1.2) for arm in arms]
"""
    )
    (tmp_path / "unasked.py").write_text(own, encoding="utf8")
    study, _ = settings.load(str(write_study(tmp_path, plugins=["unasked.py"], claims=[])))
    gain = Reading("few_shot", 0.1, "nats", "higher", "gain", reading="permuted_minus_gold", task="t", k=8)
    measured = [dataclasses.replace(each, readings={**each.readings, gain.name: gain}) for each in cells()]
    verdicts = exploratory(Measures.of_cells(measured), ["english"], study.claims, study.loaded_plugins)
    assert "beats_constant" in {verdict.claim for verdict in verdicts}
    assert not any(verdict.registered for verdict in verdicts)
