"""Learning rates rise, stay and fall as their schedule says, and never leave 0 to 1 of their peak."""

from __future__ import annotations

from typing import Any

import pytest

from ablations.core.spec.strict import build
from ablations.core.training.schedules.base import Schedule
from ablations.core.training.schedules.constant import Constant
from ablations.core.training.schedules.registry import SCHEDULES
from ablations.core.training.schedules.wsd import Wsd
from curation.runtime.errors import ConfigError

KINDS = SCHEDULES.classes()
SETTINGS: dict[str, dict[str, Any]] = {"wsd": {"cooldown": 0.5}}  # of those that cannot do without


@pytest.mark.parametrize("cls", KINDS.values(), ids=KINDS)
def test_a_share_is_one_of_the_peak_and_rises_first(cls: type[Schedule]) -> None:
    schedule = build(cls, {"warmup_steps": 4, **SETTINGS.get(cls.kind, {})}, cls.kind)
    shares = [schedule.share(step, 20) for step in range(20)]
    assert all(0 < share <= 1 for share in shares)
    assert shares[:4] == [0.2, 0.4, 0.6, 0.8]
    assert SCHEDULES.catalogue()[cls.kind] == (cls.__doc__ or "").split("\n")[0]


def test_the_rate_rises_stays_and_falls() -> None:
    assert [Constant(warmup_steps=4).share(step, 10) for step in (0, 3, 4, 9)] == [0.2, 0.8, 1, 1]
    assert [Wsd(warmup_steps=0, cooldown=0.5).share(step, 10) for step in (0, 5, 6, 9)] == [1, 1, 0.8, 0.2]


@pytest.mark.parametrize(
    ("kind", "settings", "told"),
    [
        ("wsd", {}, "wsd: no key 'cooldown'. Add it."),
        ("wsd", {"cooldown": 0}, "wsd.cooldown: 0.0 is no share of the steps. Give above 0 and at most 1."),
        ("wsd", {"cooldown": 1.5}, "wsd.cooldown: 1.5 is no share of the steps."),
        ("constant", {"cooldown": 0.5}, "constant: unknown key 'cooldown'. Known: warmup_steps."),
        ("constant", {"warmup_steps": -1}, "constant.warmup_steps: -1 is negative. Give 0 or more."),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(kind: str, settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        build(KINDS[kind], settings, kind)
    assert str(refused.value).startswith(told)
