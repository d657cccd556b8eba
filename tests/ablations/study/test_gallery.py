"""The study gallery: every study loads as a run would load it, asks something and can be judged."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from ablations.cli import loam
from ablations.settings import study_file as settings
from ablations.settings.cells import cells_of
from ablations.statistics.paired import LEAST_FOR_VERDICT
from ablations.study import dry_run as plan
from ablations.study import gallery
from ablations.study import pipeline as studies
from ablations.study.drafts import drafts
from ablations.study.rough_cost import cell_seconds
from curation.runtime.errors import ConfigError

PATHS = {Path(path).stem: path for path in gallery.paths()}
CLAIMING = ["code_share", "domain", "duplicates", "layers", "null", "packing", "size", "synergy"]


@pytest.mark.parametrize("name", [*CLAIMING, "controls", "transforms"])
def test_every_study_of_the_gallery_can_run_and_be_decided(name: str) -> None:
    study, recipe = settings.load(PATHS[name])
    studies.check(study, recipe)
    assert study.question
    assert study.seeds >= LEAST_FOR_VERDICT
    assert studies.undecidable(study) is None
    tree = "\n".join(plan.tree(study, recipe))
    for arm in (*study.arms, *study.control_settings.arms):
        assert f"  {arm}: " in tree
    assert "shared/data" not in Path(PATHS[name]).read_text(encoding="utf8")


@pytest.mark.parametrize("name", CLAIMING)
def test_every_claim_is_about_arms_of_the_study(name: str) -> None:
    study, _ = settings.load(PATHS[name])
    named = {arm for claim in study.claims for arm in claim.arms_named()}
    assert study.claims
    assert named <= set(study.arms)


@pytest.mark.parametrize("name", sorted(PATHS))
def test_every_claim_says_what_is_expected_and_why_and_rests_on_context(name: str) -> None:
    study, _ = settings.load(PATHS[name])
    for claim in study.claims:
        assert claim.expected, claim.sentence()
        assert claim.because, claim.sentence()
        for measure in claim.measures_named():
            if measure.startswith("late_minus_early."):  # late text differs from early text without any context
                assert measure.endswith((".cut_minus_full", ".icl_score")), measure


def test_arms_of_one_name_are_the_same_in_all_studies_that_share_a_recipe() -> None:
    """If this fails, `code` is trained again in every study."""
    said: dict[str, tuple[object, ...]] = {}
    for name in CLAIMING:
        study, recipe = settings.load(PATHS[name])
        if name == "duplicates":
            continue
        for arm, each in study.arms.items():
            cells = cells_of(study.cells, each.cells, arm)
            whole = (
                study.mixture(arm),
                each.fraction,
                each.offset,
                cells,
                study.seed,
                study.heldout,
                list(recipe.sources),
            )
            assert said.setdefault(arm, whole) == whole, f"{name}: {arm}"


def test_the_gallery_is_listed_with_question_claims_and_cost() -> None:
    shown = CliRunner().invoke(loam, ["study", "gallery"])
    assert shown.exit_code == 0, shown.output
    for name in (*CLAIMING, "controls", "korean", "transforms"):
        assert f"configs/studies/{name}.yaml" in shown.output
    assert "claim: synergy (mixture: code_reference; parts: code, reference;" in shown.output
    assert "estimate" in shown.output


def test_more_tokens_and_more_layers_are_estimated_to_cost_more() -> None:
    costs = {name: gallery.entry(PATHS[name]).core_seconds for name in ("null", "domain")}
    longer, _ = settings.load(PATHS["null"], ["cells.schedule.tokens=5120000"])
    assert costs["null"] < costs["domain"]
    assert sum(map(cell_seconds, drafts(longer))) > 2 * costs["null"]


def test_a_control_source_is_generated_or_taken_of_another(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("controls: {sources: {control_x: {of: control_glossary, transform: break_repeats}}}\n")
    _, recipe = settings.load(str(path))
    assert recipe.derived["control_x"].of == "control_glossary"
    for wrong in ("{of: control_glossary}", "{corpus: glossary, of: control_glossary, transform: break_repeats}", "{}"):
        path.write_text(f"controls: {{sources: {{control_x: {wrong}}}}}\n")
        with pytest.raises(ConfigError, match="control_x: needs corpus: NAME, or of: CONTROL SOURCE"):
            settings.load(str(path))
