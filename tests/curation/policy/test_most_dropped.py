"""A source that loses more than its policy allows is refused; one that loses everything is an alarm."""

from __future__ import annotations

import pytest

from curation.dashboard.contents import Funnel, PassCounts
from curation.dashboard.gathering.curation_run import warnings
from curation.policy.most_dropped import check_most_dropped
from curation.policy.policy import Rules
from curation.runtime.errors import StageError
from curation.runtime.store.manifest import Manifest


def decided(documents: int, **dropped: int) -> Manifest:
    kept = documents - sum(dropped.values())
    return Manifest("decide", "web", {}, [], {"documents": documents, "kept": kept, "dropped": dropped})


def test_a_share_that_is_reached_is_allowed_and_one_above_is_not() -> None:
    rules = {"web": Rules(most_dropped=0.5), "any": Rules()}
    check_most_dropped("clean", rules, {"web": decided(4, short=2), "any": decided(4, short=4)})
    with pytest.raises(
        StageError, match=r"pass clean: source web loses 3 of 4 documents, 2 of them for low; most_dropped is 0\.5"
    ):
        check_most_dropped("clean", rules, {"web": decided(4, short=1, low=2), "any": decided(0)})


def test_a_source_without_documents_is_none_that_loses_them() -> None:
    check_most_dropped("clean", {"web": Rules(most_dropped=0)}, {"web": decided(0)})


def test_alarms_come_before_warnings() -> None:
    """Whoever reads one line only must read that one."""

    def funnel(curated: int, kept: int, dropped: dict[str, int]) -> Funnel:
        clean = PassCounts(2, kept, dropped, None, None, None, None, {})
        ids = {"ids": 1, "documents": 2}
        return Funnel(3, 1, {"not UTF-8": 1}, {"NUL characters": 2}, ids, (), {"clean": clean}, curated, dropped)

    first, *others = warnings({"a": funnel(2, 2, {}), "b": funnel(0, 0, {"low": 1, "high": 1})})
    assert first == "alarm: pass clean drops all 2 documents of source b, 1 of them for low"
    assert "source b: none of its 3 rows was kept" in others
    assert "source a: 1 rows could not be read: not UTF-8 (1)" in others
    assert "source a: NUL characters replaced or removed in 2 documents" in others
    assert any(told.startswith("source a: 2 documents share 1 ids; all of them stay") for told in others)
