"""Written answers against references: what is true of every text metric, the published rules, values of a finished cell."""

from __future__ import annotations

import io
import math
import random
import re
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import sacrebleu
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from ablations.cells.measure_job import with_texts
from ablations.core.results.answers import GroupAnswers, Score, TaskAnswers
from ablations.core.results.readings import Reading
from ablations.readings.few_shot import about_task, few_shot_readings
from ablations.readings.label_metrics.registry import LABEL_METRICS
from ablations.readings.text_metrics.base import TextMetric
from ablations.readings.text_metrics.char_f1 import char_f1
from ablations.readings.text_metrics.exact_match import exact_match
from ablations.readings.text_metrics.normalised import normalised
from ablations.readings.text_metrics.references import commonest_reference
from ablations.readings.text_metrics.registry import TEXT_METRICS
from ablations.readings.text_metrics.rouge_l import common_subsequence
from curation.runtime.errors import InputError
from curation.runtime.registry import Plugin
from curation.runtime.store.folder import Folder
from tokenizer.train import MODEL

TEXTS = ["서울에서 만난 사람", "the cat is on the mat", "부산의 바다가 좋다", "a dog sleeps in the house"]


MEMBERS = TEXT_METRICS.classes()
every_metric = pytest.mark.parametrize("metric", [cls() for cls in MEMBERS.values()], ids=MEMBERS)
words = st.sampled_from("나는 어제 학교에 갔다 the cat sat on mat.".split())
whole = st.lists(words, min_size=5, max_size=8).map(" ".join)  # BLEU looks at four words in a row
written = st.one_of(whole, st.lists(words, max_size=2).map(" ".join))
some_items = st.lists(st.tuples(written, st.lists(whole, min_size=1, max_size=3)), min_size=1, max_size=6)
Items = list[tuple[str, list[str]]]


