"""The dashboard of a curation run: what a reader must find in it, and what must never be in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from curation.dashboard import page as dashboard
from curation.dashboard.as_json import from_json
from curation.dashboard.contents import CurationRun
from curation.runtime.errors import InputError


def render(run):
    return dashboard.render(from_json(CurationRun, run, "run.json", "Write it again."))


class Tables(HTMLParser):
    """The cells of all tables of a page, row by row."""

    def __init__(self):
        super().__init__()
        self.rows, self._cell = [], False

    def handle_starttag(self, tag, attrs) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self._cell = True

    def handle_endtag(self, tag) -> None:
        if tag in ("td", "th"):
            self._cell = False

    def handle_data(self, data) -> None:
        if self._cell:
            self.rows[-1][-1] += data


def account(page):
    """Label -> numbers of the funnel's account, as they stand in the page."""
    tables = Tables()
    tables.feed(page[page.index("The account") : page.index("What each pass")])
    lines = [row for row in tables.rows if row and all(re.fullmatch(r"[−\d,]+", cell) for cell in row[1:])]
    return {row[0]: [int(cell.replace(",", "").replace("−", "-")) for cell in row[1:]] for row in lines}


@pytest.fixture(scope="module")
def empty():
    return {"funnel": {}, "histograms": [], "contamination": [], "warnings": [], "provenance": [], "config": ""}


def test_every_section_is_there_in_order(run) -> None:
    page = render(run)
    places = [page.index(f'<section id="{name}">') for name in ("funnel", "scores", "provenance", "config")]
    assert places == sorted(places)
    assert "source korean web: 40 rows have no text" in page
    assert page.index("40 rows have no text") < places[0]


def test_the_numbers_of_the_funnel_add_up_in_the_page(run) -> None:
    """If this fails, a reader who adds up the account finds documents that nobody speaks of."""
    lines = account(render(run))
    found, kept = lines.pop("rows found"), lines.pop("curated")
    out = [
        sum(numbers)
        for numbers in zip(
            *(n for label, n in lines.items() if label.split(":")[0] in ("dropped", "quarantined")), strict=True
        )
    ]
    assert found == [1200, 800, 5000, 7000]
    assert [a - b for a, b in zip(found, out, strict=True)] == kept
    assert kept == [777, 753, 2770, 4300]


def test_rows_that_nobody_accounts_for_are_shown(run) -> None:
    run["funnel"]["code"]["curated"] -= 5
    assert account(render(run))["NOT ACCOUNTED FOR"] == [5, 0, 0, 5]


def test_a_run_without_anything_is_said_in_sentences(empty) -> None:
    page = render(empty)
    for sentence in ("No source was curated", "No scores to show", "No warnings", "Nothing was recorded", "No config"):
        assert sentence in page


def test_thresholds_are_named_and_a_score_without_documents_is_too(run) -> None:
    run["histograms"][3]["sources"]["reference"]["counts"] = [0] * 30
    page = render(run)
    assert "min 50 (code, reference)" in page
    assert "max 100,000" in page
    assert "not in view" not in page
    assert "Without any scored document: clean: language.certainty" in page


def test_a_threshold_far_from_every_score_is_named_and_not_drawn(run) -> None:
    run["histograms"][3]["sources"]["reference"]["max"] = 50.0
    assert "max 50 (not in view)" in render(run)


def test_odd_scores_can_be_drawn(run) -> None:
    """One document, one bin of no width, negative scores on a logarithmic axis."""
    odd = {"edges": [0.0, 0.0], "counts": [1], "min": None, "max": None}
    run["histograms"][0]["sources"] = {"code": odd}
    run["histograms"][1]["sources"] = {"code": {"edges": [-3.0, 0.0, 7.0], "counts": [1, 2], "min": -1.0, "max": None}}
    run["histograms"][1]["log"] = True
    assert "<svg" in render(run)


def test_the_same_run_gives_the_same_bytes(run) -> None:
    assert render(run) == render(run)


@pytest.mark.parametrize(
    ("place", "key", "value", "error"),
    [
        ((), "funnel", None, "run.json, funnel: no such key. Write it again."),
        (("funnel", "code"), "rows", None, "run.json, funnel.code.rows: no such key. Write it again."),
        (("histograms", 0), "colour", "red", "run.json, histograms.0.colour: unknown key. Write it again."),
        (("funnel", "code"), "rows", "many", "run.json, funnel.code.rows: Input should be a valid integer"),
        (("histograms", 1, "sources", "code"), "min", float("nan"), "min: Input should be a finite number"),
    ],
)
def test_what_is_no_run_is_refused_with_its_place(run, place, key: str, value, error: str) -> None:
    part = run
    for step in place:
        part = part[step]
    if value is None:
        del part[key]
    else:
        part[key] = value
    with pytest.raises(InputError, match=re.escape(error)):
        render(run)
