"""Everything a run knows of one document: origin, scores against their bounds, decision, spans. Reads no other text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NotRequired

import pyarrow as pa
import pyarrow.compute as pc
from typing_extensions import TypedDict

from curation.policy.policy import KEPT, Rules, is_chosen
from curation.questions.run_record import RunRecord
from curation.questions.stored_scores import Scored
from curation.recipes.recipe import Pass
from curation.runtime.errors import ConfigError
from curation.runtime.progress import meter
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.shards import ID, read_columns

LEAST_ID_DIGITS = 6
SHOWN_IDS = 20


@dataclass(frozen=True)
class Place:
    """Where a document lies among a source's raw shards."""

    source: str
    file: str
    row: int
    id: bytes


class ExplainedPass(TypedDict):
    """A document in one pass.

    Attributes:
        scores, units, bounds: by annotator and score; `units` as far as they are known.
        reason: "kept" if it was not dropped.
        duplicate_of, similarity: the document in whose favour it was dropped, and how similar that is.
        kept_instead: the same, or the keeper of that one if it was dropped too.
        cut, replaced: spans in characters.
    """

    scores: dict[str, dict[str, Any]]
    units: dict[str, dict[str, str]]
    bounds: Mapping[str, Mapping[str, Any]]
    reason: str
    duplicate_of: str | None
    similarity: float | None
    kept_instead: str | None
    cut: list[dict[str, Any]]
    replaced: list[dict[str, Any]]


class Explained(TypedDict):
    """A document's way through a run: where it is from, each pass that it reached, its text when that was asked for."""

    id: str
    source: str
    path: str
    offset: int
    user_id: str | None
    chars: int
    meta: str | None
    passes: dict[str, ExplainedPass]
    text: NotRequired[str]


def find_document(run: RunRecord, wanted: str) -> Place:
    """The document with this id (its first digits are enough) or with this user id.

    Raises:
        ConfigError: none has it, or several have.
    """
    places = list(_matches(run, wanted))
    if not places:
        raise ConfigError(
            f"{wanted}: no document of run {run.name} has this id. "
            "Give the hex digits that `loam curate sample` shows, or the id of the input file."
        )
    if len({place.id for place in places}) > 1:
        shown = ", ".join(f"{place.id.hex()} ({place.source})" for place in places[:SHOWN_IDS])
        more = f" and {len(places) - SHOWN_IDS} more" if len(places) > SHOWN_IDS else ""
        raise ConfigError(
            f"{wanted}: {len(places)} documents have this id: {shown}{more}. Give the digits of one of them."
        )
    return places[0]


def _matches(run: RunRecord, wanted: str) -> Iterator[Place]:
    digits = wanted.lower()
    is_hex = LEAST_ID_DIGITS <= len(digits) <= 32 and all(digit in "0123456789abcdef" for digit in digits)
    parts = [(source, part["file"]) for source in run.sources() for part in Manifest.load(run.raw(source)).parts]
    with meter("look for the document", len(parts)) as shown:
        for source, file in parts:
            table = read_columns(run.raw(source), file, ["id", "user_id"])
            ids = zip(table["id"].to_pylist(), table["user_id"].to_pylist(), strict=True)
            for row, (id_, user_id) in enumerate(ids):
                if user_id == wanted or (is_hex and id_.hex().startswith(digits)):
                    yield Place(source, file, row, id_)
            shown.advance()


def explain_document(run: RunRecord, wanted: str, with_text: bool = False) -> Explained:
    """A document's way through the run; `text` of the kept document when asked for."""
    place = find_document(run, wanted)
    row = _row(run.raw(place.source), place.file, place.id)
    assert row is not None
    text = row.pop("text")
    explained: Explained = {**row, "id": place.id.hex(), "passes": {}}  # type: ignore[typeddict-item]
    for pass_ in run.recipe.passes:
        passed = _pass(run, place, pass_)
        if passed is None:
            break
        explained["passes"][pass_.name] = passed
        if passed["reason"] == "kept":
            curated = _row(run.folder(place.source, pass_.name, "curated"), place.file, place.id)
            text = curated["text"] if curated else text
    if with_text:
        explained["text"] = text
    return explained


def _row(folder: Folder, file: str, id_: bytes) -> dict[str, Any] | None:
    table = read_columns(folder, file, ["id"])
    ids = table["id"].to_pylist()
    if id_ not in ids:
        return None
    from curation.runtime.store.shards import DOCUMENT

    return dict(read_columns(folder, file, DOCUMENT.names).slice(ids.index(id_), 1).to_pylist()[0])


def _pass(run: RunRecord, place: Place, pass_: Pass) -> ExplainedPass | None:
    decided = _decision(run, place.source, place.file, pass_.name, place.id)
    if decided is None:
        return None
    row, decision = decided
    rules, scored = pass_.rules_for(place.source), run.scored(pass_)
    scores, spans = _scores(run, place, pass_, row, scored)
    keeper = decision["duplicate_of"]
    return {
        "scores": scores,
        "units": {label: {c.name: c.unit for c in each.columns if c.unit} for label, each in scored.items()},
        "bounds": _bounds(rules),
        "reason": "kept" if decision["reason"] == KEPT else decision["reason"],
        "duplicate_of": keeper.hex() if keeper else None,
        "similarity": decision["similarity"],
        "kept_instead": _kept_instead(run, pass_.name, keeper).hex() if keeper else None,
        "cut": [s for label in rules.cut for s in spans.get(label, []) if is_chosen(rules.cut, label, s["kind"])],
        "replaced": [
            s for label in rules.replace for s in spans.get(label, []) if is_chosen(rules.replace, label, s["kind"])
        ],
    }


def _scores(
    run: RunRecord, place: Place, pass_: Pass, row: int, scored: Mapping[str, Scored]
) -> tuple[dict[str, dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """Scores and spans of a document, by label of the annotator."""
    scores: dict[str, dict[str, Any]] = {}
    spans: dict[str, list[dict[str, Any]]] = {}
    for label, folder in run.scores(place.source, pass_.name).items():
        columns = [column.name for column in scored[label].columns if column.type != "bands"]
        of_row = read_columns(folder, place.file, columns).slice(row, 1).to_pylist()[0]
        if "spans" in of_row:
            spans[label] = of_row.pop("spans")
        scores[label] = {name: value.hex() if isinstance(value, bytes) else value for name, value in of_row.items()}
    return scores, spans


def _decision(run: RunRecord, source: str, file: str, pass_: str, id_: bytes) -> tuple[int, dict[str, Any]] | None:
    """Row and decision of a document, if it is in this shard."""
    decisions = read_columns(run.folder(source, pass_, "decide"), file, ["id", "reason", "duplicate_of", "similarity"])
    row = pc.index(decisions["id"], pa.scalar(id_, ID)).as_py()
    return None if row < 0 else (row, decisions.slice(row, 1).to_pylist()[0])


def _kept_instead(run: RunRecord, pass_: str, keeper: bytes) -> bytes:
    """The keeper, or what was kept for it: the keeper of exact duplicates may itself be dropped as a near-duplicate."""
    for source in run.sources():
        for part in Manifest.load(run.folder(source, pass_, "shards")).parts:
            decided = _decision(run, source, str(part["file"]), pass_, keeper)
            if decided is not None:
                return bytes(decided[1]["duplicate_of"] or keeper)
    return keeper


def _bounds(rules: Rules) -> Mapping[str, Mapping[str, Any]]:
    dumped: Mapping[str, Mapping[str, Any]] = rules.model_dump(mode="json", exclude_none=True)["keep"]
    return dumped
