"""A small curation run, as it would stand in a file."""

import math

import pytest


def a_pass(documents, dropped, cut=0, replaced=None):
    kept = documents - sum(dropped.values())
    return {
        "documents": documents,
        "kept": kept,
        "dropped": dropped,
        "chars_in": documents * 900,
        "chars_out": kept * 880 - cut,
        "chars_cut": cut,
        "bytes_out": kept * 1000,
        "replaced": replaced or {},
    }


def a_funnel(rows, unreadable, clean, select):
    quarantined = sum(unreadable.values())
    first = a_pass(rows - quarantined, clean, cut=4321)
    second = a_pass(first["kept"], select, replaced={"email": 12, "phone": 3})
    dropped = {f"clean: {reason}": n for reason, n in clean.items()}
    dropped |= {f"select: {reason}": n for reason, n in select.items()}
    return {
        "rows": rows,
        "quarantined": quarantined,
        "quarantine_reasons": unreadable,
        "repaired": {},
        "repeated_ids": {"ids": 0, "documents": 0},
        "left_out": [],
        "curated": second["kept"],
        "dropped": dropped,
        "passes": {"clean": first, "select": second},
    }


def a_histogram(edges, peak, low=None, high=None):
    counts = [round(1000 * math.exp(-(((i - peak) / 5) ** 2))) for i in range(len(edges) - 1)]
    return {"edges": edges, "counts": counts, "min": low, "max": high}


def spread(low, high, n=30):
    return [low + (high - low) * i / n for i in range(n + 1)]


@pytest.fixture
def run():
    words = [10 ** (i / 8) for i in range(37)]
    return {
        "funnel": {
            "code": a_funnel(
                1200,
                {"not UTF-8 at byte 3": 7, "no field 'text'": 2},
                {"exact_duplicate": 64},
                {"gopher_words.words:low": 350},
            ),
            "reference": a_funnel(800, {}, {"exact_duplicate": 4, "language": 31}, {"gopher_words.words:low": 12}),
            "korean web": a_funnel(
                5000,
                {"no field 'text'": 40},
                {"exact_duplicate": 1400, "language": 220, "repeated_lines.top_line:high": 150},
                {f"rule_{i}.score:high": 90 - 10 * i for i in range(7)},
            ),
        },
        "histograms": [
            {
                "pass": "select",
                "annotator": "gopher_words",
                "column": "words",
                "unit": "words",
                "log": True,
                "sources": {
                    "code": a_histogram(words, 14, 50.0, 100000.0),
                    "reference": a_histogram(words, 20, 50.0, 100000.0),
                    "korean web": a_histogram(words, 17, 30.0, 100000.0),
                },
            },
            {
                "pass": "select",
                "annotator": "gopher_words",
                "column": "mean_word_chars",
                "unit": "characters per word",
                "log": False,
                "sources": {
                    "code": a_histogram(spread(0, 12), 18, 3.0, 10.0),
                    "reference": a_histogram(spread(0, 12), 12, 3.0, 10.0),
                    "korean web": a_histogram(spread(0, 12), 8, 1.5, None),
                },
            },
            {
                "pass": "clean",
                "annotator": "repeated_lines",
                "column": "top_line",
                "unit": "share of characters",
                "log": True,
                "sources": {"code": a_histogram([0.0, 0.001, 0.01, 0.03, 0.1, 0.3, 1.0], 1, None, 0.2)},
            },
            {
                "pass": "clean",
                "annotator": "language",
                "column": "certainty",
                "unit": "",
                "log": False,
                "sources": {"reference": a_histogram(spread(0, 1), 28)},
            },
        ],
        "contamination": [],
        "warnings": ["source korean web: 40 rows have no text"],
        "provenance": [{"what": "recipe", "value": "5f" * 32}, {"what": "CPU", "value": "Xeon, 2 cores"}],
        "config": "sources:\n- name: code\n  kind: installed\n",
    }
