"""Which documents of a shard the rules would keep, from its scores alone; duplicates are decided among those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation.annotators.base import Annotator
from curation.policy.policy import KEPT, NOTHING_LEFT, Rules, is_chosen, reasons
from curation.runtime.identity import fingerprint
from curation.runtime.store.folder import Folder
from curation.runtime.store.shards import ID, check_aligned, read_columns
from curation.text.spans import chars_left

VERSION = 1
JUDGED = pa.schema(
    [
        pa.field("id", ID),
        pa.field("reason", pa.string()),  # before duplicates: "" for a document that no rule drops
        pa.field("chars", pa.int64()),
    ]
)


def rules_identity(rules: Rules, annotators: Mapping[str, Annotator]) -> dict[str, Any]:
    """The rules and scores that decide, for fingerprints: bounds in their order, cuts, and the annotators that they name."""
    used = {*rules.keep, *rules.cut, *([rules.duplicates] if rules.duplicates else [])}
    return {
        "keep": [[name, list(b.items())] for name, b in _dumped(rules)["keep"].items()],
        "cut": _dumped(rules)["cut"],
        "duplicates": rules.duplicates,
        "scores": {name: fingerprint(annotators[name].what()) for name in sorted(used)},
        "version": VERSION,
    }


def _dumped(rules: Rules) -> dict[str, Any]:
    return rules.model_dump(mode="json", exclude_none=True)


def judged(rules: Rules, shards: Folder, scores: Mapping[str, Folder], file: str) -> pa.Table:
    """Columns of `JUDGED` for the documents of one shard, in their order."""
    base = read_columns(shards, file, ["id", "chars"])
    ids, chars = base["id"].to_pylist(), base["chars"].to_pylist()
    tables = read_scores(scores, file, _wanted_columns(rules))
    for name, table in tables.items():
        check_aligned(table["id"].to_pylist(), ids, f"{scores[name].url}/{file}")
    columns = {name: {c: _values(tables[name][c]) for c in bounds} for name, bounds in rules.keep.items()}
    reason = reasons(rules, columns, len(ids))
    if rules.cut:
        for row, spans in enumerate(cut_spans(rules, tables, len(ids))):
            if reason[row] == KEPT and spans and chars_left(chars[row], spans) == 0:
                reason[row] = NOTHING_LEFT
    return pa.table([base["id"], pa.array(reason, pa.string()), base["chars"]], schema=JUDGED)


def eligible(table: pa.Table) -> npt.NDArray[np.bool_]:
    """Of each judged document whether no rule drops it."""
    kept: npt.NDArray[np.bool_] = pc.equal(table["reason"], KEPT).to_numpy()
    return kept


def read_scores(folders: Mapping[str, Folder], file: str, wanted: Mapping[str, Sequence[str]]) -> dict[str, pa.Table]:
    """Columns of several annotators for one shard, checked to describe the same documents."""
    tables: dict[str, pa.Table] = {}
    first: list[bytes] | None = None
    for name, columns in wanted.items():
        tables[name] = read_columns(folders[name], file, ["id", *columns])
        ids = tables[name]["id"].to_pylist()
        first = first or ids
        check_aligned(ids, first, f"{folders[name].url}/{file}")
    return tables


def _wanted_columns(rules: Rules) -> dict[str, list[str]]:
    wanted: dict[str, list[str]] = {name: list(bounds) for name, bounds in rules.keep.items()}
    for name in rules.cut:
        wanted.setdefault(name, []).append("spans")
    return wanted


def _values(column: pa.ChunkedArray) -> Any:
    return column.to_pylist() if pa.types.is_string(column.type) else column.to_numpy()


def cut_spans(rules: Rules, tables: Mapping[str, pa.Table], documents: int) -> list[list[tuple[int, int]]]:
    """The spans that the rules cut out of each document."""
    spans: list[list[tuple[int, int]]] = [[] for _ in range(documents)]
    for name in rules.cut:
        for row, of_row in enumerate(tables[name]["spans"].to_pylist()):
            spans[row] += [(s["start"], s["end"]) for s in of_row if is_chosen(rules.cut, name, s["kind"])]
    return spans
