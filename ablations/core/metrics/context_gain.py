"""What a model makes of what came earlier in real text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ablations.core.data.documents import Documents
from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.data.text_repeats import FrequencyClasses, Repeat, document_keys, repeated_places, repeats_of
from ablations.core.metrics.base import Items, Measured, Metric
from ablations.core.metrics.late_minus_early import filling
from ablations.core.metrics.ratio import Ratio, mean_by_document, ratio_of_sums
from ablations.core.model.model import Model
from ablations.core.results.readings import Better, Reading
from ablations.core.scoring.scoring import last_losses, token_losses

CONTENT, ORDER = "content", "order"
MOST_A_WINDOW = 16
DISTANCES = {"near": range(8, 32), "middle": range(32, 128), "far": range(128, 2**31)}
RARE = 0.5  # of all repeated tokens, the share that counts as rare
ONSET_NATS = 0.1


class ContextGain(Metric):
    """Loss that a token which repeats something saves because of its earlier occurrence; positive when the context is used.

    On repeats in held-out text, as `ablations/core/data/text_repeats.py` finds them: at most `effort.repeats` of a source, taken
    from documents in turn, in the first context of documents that have so many tokens. The loss of the token with the window
    changed, minus its loss with the window as it is:
    `content`: the earlier token is another one. A model that only knows the bag of its context gains from this too.
    `order`: the token before the earlier one has changed places with another. Only this is copying from the context; without
    attention both are 0, and with one layer of attention `order` is.

    `order.near`, `.middle` and `.far` are those 8 to 31, 32 to 127 and more tokens apart; `order.numbers` pieces with a digit,
    `order.names` pieces that begin a word with a capital letter (of scripts that have them), `order.rare` the rarer half.
    `order_per_byte` is what all repeats of the text save, over its UTF-8 bytes: it does not depend on the tokenizer. Documents
    are the items.
    """

    kind: ClassVar[str] = "context_gain"
    version: ClassVar[int] = 2
    unit: ClassVar[str] = "nats per repeat"
    better: ClassVar[Better] = "higher"
    in_curve: ClassVar[bool] = True
    by_source: ClassVar[bool] = True
    reads: ClassVar[frozenset[str]] = frozenset({"heldout", "windows", "repeats", "numbers", "capitals"})

    def measure(self, model: Model, data: EvaluationData) -> Measured:
        readings: list[Reading] = []
        items: dict[str, Items] = {}
        measured = {source: _Source.of(model, data, source) for source in data.heldout}
        for source, each in {**measured, "pooled": _Source.pooled(list(measured.values()))}.items():
            for name, chosen in each.parts(data).items():
                ratio = mean_by_document(each.documents_N[chosen], each.gain(name)[chosen])
                readings += self._readings(source, name, ratio, each, items)
            readings += self._readings(source, "order_per_byte", each.per_byte(), each, items)
        return Measured(readings, items)

    def _readings(
        self, source: str, name: str, ratio: Ratio, each: _Source, items: dict[str, Items]
    ) -> Iterator[Reading]:
        per_byte = name.endswith("per_byte")
        reading = self.reading(
            ratio.value, name, source=source, n={"documents": len(ratio.documents), "repeats": ratio.n},
            unit="nats per UTF-8 byte" if per_byte else self.unit, words=f"{WORDS[name]}, {source}",
        )  # fmt: skip
        yield reading
        if ratio.value is not None:
            items[reading.name] = Items.of_documents(each.ids[ratio.documents], ratio.values)
            yield from self.standard_error(reading, ratio.error)

    @classmethod
    def is_tokenizer_free(cls, reading: str) -> bool:
        return reading.endswith("order_per_byte")

    def onset_threshold(self, reading: Reading, final: Mapping[str, Reading]) -> float | None:
        return ONSET_NATS if reading.reading == ORDER else None


WORDS = {
    CONTENT: "what a repeated token saves by having been seen",
    ORDER: "what a repeated token saves by what it followed (copying)",
    **{f"order.{name}": f"copying over {name} distances" for name in DISTANCES},
    "order.numbers": "copying of numbers",
    "order.names": "copying of capitalised words",
    "order.rare": "copying of the rarer half of repeated tokens",
    "order_per_byte": "what copying saves",
}


@dataclass(frozen=True)
class _Source:
    """Repeats of a source, each with what it saves.

    Attributes:
        ids: of the documents, shape (documents, 16).
        documents_N, distance_N, token_N, count_N: of each repeat: the number of its document, how far back the earlier token
            is, the token, and how often it comes in the source.
        content_N, order_N: what it saves, in nats.
        found, bytes: of each document, repeats that there are and UTF-8 bytes of its window.
    """

    ids: NDArray[np.uint8]
    documents_N: NDArray[np.int64]
    distance_N: NDArray[np.int64]
    token_N: NDArray[np.int64]
    count_N: NDArray[np.int64]
    content_N: NDArray[np.float64]
    order_N: NDArray[np.float64]
    found: NDArray[np.int64]
    bytes: NDArray[np.float64]

    @classmethod
    def of(cls, model: Model, data: EvaluationData, source: str) -> _Source:
        documents = data.heldout[source]
        numbers = filling(documents, data, data.context)
        windows = [documents.of(int(number))[: data.context].astype(np.int64) for number in numbers]
        counts_V = np.bincount(np.asarray(documents.tokens), minlength=data.vocab_size)
        classes = FrequencyClasses(counts_V, data.specials)
        keys = document_keys(documents.ids[numbers], data.seed)
        places = [repeated_places(window) for window in windows]
        each = [repeats_of(w, i, places[i], keys[i], classes) for i, w in enumerate(windows)]
        chosen = _in_turn(each, data.repeats)
        asked = sorted({repeat.document for repeat in chosen})
        plain = dict(zip(asked, token_losses(model, [windows[number] for number in asked], data.batch), strict=True))
        plain_N = np.array([plain[r.document][r.place - 1] for r in chosen], np.float64)  # [0] is the loss of token 1
        changed = [window for r in chosen for window in r.changed(windows[r.document])]
        losses = last_losses(model, changed, data.batch).reshape(-1, 2) - plain_N[:, None]
        token_N = np.array([windows[r.document][r.place] for r in chosen], np.int64)
        return cls(
            documents.ids[numbers],
            np.array([r.document for r in chosen], np.int64),
            np.array([r.place - r.earlier for r in chosen], np.int64),
            token_N,
            counts_V[token_N],
            losses[:, 0],
            losses[:, 1],
            np.array([len(found) for found in places], np.int64),
            _bytes_of_windows(documents, numbers, data.context),
        )

    @classmethod
    def pooled(cls, sources: Sequence[_Source]) -> _Source:
        starts = np.cumsum([0, *(len(each.ids) for each in sources)])
        columns = {name: np.concatenate([vars(each)[name] for each in sources]) for name in vars(sources[0])}
        columns["documents_N"] = np.concatenate(
            [each.documents_N + start for each, start in zip(sources, starts, strict=False)]
        )
        return cls(**columns)

    def gain(self, name: str) -> NDArray[np.float64]:
        return self.content_N if name == CONTENT else self.order_N

    def parts(self, data: EvaluationData) -> dict[str, NDArray[np.bool_]]:
        """Name of a reading -> the repeats that it is about; readings of kinds that the text has none of are left out."""
        everything = np.ones(len(self.token_N), bool)
        kinds = {
            f"order.{name}": np.isin(self.distance_N, spread) for name, spread in _spreads(self.distance_N).items()
        }
        kinds["order.numbers"] = np.isin(self.token_N, data.numbers)
        kinds["order.names"] = np.isin(self.token_N, data.capitals)
        if len(self.count_N):
            kinds["order.rare"] = self.count_N <= np.quantile(self.count_N, RARE)
        return {CONTENT: everything, ORDER: everything, **{name: kind for name, kind in kinds.items() if kind.any()}}

    def per_byte(self) -> Ratio:
        """Of each document the mean gain of the repeats that were asked, times those that there are, over its bytes.

        Nothing where no text repeats anything: what cannot be copied says nothing of who copies.
        """
        if not len(self.token_N):
            return ratio_of_sums(np.zeros(0), np.zeros(0), np.zeros(0, np.int64), 0)
        asked = np.bincount(self.documents_N, minlength=len(self.ids))
        saved = np.bincount(self.documents_N, self.order_N, len(self.ids))
        known = (asked > 0) | (self.found == 0)
        whole = np.where(asked > 0, saved / np.maximum(asked, 1) * self.found, 0.0)
        return ratio_of_sums(whole[known], self.bytes[known], np.flatnonzero(known), len(self.token_N))


def _spreads(distance_N: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """The distances of each class that there are."""
    present = np.unique(distance_N)
    return {name: present[(present >= spread.start) & (present < spread.stop)] for name, spread in DISTANCES.items()}


def _in_turn(each: Iterable[Iterator[Repeat]], most: int) -> list[Repeat]:
    """Repeats of all documents, one of each in every round; no more of them are worked out than are wanted."""
    rounds = zip_longest(*(islice(repeats, MOST_A_WINDOW) for repeats in each))
    return list(islice((repeat for turn in rounds for repeat in turn if repeat is not None), most))


def _bytes_of_windows(documents: Documents, numbers: NDArray[np.int64], context: int) -> NDArray[np.float64]:
    """Of each window its share, by tokens, of the document's bytes."""
    shares = (context - 1) / np.maximum(documents.lengths[numbers] - 1, 1)
    return np.asarray(documents.utf8_bytes[numbers] * shares, np.float64)
