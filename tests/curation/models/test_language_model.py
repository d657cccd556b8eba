"""A model folder: what it scores, and what is said when it is damaged."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from arpa_files import read_arpa

from curation.models import language_model
from curation.models.example_language_model import example_language_model
from curation.models.language_model import ARPA, CARD, PIECES, LogProbabilities
from curation.models.language_model_settings import LanguageModelSettings
from curation.models.train_language_model import Sample, train_model
from curation.runtime.errors import ConfigError, InputError
from curation.runtime.store.folder import Folder

TEXTS = ["The model reads a line.\n\nThe reader keeps 1999 texts!", "", " \n ", "\u4e2d\u6587 text"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example's folder, to be damaged."""
    return Path(shutil.copytree(example_language_model(), tmp_path / "model"))


def test_a_document_is_the_sum_of_its_lines_under_the_n_grams() -> None:
    """Recomputed from the ARPA file by the back-off rule."""
    url = example_language_model()
    grams = read_arpa(Path(url, ARPA).read_text().split("\n"))
    model = language_model.load_language_model(url)
    pieces = language_model.open_pieces(f"{url}/{PIECES}")

    def log10(gram: tuple[str, ...]) -> float:
        if gram in grams:
            return grams[gram][0]
        return grams.get(gram[:-1], (0.0, 0.0))[1] + log10(gram[1:]) if len(gram) > 1 else grams[("<unk>",)][0]

    total, tokens = 0.0, 0
    for sentence, _ in pieces.sentences(["the model reads a line.", "the reader keeps 0000 texts!"]):
        words = ["<s>", *sentence.split(" "), "</s>"]
        total += sum(log10(tuple(words[max(0, i - 2) : i + 1])) for i in range(1, len(words)))
        tokens += len(words) - 1
    measured = model.scorer.measure(TEXTS)
    assert measured.log10[0] == pytest.approx(total, abs=1e-3)
    assert measured.tokens.tolist()[:3] == [tokens, 0, 0]
    assert measured.perplexity[0] == pytest.approx(10 ** (-total / tokens), rel=1e-3)
    assert measured.perplexity[1] == 0.0


def test_a_model_on_an_object_store_scores_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """KenLM maps files, so each machine keeps a copy."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    here, there = example_language_model(), Folder("memory://loam-language-model")
    for path in Path(here).iterdir():
        there.write(path.name, path.read_bytes())
    assert language_model.checked_digest(there.url) == language_model.checked_digest(here)
    measured = [
        language_model.load_language_model(url).scorer.measure(TEXTS).log10.tolist() for url in (here, there.url)
    ]
    assert measured[0] == measured[1]
    assert len(list(tmp_path.glob("loam-models-*/*"))) == 2


def test_pieces_are_the_text_with_what_is_unknown_as_it_is_written() -> None:
    """Were the unknown one piece of its own, a text in another script would look familiar."""
    pieces = language_model.open_pieces(f"{example_language_model()}/{PIECES}")
    lines = ["the model \u4e2d\u6587 reads", "the line.", "", "\u4e2d"]
    found = list(pieces.sentences(lines))
    assert [sentence.replace(" ", "").replace("\u2581", " ").strip() for sentence, _ in found] == lines
    assert [length for _, length in found] == [len(sentence.split()) for sentence, _ in found]


def test_buckets_lie_on_the_percentiles_of_the_model() -> None:
    model = language_model.load_language_model(example_language_model())
    head, tail = model.card["head_until"], model.card["tail_from"]
    at = np.array([head, head * 1.0001, tail, tail * 1.0001, 1.0])
    measured = LogProbabilities(-np.log10(at) * np.array([1, 1, 1, 1, 0]), np.array([1, 1, 1, 1, 0]))
    found = model.buckets(measured)
    assert found[1:] == ["middle", "middle", "tail", ""] or found[1:] == ["middle", "tail", "tail", ""]
    assert model.card["percentiles"] == sorted(model.card["percentiles"])
    assert (head, tail) == (model.card["percentiles"][29], model.card["percentiles"][59])


@pytest.mark.parametrize("name", [PIECES, ARPA])
def test_a_damaged_file_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"nothing of a model")
    with pytest.raises(InputError, match=f"{name}: damaged"):
        language_model.checked_digest(str(folder))


@pytest.mark.parametrize(("name", "found"), [(PIECES, "not a SentencePiece model"), (ARPA, "not a KenLM model")])
def test_what_is_no_model_is_said_to_be_none(folder: Path, name: str, found: str) -> None:
    (folder / name).write_bytes(b"nothing of a model")
    with pytest.raises(InputError, match=found):
        language_model.load_language_model(str(folder))


@pytest.mark.parametrize("name", [PIECES, ARPA])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name}: cannot be read"):
        language_model.checked_digest(str(folder))
    with pytest.raises(InputError, match=name):
        language_model.load_language_model(str(folder))


@pytest.mark.parametrize("card", ["{", "[]", "{}", json.dumps({"format": 1, "files": []})])
def test_a_folder_without_a_proper_card_is_no_model(folder: Path, card: str) -> None:
    (folder / CARD).write_text(card)
    with pytest.raises(InputError, match=CARD):
        language_model.read_card(str(folder))


def test_a_folder_without_a_card_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no model\.json there"):
        language_model.read_card(str(tmp_path))


def test_too_little_text_is_said_to_be_too_little(tmp_path: Path) -> None:
    settings = LanguageModelSettings(vocab_size=50, order=6, heldout=0.001)
    few = Sample.of([(bytes(16), "a b"), (bytes(15), "b a")], settings, str(tmp_path))
    with pytest.raises(ConfigError, match=r"models\.few"):
        train_model("few", settings, "own", few, Folder(str(tmp_path / "model")), str(tmp_path))


def test_the_text_that_is_held_out_is_not_trained_on(tmp_path: Path) -> None:
    """Perplexities of text that was learnt would put every other document in the tail."""
    settings = LanguageModelSettings(heldout=0.5)
    documents = [(bytes([i]) * 16, f"document {chr(97 + i % 26)}{chr(97 + i // 26)}") for i in range(100)]
    sample = Sample.of(documents, settings, str(tmp_path))
    learnt = set(Path(sample.text).read_text().splitlines())
    assert 20 < len(sample.heldout) < 80
    assert learnt == {text for _, text in documents} - set(sample.heldout)
