"""How many prompts fit in a context, counted on items and expected before there is a tokenizer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from letter_encoder import Copy, items_of

from ablations.evidence.design.base import Design
from ablations.evidence.design_checks import checked
from ablations.prompts.fitting import BYTES_A_TOKEN, EvenPieces, expected_fitting, fitting
from ablations.prompts.joining import Joining
from ablations.prompts.task_items import ItemsFile
from ablations.prompts.task_settings import TaskSettings
from ablations.settings.study import Study
from ablations.study.fitting_prompts import least_fitting

ROWS = [{"text": "가" * length, "said": ["x"]} for length in (1, 2, 3, 40)]
POOL = [{"text": f"{number}", "said": ["y"]} for number in range(4)]


def test_the_share_of_each_k_is_that_of_its_prompts_over_all_draws() -> None:
    made = items_of(Copy(), POOL, ROWS, context=30, shots=(0, 2))
    lengths: dict[int, dict[str, list[bool]]] = {0: {}, 2: {}}
    for group in made.groups:
        if group.condition == "gold":
            for item in group.items:
                lengths[group.k].setdefault(item.id, []).append(
                    len(group.prefix) + len(item.prompt) + len(item.choices[0]) - 1 <= 30
                )
    slow = {k: sum(map(sum, each.values())) / sum(map(len, each.values())) for k, each in lengths.items()}
    assert fitting(made.to_json()) == slow == {0: 0.75, 2: 0.75}


def test_where_arms_have_tokenizers_of_their_own_the_one_with_the_least_room_counts() -> None:
    roomy, narrow = (
        ItemsFile("copy", json.dumps(items_of(Copy(), POOL, ROWS, context=context, shots=(0, 2)).to_json()))
        for context in (200, 30)
    )
    for files in ([roomy, narrow, roomy], [narrow, roomy]):
        assert least_fitting((128, file) for file in files) == {("copy", 128): {0: 0.75, 2: 0.75}}
    assert least_fitting([(128, roomy)]) == {("copy", 128): {0: 1.0, 2: 1.0}}


def test_even_pieces_are_encoded_line_by_line_as_the_whole() -> None:
    text = "가나다 one\n\ntwo three\n"
    assert Joining(EvenPieces()).whole(text) == EvenPieces().encode(text)
    assert len(EvenPieces().encode("x" * 4 * BYTES_A_TOKEN)) == 4


def test_long_prompts_are_expected_not_to_fit_before_there_is_a_tokenizer(tmp_path: Path, write_jsonl: Any) -> None:
    reviews = [{"id": str(number), "text": f"영화가 좋다 {number} " * 9, "label": number % 2} for number in range(12)]
    pool, queries = write_jsonl("train.jsonl", reviews[:8]), write_jsonl("test.jsonl", reviews[8:])
    settings = TaskSettings(kind="nsmc", pool=str(pool), queries=str(queries), shots=(0, 1, 4), draws=2)
    assert expected_fitting(settings, "", 4096) == {0: 1.0, 1: 1.0, 4: 1.0}
    assert expected_fitting(settings, "", 256) == {0: 1.0, 1: 1.0, 4: 0.0}
    assert expected_fitting(TaskSettings(kind="control_map"), "", 64) == {}


@pytest.mark.parametrize("accepted", [(), ("few_fit",)])
def test_a_k_that_most_prompts_have_no_room_for_is_refused_unless_accepted(accepted: tuple[str, ...]) -> None:
    cells = {
        "model": {"layers": 2, "width": 128, "heads": 2, "context": 256},
        "schedule": {"tokens": 10**6, "batch": 8},
    }
    written = {"name": "s", "arms": {"web": {"mixture": {"web": 1}}}, "cells": cells, "accept": accepted}
    study = Study.model_validate(written)
    found = checked(Design.of(study, fitting={("qa", 256): {0: 1.0, 1: 0.95, 4: 0.6, 8: 0.0}}))
    said = "task qa: in a context of 256 tokens fit 60% at k = 4 and 0% at k = 8 of its prompts, and 95% is needed"
    (told,) = found.warnings if accepted else found.refusals
    assert said in told
    assert told.endswith("or write accept: [few_fit].") == (not accepted)
