"""How much of each source is held out where it is asked for in windows."""

from __future__ import annotations

import pytest

from ablations.settings.heldout import MARGIN, MOST, HeldoutWindows, SourceSize, heldout_shares
from ablations.settings.study import Study
from curation.runtime.config import build
from curation.runtime.errors import ConfigError

ASKED = HeldoutWindows(windows=100)


def shares(**sizes: SourceSize) -> dict[str, float]:
    return heldout_shares(ASKED, sizes, 256)


def test_a_share_is_the_share_of_every_source() -> None:
    sizes = {"big": SourceSize(10**6, 10**10, "big"), "small": SourceSize(10, 100, "small")}
    assert heldout_shares(0.1, sizes, 256) == {"big": 0.1, "small": 0.1}


@pytest.mark.parametrize("wrong", [0, 1, 2, -0.5])
def test_what_is_no_share_is_told_so(wrong: float) -> None:
    with pytest.raises(
        ConfigError, match=r"heldout: .*is no share. Give more than 0 and less than 1, or \{windows: N\}\.$"
    ):
        build(Study, {"name": "s", "heldout": wrong}, "study.yaml")


def test_long_documents_give_one_window_each_and_short_ones_less() -> None:
    found = shares(long=SourceSize(10_000, 10_000 * 50_000, "long"), short=SourceSize(10**6, 10**6 * 102.4, "short"))  # type: ignore[arg-type]
    assert found["long"] == pytest.approx(MARGIN * 100 / 10_000)
    assert found["short"] == pytest.approx(MARGIN * 100 / 10**5), "a tenth of 256 tokens of 4 bytes each"


def test_a_small_source_keeps_most_of_its_text_for_training() -> None:
    assert shares(small=SourceSize(50, 10**6, "small"), empty=SourceSize(0, 0, "empty")) == {
        "small": MOST,
        "empty": MOST,
    }


def test_a_source_and_what_is_derived_of_it_hold_out_the_same_documents() -> None:
    found = shares(
        read=SourceSize(10_000, 10**9, "read"), cut=SourceSize(10_000, 10**6, "read"), other=SourceSize(9_000, 10**9, "other")
    )  # fmt: skip
    assert found["read"] == found["cut"]
    assert found["other"] < found["read"]
