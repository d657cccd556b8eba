"""One layer of attention copies nothing from ordinary text, so context gain says so."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
from cells import edit, write_cell, write_tokens

from ablations.core.cell import train_cell
from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.metrics.context_gain import ContextGain
from ablations.core.spec.cell_spec import MEASURING, read_measuring
from ablations.core.training.members import read_whole
from curation.sources.base import Row
from curation.sources.environment import Environment
from tokenizer.model import TokenizerModel
from tokenizer.train import BOS

PIECES, HELDOUT = 1024, 5  # of the tokenizer; every fifth document


def write_text(folder: Path) -> None:
    """Documentation of this machine, encoded, as `train` and `heldout`."""
    source = Environment(part="reference", budget_bytes=5_000_000)
    (piece,) = source.plan("reference", "", 10**9)
    texts = [row.text for row in source.read("reference", piece) if isinstance(row, Row) and len(row.text) > 1000]
    made = io.BytesIO()
    options: dict[str, Any] = {"model_type": "bpe", "byte_fallback": True, "minloglevel": 2, "vocab_size": PIECES}
    options |= {"character_coverage": 0.98, "input_sentence_size": 20_000, "shuffle_input_sentence": True}
    lines = [line for text in texts for line in text.splitlines() if line]
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=made, **options)
    model = TokenizerModel(made.getvalue(), "made here")
    documents = [[model.bos, *model.encode(text)] for text in texts]
    for stem, held in (("train", False), ("heldout", True)):
        chosen = [number for number in range(len(texts)) if (number % HELDOUT == 0) == held]
        sizes = [len(texts[number].encode()) for number in chosen]
        write_tokens(folder, f"tokens/reference.{stem}", [documents[number] for number in chosen], sizes)


@pytest.mark.simulation
def test_of_one_layer_the_order_of_ordinary_text_gains_nothing(tmp_path: Path) -> None:
    """If this fails, the bag of a context is called copying from it. Two layers gain three times the limit within 2.5M tokens."""
    write_text(tmp_path)
    write_cell(
        tmp_path, context=256, metrics=[], tasks=[], evaluations=0, bos=BOS, specials=[BOS],
        model={"vocab_size": PIECES, "layers": 1, "width": 128, "heads": 2, "mlp_ratio": 0},
        schedule={"tokens": 1_000_000, "batch": 8, "warmup_steps": 20},
        train=[{"source": "reference", "tokens": "tokens/reference.train"}],
        optimizer={"kind": "muon_float32", "learning_rate": 0.01, "adam_learning_rate": 0.003},
    )  # fmt: skip
    edit(tmp_path / MEASURING, "heldout", to={"reference": "tokens/reference.heldout"})
    trained = train_cell(tmp_path)
    measuring = read_measuring(tmp_path)
    assert measuring
    data = EvaluationData.of(tmp_path, read_whole(tmp_path).training, measuring).replace(tasks=[], repeats=2000)
    found = ContextGain().measure(trained.model_at(trained.final), data.only(ContextGain.reads))
    values = {reading.reading: reading.value for reading in found.readings if reading.source == "reference"}
    assert values["content"] is not None
    assert values["content"] > 0.02, "it knows the bag of the context"
    assert values["order"] == pytest.approx(0, abs=0.01)
