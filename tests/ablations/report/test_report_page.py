"""The report of a study: what a reader must find in it, and what must never be in it."""

from __future__ import annotations

import contextlib
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from altair.utils.schemapi import DEBUG_MODE
from click.testing import CliRunner

from ablations import ablate
from ablations.report.drawing import page as report_page
from ablations.report.drawing.from_file import report_of
from curation.dashboard import charts
from curation.dashboard.as_json import to_json
from curation.runtime.errors import InputError

SECTIONS = (
    "controls verdicts seeds sizes synergy pairs shots curves mechanisms readings measures warnings funnel scores tokens "
    "cost provenance config"
).split()
ONLY_WHERE_MEASURED = ("seeds", "sizes", "synergy", "pairs", "mechanisms", "readings", "contamination")
GAP = "few_shot.control_map.k8.permuted_minus_gold"
LISTS = (
    "verdicts histograms contamination tokens arms measures curves shots positions heads onset_predictions transforms"
)
EMPTY = {"funnel": {}, "provenance": [], "config": "", "warnings": []} | {key: [] for key in LISTS.split()}
HOSTILE = '<script>alert("x")</script>\x00 {{ 7 * 7 }} & \'"'


def render(report):
    return report_page.render(report_of(report, "report.json"))


@pytest.fixture(scope="module")
def pages():
    """Pages by name, drawn once for all tests that only read them."""
    return {}


@pytest.fixture
def page(pages, report):
    if "whole" not in pages:
        pages["whole"] = render(report)
    return pages["whole"]


def renamed(value, names):
    """`value` with other names wherever they stand, as keys or as values."""
    if isinstance(value, dict):
        return {names.get(key, key): renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [renamed(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def of_two_arms(report):
    """The same sections with less in them: drawing takes most of the time of these tests."""
    arms = {"code", "control_glossary"}
    parts = ("arms", "curves", "shots", "positions", "heads", "onset_predictions")
    few = {key: [x for x in report[key] if x["arm"] in arms] for key in parts}
    return {**report, **few}


KEPT = (
    "format seed k layer head tokens rows quarantined curated edges counts dropped quarantine_reasons repeated_ids "
    "replaced documents kept weights_bytes workers parts fingerprint level threshold after_tokens observed_after frequency "
    "reliability product tokens_a_step predicted_by_size n predicted actual"
).split()


def without_numbers(value):
    """Every number that may be missing is."""
    if isinstance(value, dict):
        if "claim" in value:
            value = {**value, "interval": None, "seeds": str(value["seeds"])}
        found = {key: item if key in KEPT else without_numbers(item) for key, item in value.items()}
        return {**found, "seeds": int(value["seeds"])} if "claim" in value else found
    if isinstance(value, list):
        return [without_numbers(item) for item in value]
    return None if isinstance(value, int | float) and not isinstance(value, bool) else value


def visible(page):
    """The words of a page, less its style and figures' geometry."""
    return re.sub(r"<[^>]*>", " ", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL))


def test_every_section_is_there_in_order(page) -> None:
    places = [page.index(f'<section id="{name}">') for name in SECTIONS]
    assert places == sorted(places)
    assert page.index("Which of three sources") < places[0]


def test_nothing_is_loaded_from_anywhere(page) -> None:
    """If this fails, the page is not the same without a network, or tells somebody that it was opened."""
    assert "<script" not in page
    assert not re.search(r"@import|@font-face|<link|<iframe|<img", page)
    assert not re.findall(r"""(?:src|href)=["'](?!#)""", page)
    assert not re.findall(r"url\((?!#)", page)
    assert set(re.findall(r"https?://[^\"'\s<]+", page)) <= {"http://www.w3.org/2000/svg"}


def test_no_two_elements_share_an_id(page) -> None:
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]*)\)", page)) <= set(ids)


def test_the_page_is_small(page) -> None:
    assert len(page.encode()) < 2_000_000


def test_verdicts_are_sentences_with_effect_interval_n_and_what_could_have_been_seen(page) -> None:
    words = " ".join(visible(page).split())
    assert "1 supported, 1 contradicted and 1 undecided of 3 registered claims. 1 exploratory finding" in words
    assert (
        "It is so. Effect on what permuted labels cost in control_map, k = 8 (positive is better): "
        "0.420 nats, 95 % interval 0.200 to 0.640. n = 6 seeds × 10 draws × 200 items. "
        "Adjusted p = 0.009 (Holm; alone 0.002, by exact permutation 0.031). "
        "Smallest effect this design could have seen: 0.300 nats." in words
    )
    assert "Open: neither shown nor ruled out by this study." in words
    assert "2 seeds: points only, no verdict below 5" in words


