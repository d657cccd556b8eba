"""A model that knows every answer gets every answer right: the whole way from rows to exact match."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import sentencepiece
import torch
from letter_encoder import Copy, asked

from ablations.cells.measure_job import with_texts
from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.data.items import TaskItems
from ablations.core.metrics.few_shot import FewShot
from ablations.core.model.model import Model, loss_of
from ablations.core.results.answers import TaskAnswers
from ablations.core.spec.model_spec import ModelSpec
from ablations.prompts.demos import Design
from ablations.prompts.prompts import task_items
from ablations.readings.few_shot import about_task, few_shot_readings
from ablations.readings.label_metrics.registry import LABEL_METRICS
from ablations.readings.text_metrics.registry import TEXT_METRICS
from curation.runtime.store.folder import Folder
from tokenizer.model import TokenizerModel, load_tokenizer
from tokenizer.train import MODEL

ANSWERS = ["서울에서 만난 사람", "the cat is on the mat", "부산의 바다가 좋다", "a dog sleeps", "12", "파란 하늘"]
ROWS = [{"text": f"row {number}", "said": [answer]} for number, answer in enumerate(ANSWERS)]
POOL = [{"text": f"shown {number}", "said": [answer]} for number, answer in enumerate(ANSWERS)]


class Said(Copy):
    """Answers of several words, in two scripts."""

    kind = "said"
    max_tokens = 40


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    made = io.BytesIO()
    options: dict[str, Any] = {"vocab_size": 330, "model_type": "bpe", "byte_fallback": True, "minloglevel": 2}
    lines = [f"{row['text']} -> {row['said'][0]}" for row in (*ROWS, *POOL)]
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines * 4), model_writer=made, **options)
    folder = Folder(str(tmp_path_factory.mktemp("tokenizer")))
    folder.write(MODEL, made.getvalue())
    return folder


def trained_on(items: TaskItems, tokenizer: TokenizerModel) -> Model:
    """A model that read each question with its answer, and then the beginning of the next document, as in training."""
    spec = ModelSpec(vocab_size=tokenizer.vocab_size, layers=2, width=64, heads=2, context=64)
    model = Model(spec, seed=1)
    (group,) = (group for group in items.groups if group.k == 0)
    documents = [(*group.prefix, *item.prompt, *item.choices[0], tokenizer.bos) for item in group.items]
    longest = max(map(len, documents))
    tokens_BT = torch.tensor([[*each, *[tokenizer.bos] * (longest - len(each))] for each in documents])
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(150):
        optimizer.zero_grad()
        loss_of(model, tokens_BT[:, :-1], tokens_BT[:, 1:], None).backward()
        optimizer.step()
    return model.eval()


def measured(tokenizer: Folder, max_tokens: int) -> dict[str, float]:
    """Readings of a task with written answers, zero-shot, by their names without the beginning."""
    task, encoder = Said(), load_tokenizer(tokenizer)
    task.max_tokens = max_tokens  # type: ignore[misc]
    items = task_items(task, asked(task, POOL), asked(task, ROWS), encoder, 64, Design(shots=(0,), draws=1))
    model = trained_on(items, encoder)
    data = EvaluationData(
        context=64, vocab_size=encoder.vocab_size, bos=encoder.bos, specials=(encoder.bos,), heldout={}, tasks=[items], seed=1,
        windows=1, items=99, sequences=1, batch=4,
    )  # fmt: skip
    found = FewShot().measure(model, data)
    assert items.counts["long_references"] == sum(len(encoder.encode(answer)) > max_tokens for answer in ANSWERS)
    whole = with_texts({"final": found.to_json()}, tokenizer)
    about = about_task(items.to_json(), LABEL_METRICS.classes(), TEXT_METRICS.classes())
    answers = TaskAnswers.from_json(whole["final"]["answers"][""])
    readings = [*found.readings, *few_shot_readings(answers, about)]
    return {each.name.removeprefix("few_shot.said.k0."): each.value for each in readings if each.value is not None}


def test_a_perfect_model_scores_an_exact_match_of_one(tokenizer: Folder) -> None:
    """If this fails, a score measures how a source's documents end, not what the model knows."""
    values = measured(tokenizer, 40)
    assert values["gold.exact_match"] == 1.0
    assert values["at_limit"] == 0.0


def test_answers_at_the_limit_are_counted(tokenizer: Folder) -> None:
    lengths = [len(load_tokenizer(tokenizer).encode(answer)) for answer in ANSWERS]
    limit = int(np.median(lengths))
    values = measured(tokenizer, limit)
    assert values["at_limit"] == pytest.approx(np.mean([length > limit for length in lengths]))  # just as long is whole
    assert values["gold.exact_match"] < 1.0