def corpus_score(metric: str, answers: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    return TEXT_METRICS.get(metric)().score(answers, references)


def score(metric: TextMetric, items: Items) -> float:
    return metric.score([answer for answer, _ in items], [references for _, references in items])


@every_metric
def test_a_text_metric_says_what_it_is(metric: TextMetric) -> None:
    """Tables, axes and `--help` take their words from here; what is missing would be an empty cell there."""
    assert metric.unit
    assert metric.words
    assert metric.better in ("higher", "lower", None)
    assert metric.version >= 1
    assert re.fullmatch("[a-z0-9_]+", metric.reading), "a part of a dotted name"
    assert TEXT_METRICS.catalogue()[metric.kind]


@every_metric
def test_the_examples_of_a_text_metric_come_true(metric: TextMetric) -> None:
    assert len(metric.examples) >= 2
    for answers, references, wanted in metric.examples:
        assert metric.score(answers, references) == pytest.approx(wanted)


@every_metric
@settings(deadline=None, max_examples=50)
@given(items=some_items, luck=st.randoms(use_true_random=False))
def test_a_text_metric_does_not_depend_on_the_order_of_items(
    metric: TextMetric, items: Items, luck: random.Random
) -> None:
    """If this fails, asking the same items in another order is another result."""
    assert score(metric, luck.sample(items, len(items))) == pytest.approx(score(metric, items))


@every_metric
@settings(deadline=None, max_examples=50)
@given(items=some_items)
def test_no_answers_are_better_than_the_references(metric: TextMetric, items: Items) -> None:
    """If this fails, a model is rewarded for mistakes; and whatever it writes, also nothing, the score is a number."""
    found = score(metric, items)
    assert math.isfinite(found)
    right = score(metric, [(references[0], references) for _, references in items])
    if metric.better:
        assert (right - found) * {"higher": 1, "lower": -1}[metric.better] >= -1e-9


@every_metric
def test_a_text_metric_scores_the_most_frequent_answer_of_a_baseline(metric: TextMetric) -> None:
    """Each reading is held against a guesser who writes one answer always."""
    references = [[TEXTS[0]], [TEXTS[2]], [TEXTS[0]]]
    assert math.isfinite(metric.score([commonest_reference(references)] * 3, references))


def test_a_metric_is_read_by_its_own_name_unless_it_says_another() -> None:
    assert {name: cls.reading for name, cls in MEMBERS.items() if cls.reading != name} == {
        "bleu_en": "bleu",
        "bleu_ko": "bleu",
    }


# ---- each one


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


def slow_subsequence(a: str, b: str) -> int:
    """The longest of all subsequences of `a` that is one of `b`."""

    def found(some: tuple[str, ...]) -> bool:
        rest = iter(b)
        return all(letter in rest for letter in some)

    return max(size for size in range(len(a) + 1) if any(map(found, combinations(a, size))))


@settings(max_examples=300, deadline=None)
@given(st.text("abc", max_size=8), st.text("abc", max_size=10))
def test_the_longest_common_subsequence_is_the_longest_of_all(a: str, b: str) -> None:
    assert common_subsequence(a, b) == slow_subsequence(a, b) == common_subsequence(b, a)


def test_a_common_subsequence_of_thousands_of_words_is_found() -> None:
    """Longer than a machine word, whose carries would be lost at 64."""
    a = [str(number) for number in range(5000)]
    assert common_subsequence(a, a[::3]) == len(a[::3])
    assert common_subsequence(a, a[::-1]) == 1


def test_rouge_l_is_that_of_the_paper() -> None:
    """The sentences of Lin 2004, section 3.1: the order of words counts, which single words would not see."""
    reference = [["police killed the gunman"]]
    assert corpus_score("rouge_l", ["police kill the gunman"], reference) == pytest.approx(3 / 4)
    assert corpus_score("rouge_l", ["the gunman kill police"], reference) == pytest.approx(2 / 4)


def test_rouge_l_keeps_korean_words_whole() -> None:
    """Tools that keep a to z alone give 0 to every Korean answer."""
    assert corpus_score("rouge_l", ["나는 학교에 갔다."], [["나는 어제 학교에 갔다"]]) == pytest.approx(6 / 7)
    assert corpus_score("rouge_l", ["학교로"], [["학교에"]]) == 0, "another particle is another word"


def test_the_best_reference_of_each_item_counts_in_rouge_l() -> None:
    references = [["부산", "서울 특별시"], ["대구"]]
    assert corpus_score("rouge_l", ["서울 특별시", "인천"], references) == pytest.approx(0.5)


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


REFERENCES = {"a": [TEXTS[0], "사람"], "b": [TEXTS[2]]}
METRICS = ["exact_match", "char_f1", "bleu_ko", "chrf", "macro_f1"]
START = "few_shot.qa.k1"
WRITTEN = [[TEXTS[0], TEXTS[2]], [TEXTS[2], TEXTS[2]]]  # all right; the second answer where the first should be


def a_measure(tokenizer: Folder) -> dict[str, Any]:
    """Two draws as a cell measures them, which knows tokens alone."""
    scores = tuple(Score(id_, 0, (-1.0,), (1,)) for id_ in REFERENCES)
    draws = [
        GroupAnswers(1, "gold", draw, scores, written=tuple(tuple(pieces(tokenizer, text)) for text in texts))
        for draw, texts in enumerate(WRITTEN)
    ]
    answers = TaskAnswers("qa", (*draws, GroupAnswers(1, "permuted", 0, scores)))
    return {"final": {"readings": [], "answers": {"": answers.to_json()}, "details": {}}}


def readings_of(
    measured: dict[str, Any], metrics: Sequence[str] = METRICS, plugins: Sequence[Plugin] = ()
) -> dict[str, Reading]:
    """Those of the texts that were written, by what follows the task and k."""
    items = {"metrics": metrics, "references": REFERENCES, "generation": {"max_tokens": 9, "stop": []}}
    about = about_task(items, LABEL_METRICS.classes(plugins), TEXT_METRICS.classes(plugins))
    found = few_shot_readings(TaskAnswers.from_json(measured["final"]["answers"][""]), about)
    of_texts = {metric.reading for metric in about.text_metrics}
    return {
        reading.name.removeprefix(f"{START}."): reading
        for reading in found
        if reading.reading.removeprefix("blind_") in of_texts
    }


def values_of(readings: dict[str, Reading]) -> dict[str, float]:
    return {name: reading.value for name, reading in readings.items() if reading.value is not None}


def test_values_of_a_cell_are_means_over_draws_with_a_baseline(tokenizer: Folder) -> None:
    found = values_of(readings_of(with_texts(a_measure(tokenizer), tokenizer)))
    assert found["gold.exact_match"] == fmean([1, 0.5])
    assert found["blind_exact_match"] == 0.5
    a, b = (Counter(text.replace(" ", "")) for text in (TEXTS[2], TEXTS[0]))
    wrong = 2 * (a & b).total() / (a.total() + b.total())
    assert found["gold.char_f1"] == pytest.approx(fmean([1, (wrong + 1) / 2]))
    draws = [corpus_score("chrf", texts, [REFERENCES["a"], REFERENCES["b"]]) for texts in WRITTEN]
    assert found["gold.chrf"] == pytest.approx(fmean(draws))
    assert found["gold.bleu"] > found["blind_bleu"]
    assert set(found) == {
        f"{condition}{name}" for condition in ("gold.", "blind_") for name in ("exact_match", "char_f1", "bleu", "chrf")
    }


def test_a_reading_of_texts_says_what_it_is_as_its_metric_does(tokenizer: Folder) -> None:
    """If this fails, a score from 0 to 100 is read as one from 0 to 1."""
    found = readings_of(with_texts(a_measure(tokenizer), tokenizer))
    bleu, blind = found["gold.bleu"], found["blind_bleu"]
    assert (bleu.unit, bleu.better, bleu.n) == ("BLEU, 0 to 100", "higher", {"answers": 4})
    assert (blind.unit, blind.better, blind.n) == ("BLEU, 0 to 100", None, {"answers": 4})
    assert (bleu.task, bleu.k, bleu.condition) == ("qa", 1, "gold")


def test_what_was_written_is_kept_as_text_whose_scores_need_no_tokenizer(tokenizer: Folder) -> None:
    """If this fails, a report of cells that were measured elsewhere has no scores of written answers."""
    measured = with_texts(a_measure(tokenizer), tokenizer)
    groups = TaskAnswers.from_json(measured["final"]["answers"][""]).groups
    assert [group.texts and list(group.texts) for group in groups] == [*WRITTEN, None]


def plugin_that_counts(value: float) -> Plugin:
    return Plugin(
        "own.py",
        "from ablations.readings.text_metrics.base import TextMetric\n"
        "class Own(TextMetric):\n    kind = 'own'\n    version = 1\n    unit = words = 'own'\n"
        f"    def score(self, answers, references):\n        return {value} * len(answers)\n",
    )


def test_a_metric_of_a_plugin_is_read_like_the_others_and_again_when_its_file_changes(tokenizer: Folder) -> None:
    """If this fails, an edited metric shows the numbers of the old one."""
    measured, metrics = with_texts(a_measure(tokenizer), tokenizer), ["own", "rouge_l"]
    found = values_of(readings_of(measured, metrics, [plugin_that_counts(1.5)]))
    assert (found["gold.own"], found["blind_own"]) == (3, 3)
    assert found["gold.rouge_l"] > found["blind_rouge_l"]
    edited = values_of(readings_of(measured, metrics, [plugin_that_counts(2.0)]))
    assert edited["gold.own"] == 4
    assert set(values_of(readings_of(measured, metrics))) == {"gold.rouge_l", "blind_rouge_l"}


def test_a_tokenizer_that_is_gone_is_one_clear_error(tmp_path: Path, tokenizer: Folder) -> None:
    with pytest.raises(InputError, match=r"the tokenizer is gone.* run the study again"):
        with_texts(a_measure(tokenizer), Folder(str(tmp_path / "gone")))


def test_where_no_tokenizer_is_at_hand_there_are_answers_without_scores(tokenizer: Folder) -> None:
    measured = a_measure(tokenizer)
    assert with_texts(measured, None) == a_measure(tokenizer)
    assert readings_of(measured) == {}


def test_a_cell_that_wrote_nothing_needs_no_tokenizer(tmp_path: Path) -> None:
    chosen = TaskAnswers("qa", (GroupAnswers(1, "gold", 0, (Score("a", 0, (-1.0, -2.0), (1, 1)),)),))
    measured = {"final": {"answers": {"": chosen.to_json()}}}
    assert with_texts(measured, Folder(str(tmp_path / "gone"))) == {"final": {"answers": {"": chosen.to_json()}}}


def test_a_score_of_sacrebleu_has_a_signature_and_others_have_none() -> None:
    """A published score has to name tokenizer, references and version."""
    for kind, named in (("bleu_ko", "tok:ko-mecab"), ("bleu_en", "tok:13a"), ("chrf", "nc:6")):
        metric = TEXT_METRICS.get(kind)()
        metric.score([TEXTS[0]], [[TEXTS[0]]])
        assert named in metric.signature()
        assert f"version:{sacrebleu.__version__}" in metric.signature()
    assert TEXT_METRICS.get("char_f1")().signature() == ""