def test_a_verdict_leads_to_its_cells_and_to_the_command_that_explains_them(page) -> None:
    cells = set(re.findall(r'href="#(cell-[^"]+)"', page))
    assert cells
    assert cells <= set(re.findall(r'\sid="([^"]*)"', page))
    assert f"loam ablate explain code_s0-0123456789ab {GAP}" in page


def test_a_standard_error_stands_beside_the_value_of_its_seed(page) -> None:
    assert "1.900&nbsp;±&nbsp;0.042" in page


def test_where_arms_stand_is_said_with_the_verdicts_and_is_no_warning(report) -> None:
    said = ("arm code stands at 0.3 x the learning rate", "arm web stands at 1 x the learning rate")
    page = render({**of_two_arms(report), "study": {**report["study"], "stands_at": said}})
    verdicts = page[page.index('<section id="verdicts">') :].partition("</section>")[0]
    assert all(f"<li>A{each[1:]}.</li>" in verdicts for each in said)
    assert page.count("stands at") == len(said)


def test_exploratory_findings_stand_apart_from_registered_claims(page) -> None:
    registered, _, exploratory = page[: page.index('id="seeds"')].partition("Not registered before the run")
    assert "mix_half gains more than code and reference apart" in registered
    assert "repeated lines go with the gain" in exploratory
    assert "repeated lines go with the gain" not in registered


def test_censored_onsets_are_said_in_words_and_others_as_an_interval(page) -> None:
    assert "seeds 0 and 1: no onset within 1M tokens (censored)" in page
    assert "seed 0: between 320k and 370k tokens" in page
    assert "left its baseline in 0 of 8 cells of real arms and 2 of 6 cells of controls" in page


def test_the_best_real_arm_is_marked_and_no_control_is(report) -> None:
    """In the example code has the lowest loss and the controls have the highest gain."""
    text = render({**report, **EMPTY, "measures": report["measures"][:4], "arms": report["arms"]})
    rows = re.findall(r"<tr><th>(\w+)</th>\n(.*?)</tr>", text, re.DOTALL)
    best = {name for name, cells in rows if "best" in cells}
    assert best == {"code", "mix_half"}
    assert any(name == "control_chatter" for name, _ in rows)


def test_shares_of_a_mixture_add_up_to_one(report) -> None:
    """Weights are relative: 1 and 1 is half and half."""
    report["arms"][3]["mixture"] = {"code": 1.0, "reference": 1.0}
    text = render({**report, **EMPTY, "arms": report["arms"][3:4]})
    section = text[text.index('id="tokens"') : text.index('id="cost"')]
    assert section.count('<td class="n">50.0 %</td>') == 3  # both sources, and the share of the data


def test_a_failed_instrument_is_said_before_everything(report) -> None:
    report["instrument"] |= {"works": False, "sentence": "control_chatter is outside."}
    report["instrument"]["controls"][2] |= {"seeds": {"0": 0.01, "1": 0.7}, "passed": False}
    body = render({**report, **EMPTY}).split("<body>")[1]
    assert body.lstrip().startswith('<div class="banner"')
    assert body.index("control_chatter is outside.") < body.index("<h1>")
    assert "1: 0.700 (outside)" in body
    assert "✗ failed" in body


def test_without_controls_nothing_is_said_to_work(report) -> None:
    """If this fails, a study without controls looks like one whose instrument was shown to work."""
    report["instrument"]["controls"] = []
    body = render({**report, **EMPTY}).split("<body>")[1]
    assert "nothing shows whether the instrument works" in body
    assert '<div class="banner"' not in body


def test_a_part_that_was_not_measured_leaves_no_heading(report) -> None:
    page = render({**report, **EMPTY})
    for name in ONLY_WHERE_MEASURED:
        assert f'id="{name}"' not in page
        assert f'href="#{name}"' not in page
    assert "Mechanisms" not in page


def test_a_page_of_many_readings_says_what_it_left_out(report) -> None:
    one = report["measures"][-1]
    many = [{**one, "measure": f"late_minus_early.source{i}", "source": f"source{i}"} for i in range(100)]
    page = render({**report, **EMPTY, "arms": report["arms"], "measures": many})
    assert "40 more readings of late_minus_early" in page
    assert "source59" in page
    assert "source60" not in page


