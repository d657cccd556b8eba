"""What an arm says of its cells, merged into what the study says of all."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
from small_study import write_corpora, write_study

from ablations.settings import study_file as settings
from ablations.settings.cells import cells_of
from curation.runtime.errors import ConfigError

BASE = {
    "model": {"layers": 1, "width": 16, "heads": 2, "context": 32},
    "schedule": {"tokens": 1024, "batch": 4, "kind": "wsd", "warmup_steps": 3, "cooldown": 0.5},
    "optimizer": {"kind": "muon_float32", "learning_rate": 0.02, "adam_learning_rate": 0.03},
}


def test_another_kind_takes_over_what_it_has_as_well_and_no_more() -> None:
    """If this fails, an arm that tries another optimizer has to repeat, or to null, the settings of the study's."""
    cells = cells_of(BASE, {"optimizer": {"kind": "adamw"}, "schedule": {"kind": "constant"}}, "cells")
    assert cells.optimizer.kind == "adamw"
    assert cells.optimizer.settings["adam_learning_rate"] == 0.03
    assert "learning_rate" not in cells.optimizer.settings
    assert (cells.schedule.tokens, cells.schedule.batch, cells.schedule.settings) == (1024, 4, {"warmup_steps": 3})


def test_the_same_kind_keeps_every_setting_and_takes_what_is_new() -> None:
    cells = cells_of(BASE, {"optimizer": {"kind": "muon_float32", "momentum": 0.5}}, "cells")
    assert cells.optimizer.settings["learning_rate"] == 0.02
    assert cells.optimizer.settings["momentum"] == 0.5


def test_null_removes_a_setting_whoever_wrote_it() -> None:
    """`--set` writes into the study's own mapping, where nothing is merged."""
    one = {**BASE, "optimizer": {"kind": "adamw", "learning_rate": None, "adam_learning_rate": 0.03}}
    assert asdict(cells_of(one, {}, "cells")) == asdict(
        cells_of({**BASE, "optimizer": {"kind": "adamw", "adam_learning_rate": 0.03}}, {}, "cells")
    )


def test_a_setting_that_a_kind_lacks_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"cells\.optimizer: unknown key 'learning_rate'"):
        cells_of({**BASE, "optimizer": {"kind": "adamw", "learning_rate": 0.1}}, {}, "cells")


def test_controls_may_have_another_optimizer_than_those_that_come_along(tmp_path: Path) -> None:
    write_corpora(tmp_path)
    study, _ = settings.load(str(write_study(tmp_path)), ["controls.cells.optimizer.kind=adamw"])
    assert {study.cells_of_control(arm).optimizer.kind for arm in study.control_settings.arms} == {"adamw"}
