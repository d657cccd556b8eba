"""Our estimator is lmplz: by the definition on tiny corpora, and n-gram by n-gram against the program where it is there."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from arpa_files import read_arpa
from hypothesis import given
from hypothesis import strategies as st

from curation.models import kneser_ney, lmplz
from curation.models.kneser_ney import FALLBACK, Corpus, arpa, estimate

LMPLZ = lmplz.find()
Gram = tuple[str, ...]
words = st.sampled_from("a b c d e".split())
corpora = st.lists(st.lists(words, max_size=8).map(" ".join), min_size=1, max_size=30)


def zipf_corpus(seed: int, lines: int, vocabulary: int) -> list[str]:
    draw = random.Random(seed)
    names = [f"w{i}" for i in range(vocabulary)]
    weights = [1 / (i + 1) for i in range(vocabulary)]
    return [" ".join(draw.choices(names, weights, k=draw.randint(1, 12))) for _ in range(lines)]


def ours(lines: list[str], order: int) -> dict[Gram, tuple[float, float]]:
    return read_arpa("".join(arpa(estimate(Corpus.of(lines), order))).split("\n"))


class Oracle:
    """Chen and Goodman's definition over dictionaries of tuples, with lmplz's choices; slow."""

    def __init__(self, lines: list[str], order: int) -> None:
        self.order = order
        self.numbers = {word: i for i, word in enumerate(("<unk>", "<s>", "</s>"))}
        actual: list[Counter[Gram]] = [Counter() for _ in range(order + 1)]
        for line in lines:
            for word in line.split():
                self.numbers.setdefault(word, len(self.numbers))
            sentence = ("<s>", *line.split(), "</s>")
            for n in range(1, order + 1):
                actual[n].update(sentence[i : i + n] for i in range(len(sentence) - n + 1))
        del actual[1][("<s>",)]
        self.counts = [Counter[Gram](), *(self._adjusted(actual, n) for n in range(1, order + 1))]
        full = (gram for n in range(1, order + 1) for gram in actual[n] if n == order or gram[0] == "<s>")
        last = max(full, key=self._suffix_key)
        self.discounts = [FALLBACK, *(self._discounts(actual, n, last) for n in range(1, order + 1))]
        self.followers: dict[Gram, dict[str, int]] = defaultdict(dict)
        for n in range(1, order + 1):
            for gram, count in self.counts[n].items():
                self.followers[gram[:-1]][gram[-1]] = count

    def _suffix_key(self, gram: Gram) -> list[int]:
        padded = ("<s>",) * (self.order - len(gram)) + gram
        return [self.numbers[word] for word in reversed(padded)]

    def _adjusted(self, actual: list[Counter[Gram]], n: int) -> Counter[Gram]:
        if n == self.order:
            return actual[n]
        before = Counter(gram[1:] for gram in actual[n + 1])
        return Counter({g: c if g[0] == "<s>" else before[g] for g, c in actual[n].items()})

    def _discounts(self, actual: list[Counter[Gram]], n: int, last: Gram) -> tuple[float, ...]:
        counts = dict(self.counts[n])
        if n < self.order and n <= len(last):
            counts[last[-n:]] = actual[n][last[-n:]]  # lmplz counts the last one of each order so
        of = Counter(counts.values())
        if not (of[1] and of[2] and of[3]):
            return FALLBACK
        y = of[1] / (of[1] + 2 * of[2])
        found = [j - (j + 1) * y * of[j + 1] / of[j] for j in (1, 2, 3)]
        return (0.0, *found) if all(0 <= d <= j for j, d in enumerate(found, 1)) else FALLBACK

    def weight(self, context: Gram) -> float:
        """What a context leaves to the lower order."""
        if context not in self.followers:
            return 1.0
        counts = self.followers[context].values()
        return sum(self.discounts[len(context) + 1][min(c, 3)] for c in counts) / sum(counts)

    def probability(self, gram: Gram) -> float:
        if not gram:
            return 1 / (len(self.numbers) - 1)
        if gram == ("<s>",):
            return 1.0
        context, n = gram[:-1], len(gram)
        lower = self.probability(gram[1:])
        if context not in self.followers:
            return lower
        count = self.followers[context].get(gram[-1], 0)
        own = (count - self.discounts[n][min(count, 3)]) / sum(self.followers[context].values())
        return own + self.weight(context) * lower


@given(lines=corpora, order=st.integers(2, 5))
def test_every_probability_is_the_definitions(lines: list[str], order: int) -> None:
    if max(len(line.split()) for line in lines) + 2 < order:
        with pytest.raises(ValueError, match="no sentence holds"):
            ours(lines, order)
        return
    oracle = Oracle(lines, order)
    found = ours(lines, order)
    expected = {gram for counts in oracle.counts for gram in counts}
    assert found.keys() == expected | {("<unk>",), ("<s>",)}
    for gram, (probability, backoff) in found.items():
        assert 10**probability == pytest.approx(oracle.probability(gram), rel=1e-4, abs=1e-9), gram
        assert 10**backoff == pytest.approx(oracle.weight(gram) if len(gram) < order else 1.0, rel=1e-4, abs=1e-9), gram


@pytest.mark.parametrize("seed", range(3))
def test_the_words_after_every_context_have_probability_one(seed: int) -> None:
    """If they had more, garbage could score better than text."""
    lines = zipf_corpus(seed, 60, 12)
    found = ours(lines, 3)
    vocabulary = [gram[0] for gram in found if len(gram) == 1 and gram != ("<s>",)]

    def log10(gram: Gram) -> float:
        if gram in found:
            return found[gram][0]
        return found.get(gram[:-1], (0.0, 0.0))[1] + log10(gram[1:])

    contexts = {gram for gram in found if len(gram) < 3 and gram[-1] not in ("</s>", "<unk>")}
    for context in contexts:
        assert sum(10 ** log10((*context, word)) for word in vocabulary) == pytest.approx(1.0, abs=1e-4), context


def test_discounts_that_cannot_be_estimated_are_lmplzs_own() -> None:
    assert estimate(Corpus.of(["a a a", "b b"]), 2).discounts[0] == FALLBACK[1:]


def test_special_words_in_the_text_are_left_out() -> None:
    assert ours(["a <s> b </s> <unk>"] * 3, 2).keys() == ours(["a b"] * 3, 2).keys()


@pytest.mark.skipif(LMPLZ is None, reason="lmplz is not on this machine; `make kenlm-tools` builds it")
@pytest.mark.parametrize("order", [2, 3, 5])
@pytest.mark.parametrize(("lines", "vocabulary"), [(1, 5), (3, 2), (40, 3), (100, 500), (2000, 300), (4000, 5000)])
def test_every_log_probability_is_lmplzs_within_a_thousandth(
    order: int, lines: int, vocabulary: int, tmp_path: Path
) -> None:
    """The promise that scores mean the same with and without lmplz."""
    corpus = zipf_corpus(lines + order, lines, vocabulary)
    theirs = lmplz_model(corpus, order, tmp_path)
    found = ours(corpus, order)
    assert found.keys() == theirs.keys()
    difference = np.abs(np.array([found[g] for g in found]) - np.array([theirs[g] for g in found]))
    assert difference.max() < 1e-3
    assert len(found) > order


def lmplz_model(corpus: list[str], order: int, folder: Path, memory: str = "200M") -> dict[Gram, tuple[float, float]]:
    assert LMPLZ is not None
    text, target = folder / "text", folder / "arpa"
    text.write_text("".join(f"{line}\n" for line in corpus))
    lmplz.estimate(LMPLZ, str(text), str(target), order, memory)
    return read_arpa(target.read_text().split("\n"))


@pytest.mark.skipif(LMPLZ is None, reason="lmplz is not on this machine; `make kenlm-tools` builds it")
def test_sentences_score_as_under_lmplz(tmp_path: Path) -> None:
    import kenlm

    corpus = zipf_corpus(1, 3000, 1000)
    lmplz_model(corpus, 5, tmp_path)
    (tmp_path / "own.arpa").write_text("".join(arpa(estimate(Corpus.of(corpus), 5))))
    config = kenlm.Config()
    config.show_progress, config.arpa_complain = False, kenlm.ARPALoadComplain.NONE
    theirs, own = (kenlm.Model(str(tmp_path / name), config) for name in ("arpa", "own.arpa"))
    for line in [*corpus[:200], *zipf_corpus(2, 200, 3000)]:
        assert own.score(line) == pytest.approx(theirs.score(line), abs=1e-3 * (len(line.split()) + 1))


@pytest.mark.skipif(LMPLZ is None, reason="lmplz is not on this machine; `make kenlm-tools` builds it")
def test_lmplz_gives_the_same_bytes_whatever_its_memory(tmp_path: Path) -> None:
    """Memory is where and how, so it may not change a model."""
    corpus = zipf_corpus(3, 3000, 1000)
    files = []
    for memory in ("64M", "500M"):
        lmplz_model(corpus, 5, tmp_path, memory)
        binary = tmp_path / f"binary-{memory}"
        assert LMPLZ is not None
        lmplz.binary(LMPLZ, str(tmp_path / "arpa"), str(binary))
        files.append(((tmp_path / "arpa").read_bytes(), binary.read_bytes()))
    assert files[0] == files[1]


def test_counts_are_exact_for_words_of_any_script() -> None:
    grams = kneser_ney.count(Corpus.of(["\u2581한 국", "\u2581한 국 \u2581한"]), 2)
    assert sorted(grams[1].actual.tolist()) == [1, 1, 1, 2, 2]
