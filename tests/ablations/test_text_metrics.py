"""Written answers against references: the published rules, and values that follow a finished cell."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import sacrebleu
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st

from ablations.text_metrics import (
    KEPT,
    char_f1,
    commonest_reference,
    corpus_score,
    exact_match,
    normalised,
    text_readings,
)
from curation.runtime.errors import InputError
from curation.runtime.store import Folder
from tokenizer.train import MODEL

TEXTS = ["서울에서 만난 사람", "the cat is on the mat", "부산의 바다가 좋다", "a dog sleeps in the house"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("《난중일기》", "난중일기"),
        ("〈아리랑〉(민요)", "아리랑 민요"),
        ("‘서울’  특별시", "서울 특별시"),
        ("U.S.A.", "usa"),
        ("1,000-2,000명!", "10002000명"),
        ("“겹따옴표”는 남는다", "“겹따옴표”는 남는다"),
        ("don't", "don t"),
        (" ()'' ", ""),
    ],
)
def test_answers_are_normalised_as_korquad_does(text: str, wanted: str) -> None:
    """Quotes and brackets part words, other ASCII punctuation vanishes; curly double quotes are not in its list."""
    assert normalised(text) == wanted


@given(st.text("가나다 ab.'(", max_size=12), st.text("가나다 ab.'(", max_size=12))
def test_character_f1_is_the_harmonic_mean_of_precision_and_recall(answer: str, reference: str) -> None:
    a, b = (list(normalised(text).replace(" ", "")) for text in (answer, reference))
    left, shared = b.copy(), 0
    for character in a:
        if character in left:
            left.remove(character)
            shared += 1
    precision, recall = shared / max(len(a), 1), shared / max(len(b), 1)
    wanted = 2 * precision * recall / (precision + recall) if shared else 0
    assert char_f1(answer, reference) == pytest.approx(wanted)
    assert exact_match(answer, reference) == (normalised(answer) == normalised(reference))


def test_the_best_reference_counts() -> None:
    references = [["서울", "서울특별시"], ["부산"]]
    assert corpus_score("exact_match", ["서울특별시.", "대구"], references) == 0.5
    assert corpus_score("char_f1", ["서울특별시", "부"], references) == pytest.approx((1 + 2 / 3) / 2)


def test_bleu_and_chrf_are_sacrebleus() -> None:
    """Items may have other numbers of references."""
    answers = ["the cat sat on the mat", "a dog sleeps"]
    one = [["the cat is on the mat"], ["a dog sleeps in the house"]]
    wanted = sacrebleu.corpus_bleu(answers, [[texts[0] for texts in one]]).score
    assert corpus_score("bleu_en", answers, one) == pytest.approx(wanted)
    assert corpus_score("chrf", answers, one) == pytest.approx(
        sacrebleu.corpus_chrf(answers, [[t[0] for t in one]]).score
    )
    assert corpus_score("bleu_en", answers, [[*one[0], answers[0]], one[1]]) > wanted
    assert corpus_score("bleu_ko", ["서울에서 만난 사람"], [["서울에서 만난 사람"]]) == pytest.approx(100)


def test_korean_bleu_counts_morphemes_not_words() -> None:
    """A particle that differs costs one morpheme, not the whole word."""
    close, far = "나는 학교에 가서 친구를 만났다", "우리 집 마당 아래 꽃밭이 있다"
    reference = [["나는 학교로 가서 친구를 만났다"]]
    assert corpus_score("bleu_ko", [close], reference) > corpus_score("bleu_ko", [far], reference)
    assert corpus_score("bleu_ko", [close], reference) != corpus_score("bleu_en", [close], reference)


def test_the_baseline_says_the_most_frequent_first_reference() -> None:
    assert commonest_reference([["b", "a"], ["b"], ["a"]]) == "b"
    assert commonest_reference([["b"], ["a"]]) == "a"


# ---- of a cell


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 5), model_writer=made, vocab_size=64, model_type="bpe", minloglevel=2,
        hard_vocab_limit=False, character_coverage=1.0,
    )  # fmt: skip
    folder = Folder(str(tmp_path_factory.mktemp("bpe-0123456789ab")))
    folder.write(MODEL, made.getvalue())
    return folder


def pieces(tokenizer: Folder, text: str) -> list[int]:
    model = sentencepiece.SentencePieceProcessor()
    model.LoadFromSerializedProto(tokenizer.read(MODEL))
    return list(model.Encode(text))


def a_result(tokenizer: Folder) -> dict[str, Any]:
    """Two draws: one with both answers right, one with the second answer where the first should be."""
    answers = [[TEXTS[0], TEXTS[2]], [TEXTS[2], TEXTS[2]]]
    groups: list[dict[str, Any]] = [
        {
            "k": 1,
            "condition": "gold",
            "draw": draw,
            "ids": ["a", "b"],
            "generated": [pieces(tokenizer, t) for t in texts],
        }
        for draw, texts in enumerate(answers)
    ]
    groups.append({"k": 1, "condition": "permuted", "draw": 0, "ids": ["a", "b"]})
    return {"final": {"few_shot": {"values": {}, "details": {"qa": {"groups": groups, "counts": {}, "version": 1}}}}}


TASKS = {
    "tasks/qa.json": json.dumps(
        {
            "task": "qa",
            "metrics": ["exact_match", "char_f1", "bleu_ko", "chrf", "macro_f1"],
            "references": {"a": [TEXTS[0], "사람"], "b": [TEXTS[2]]},
        }
    )
}


def test_values_of_a_cell_are_means_over_draws_with_a_baseline(tmp_path: Path, tokenizer: Folder) -> None:
    found = text_readings(Folder(str(tmp_path)), a_result(tokenizer), TASKS, tokenizer)
    start = "few_shot.qa.k1"
    assert found.values[f"{start}.gold.exact_match"] == fmean([1, 0.5])
    assert found.values[f"{start}.blind_exact_match"] == 0.5
    a, b = (Counter(text.replace(" ", "")) for text in (TEXTS[2], TEXTS[0]))
    wrong = 2 * (a & b).total() / (a.total() + b.total())
    assert found.values[f"{start}.gold.char_f1"] == pytest.approx(fmean([1, (wrong + 1) / 2]))
    draws = [
        corpus_score("chrf", texts, [[TEXTS[0], "사람"], [TEXTS[2]]])
        for texts in ([TEXTS[0], TEXTS[2]], [TEXTS[2]] * 2)
    ]
    assert found.values[f"{start}.gold.chrf"] == pytest.approx(fmean(draws))
    assert found.values[f"{start}.gold.bleu"] > found.values[f"{start}.blind_bleu"]
    assert "ko-mecab" in found.signatures["bleu_ko"]
    assert {name.rsplit(".", 1)[1] for name in found.values} == {
        f"{blind}{name}" for blind in ("", "blind_") for name in ("exact_match", "char_f1", "bleu", "chrf")
    }


def test_values_are_kept_in_the_cells_folder_until_what_they_come_from_changes(
    tmp_path: Path, tokenizer: Folder
) -> None:
    folder = Folder(str(tmp_path))
    first = text_readings(folder, a_result(tokenizer), TASKS, tokenizer)
    kept = folder.read_json(KEPT)
    folder.write_json(KEPT, {**kept, "values": {"few_shot.qa.k1.gold.chrf": 1.5}})
    assert text_readings(folder, a_result(tokenizer), TASKS, tokenizer).values == {"few_shot.qa.k1.gold.chrf": 1.5}
    folder.write_json(KEPT, {**kept, "what": {**kept["what"], "sacrebleu": "0"}})
    assert text_readings(folder, a_result(tokenizer), TASKS, tokenizer) == first


@pytest.mark.parametrize("where", ["none", "an empty folder"])
def test_a_cell_without_its_tokenizer_is_one_clear_error(tmp_path: Path, tokenizer: Folder, where: str) -> None:
    missing = None if where == "none" else Folder(str(tmp_path / "gone"))
    with pytest.raises(InputError, match=r"there is no tokenizer.* Run the study again"):
        text_readings(Folder(str(tmp_path)), a_result(tokenizer), TASKS, missing)


def test_a_cell_that_wrote_nothing_needs_no_tokenizer(tmp_path: Path) -> None:
    assert text_readings(Folder(str(tmp_path)), {"final": {}}, {}, None).values == {}
    assert not (tmp_path / KEPT).exists()
