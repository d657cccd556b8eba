"""What is true of every annotator, now and later: a new file in `curation/annotators` is tested without a new test."""

from __future__ import annotations

import math
import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd_texts import ODD, odd_texts

from curation.annotators.base import Annotator, Bands, Spans, rows_of
from curation.annotators.registry import ANNOTATORS
from curation.passes.annotate import table_of
from curation.runtime.identity import canonical
from curation.text.batch import Batch

CLASSES = ANNOTATORS.classes()
MADE = {name: cls.for_examples() for name, cls in CLASSES.items()}
every_annotator = pytest.mark.parametrize("annotator", MADE.values(), ids=MADE)


@every_annotator
def test_examples_in_the_file_come_true(annotator: Annotator) -> None:
    """Examples are shown in the docs; a wrong one misleads everybody who sets a threshold by it."""
    assert len(annotator.examples) >= 2, "an annotator shows what it gives for at least two texts"
    rows = rows_of(annotator, annotator.score(Batch.of(annotator.examples)))
    for (text, expected), found in zip(annotator.examples.items(), rows, strict=True):
        assert len(expected) == len(annotator.columns), text
        for column, wanted, value in zip(annotator.columns, expected, found, strict=True):
            if wanted is not None:
                assert value == (pytest.approx(wanted) if isinstance(wanted, float) else wanted), (text, column.name)


@every_annotator
def test_the_empty_text_is_an_example(annotator: Annotator) -> None:
    """Empty documents occur in every corpus; their values must be chosen, not left to chance."""
    assert "" in annotator.examples


@every_annotator
def test_columns_are_declared_once_and_usable_in_a_policy(annotator: Annotator) -> None:
    """A policy addresses a score as annotator.column in YAML; odd characters there cannot be written."""
    names = [column.name for column in annotator.columns]
    assert names
    assert len(set(names)) == len(names)
    for name in names:
        assert set(name) <= {*string.ascii_lowercase, *string.digits, "_"}
    for column in annotator.columns:
        assert column.type in {"int", "float", "bool"} or column.range == (None, None), "a range is for numbers"
        assert column.type != "spans" or column.name == "spans", "policies look for spans under this name"


@every_annotator
def test_its_docstring_says_what_it_measures(annotator: Annotator) -> None:
    """The first line is shown by the command line and in the docs."""
    assert (type(annotator).__doc__ or "").strip()


@every_annotator
def test_what_it_is_can_be_fingerprinted(annotator: Annotator) -> None:
    """If this is not JSON, no score of it can ever be found again."""
    assert canonical(annotator.what())
    assert canonical(annotator.what()) == canonical(type(annotator).for_examples().what())


@every_annotator
def test_no_documents_give_no_scores(annotator: Annotator) -> None:
    """A shard may be empty: all its rows unreadable, or all dropped by the pass before."""
    assert list(rows_of(annotator, annotator.score(Batch.of([])))) == []


@every_annotator
@given(texts=st.lists(odd_texts(), min_size=1, max_size=5))
def test_a_document_scores_the_same_alone_and_in_company(annotator: Annotator, texts: list[str]) -> None:
    """If this fails, results depend on batch borders, that is on the number of workers."""
    together = list(rows_of(annotator, annotator.score(Batch.of(texts))))
    alone = [next(rows_of(annotator, annotator.score(Batch.of([text])))) for text in texts]
    assert together == alone


@every_annotator
@given(texts=st.lists(odd_texts(), min_size=1, max_size=5))
def test_scores_keep_the_contract_whatever_the_text(annotator: Annotator, texts: list[str]) -> None:
    """A value outside its range, or a span outside its text, breaks policies and cuts far from its cause."""
    _check_contract(annotator, texts)


@every_annotator
def test_all_odd_texts_together_keep_the_contract(annotator: Annotator) -> None:
    _check_contract(annotator, list(ODD))


def _check_contract(annotator: Annotator, texts: list[str]) -> None:
    scores = annotator.score(Batch.of(texts))
    assert set(scores) == {column.name for column in annotator.columns}
    assert table_of(annotator, [bytes(16)] * len(texts), scores).num_rows == len(texts)
    for column in annotator.columns:
        values = scores[column.name]
        if column.type == "spans":
            assert isinstance(values, Spans)
            _check_spans(values, texts)
            continue
        assert not isinstance(values, Spans)
        assert len(values) == len(texts)
        if column.type in {"int", "float", "bool"}:
            least, most = column.range
            for value in np.asarray(values, float):
                assert math.isfinite(value), column.name
                assert least is None or value >= least, column.name
                assert most is None or value <= most + 1e-12, column.name
        if column.type == "hash":
            assert not isinstance(values, Bands)
            assert all(len(value) == 16 for value in values)


def _check_spans(spans: Spans, texts: list[str]) -> None:
    assert spans.documents == len(texts)
    keys = list(zip(spans.document.tolist(), spans.start.tolist(), strict=True))
    assert keys == sorted(keys), "spans are ordered by document and start"
    for text, found in zip(texts, spans.per_document(), strict=True):
        for start, end, kind in found:
            assert 0 <= start <= end <= len(text)
            assert kind