def test_a_study_without_anything_is_said_in_sentences(report) -> None:
    cost: dict[str, object] = {"predicted": None, "actual": None, "stages": [], "cells": []}
    page = render({**report, **EMPTY, "cost": cost, "instrument": {"works": None, "sentence": "", "controls": []}})
    for section in page.split("<section ")[1:]:
        assert re.search(r"<p[ >].*?\.</p>", section, re.DOTALL), section[:40]


def test_hostile_names_are_only_text(report) -> None:
    """If this fails, the name of a folder runs as a program in the reader's browser."""
    report["study"]["name"] = report["study"]["question"] = report["config"] = HOSTILE
    report["warnings"] = [HOSTILE]
    for curve in report["curves"]:
        curve["onsets"] = {}
    names = dict.fromkeys(["code", "control_glossary", "nats", "email", "not listed", "main", "emerges"], HOSTILE)
    odd = renamed(of_two_arms(report), {**names, "reference": "reference" + "long " * 60})
    value = report_of({**odd, "study": report["study"]}, "report.json")
    page = report_page.render(replace(value, config=f"{HOSTILE}\ud800"))
    assert "<script" not in page
    assert "49 &amp;" not in page
    assert "\x00" not in page
    assert page.encode("utf8")
    assert page.count("&lt;script&gt;") > 20


def test_a_number_that_is_missing_is_never_a_word_of_python(report) -> None:
    report["measures"][0]["arms"]["code"]["0"] = float("nan")
    words = visible(render(without_numbers(of_two_arms(report))))
    assert not re.search(r"\b(nan|NaN|None|null|inf|undefined|Infinity)\b", words)


def test_a_whole_page_holds_no_word_of_python(page) -> None:
    assert not re.search(r"\b(nan|NaN|None|null|inf|undefined|Infinity)\b", visible(page))


def test_every_chart_is_valid_vega_lite(report, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are drawn without this check, since it takes longer than drawing."""
    assert DEBUG_MODE
    monkeypatch.setattr(charts, "unchecked", contextlib.nullcontext)
    assert "<svg" in render(of_two_arms(report))


def test_the_page_of_what_was_written_and_read_back_is_the_same(report, page) -> None:
    """If this fails, somebody who has only the JSON sees another page."""
    value = report_of(report, "report.json")
    odd = to_json(replace(value, config="\ud800", verdicts=(replace(value.verdicts[0], effect=math.nan),)))
    assert (odd["config"], odd["verdicts"][0]["effect"]) == ("\ufffd", None)
    again = report_of(json.loads(json.dumps(to_json(value))), "report.json")
    assert again == value
    assert report_page.render(again) == page


def test_another_format_is_refused(report) -> None:
    with pytest.raises(InputError, match=r"report\.json: format 1, and this program draws 4\. Write it again"):
        render({**report, "format": 1})


def test_a_missing_section_is_an_error_that_names_it(report) -> None:
    del report["shots"], report["cost"]
    with pytest.raises(InputError, match=r"report\.json, shots: no such key, and 1 more mistakes"):
        render(report)


def drawn_by_command(*args):
    return CliRunner().invoke(ablate.report, [str(arg) for arg in args])


def test_a_page_is_drawn_from_a_file_alone(report, tmp_path: Path) -> None:
    """Neither the study nor its output folder is at hand."""
    whole = {**report, **EMPTY}
    (tmp_path / "demo.json").write_text(json.dumps(whole), encoding="utf8")
    beside = drawn_by_command("--from", tmp_path / "demo.json")
    there = drawn_by_command("--from", tmp_path / "demo.json", "--to", tmp_path / "other.html")
    assert (beside.output.strip(), there.output.strip()) == (str(tmp_path / "demo.html"), str(tmp_path / "other.html"))
    expected = render(whole).encode()
    assert [(tmp_path / name).read_bytes() for name in ("demo.html", "other.html")] == [expected, expected]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("nope", "not JSON"),
        ("[]", "Input should be an object"),
        ('{"format": 2}', "format 2"),
        ('{"format": 4}', "no such key"),
        (None, "cannot be read"),
    ],
)
def test_what_is_no_report_is_refused_in_one_line(text, error: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    if text is not None:
        path.write_text(text, encoding="utf8")
    ended = drawn_by_command("--from", path)
    assert isinstance(ended.exception, InputError)
    assert str(ended.exception).startswith(f"{path}")
    assert error in str(ended.exception)
    assert "\n" not in str(ended.exception)
    assert ended.exception.exit_code == 2


@pytest.mark.parametrize("args", [(), ("study.yaml", "--from", "a.json"), ("study.yaml", "--to", "a.html")])
def test_a_study_or_a_file_is_given_and_not_both(args) -> None:
    assert drawn_by_command(*args).exit_code == 2
