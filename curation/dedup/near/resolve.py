"""Near-duplicates, last step: who stays. Greedy by priority over verified edges, from the edges alone.

Documents are taken in order of priority: source, quality, longer first, smaller id. One is dropped only if it has an edge, at
least as similar as its source's policy asks, to a document that is kept; it names the most similar of those. There are no
chains: what resembles only a dropped document stays. A document that stands for exact duplicates in other sources is dropped
only if their policies would drop it too, so that no source loses a text that its own policy keeps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.dedup.level import Drop, Dropped
from curation.dedup.near.candidates import row_group, write_by_shard
from curation.dedup.near.edges import EDGE
from curation.dedup.near.eligible import NODE
from curation.dedup.near.route import Shard, id_halves
from curation.policy.policy import Rules
from curation.runtime.stages.stage import Job, Output, Stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.receipts import Result
from curation.runtime.store.shards import ID, read_columns
from curation.text.kernels.pairs import deciding_edges

VERSION = 1
FILE = "dropped.parquet"
DROPPED = pa.schema([pa.field("row", pa.int64()), pa.field("keeper", ID), pa.field("similarity", pa.float64())])
NEVER = float("inf")


@dataclass(frozen=True)
class ResolveShared:
    """All that is known of the pairs.

    Attributes:
        eligible, edges: one file a shard.
        limits: the similarity at which each source's documents are dropped.
    """

    eligible: Folder
    edges: Folder
    earlier: Sequence[Dropped]
    limits: Mapping[str, float]


@dataclass(frozen=True)
class ResolveJob:
    """All shards at once: their files of `eligible` and `edges`."""

    parts: Sequence[str]


def resolve_stage(
    shards: Sequence[Shard], shared: ResolveShared, what: Mapping[str, Any], name: str
) -> Stage[ResolveShared, ResolveJob]:
    """One task over all edges."""
    outputs = {"dropped": Output("near_duplicates", name, what)}
    job = Job("all", ResolveJob([shard.part for shard in shards]), 20 * sum(shard.rows for shard in shards))
    return Stage(f"{name}: near-duplicates", outputs, [job], resolve_job, shared)


def resolve_job(shared: ResolveShared, spec: ResolveJob, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """The one task."""
    nodes = read_all(shared.eligible, spec.parts, NODE)
    if len(set(shared.limits.values())) > 1:
        for dropped in shared.earlier:
            for table in dropped.keepers():
                nodes = raised(nodes, table, shared.limits)
    table = dropped_documents(nodes, read_all(shared.edges, spec.parts, EDGE))
    write_by_shard(folders["dropped"], FILE, table.select(DROPPED.names), table["shard"].to_numpy(), len(spec.parts))
    counts = {"eligible": nodes.num_rows, "dropped": table.num_rows}
    return {"dropped": Result([{"file": FILE, "rows": table.num_rows}], counts)}


def read_all(folder: Folder, parts: Sequence[str], schema: pa.Schema) -> pa.Table:
    """The rows of all shards."""
    return pa.concat_tables([schema.empty_table(), *(read_columns(folder, part, schema.names) for part in parts)])


def raised(nodes: pa.Table, duplicates: pa.Table, limits: Mapping[str, float]) -> pa.Table:
    """Nodes that stand for duplicates of an earlier level take the highest limit of the sources that those come from.

    Args:
        duplicates: `shard` of dropped duplicates and `keeper`, the id of the document that stands for them.
        limits: of every source; `NEVER` for one whose policy drops no near-duplicates.
    """
    least = min(limits.values())
    highest: dict[bytes, float] = {}
    for shard, keeper in zip(duplicates["shard"].to_pylist(), duplicates["keeper"].to_pylist(), strict=True):
        if (limit := limits[shard.split("/")[0]]) > least:
            highest[keeper] = max(limit, highest.get(keeper, least))
    if not highest:
        return nodes
    others = np.array([highest.get(id_, 0.0) for id_ in nodes["id"].to_pylist()], np.float64)
    at = NODE.get_field_index("jaccard")
    return nodes.set_column(at, NODE.field(at), pa.array(np.maximum(nodes["jaccard"].to_numpy(), others)))


def limits_of(rules: Mapping[str, Rules]) -> dict[str, float]:
    """The similarity at which each source's documents are dropped."""
    return {source: r.near_duplicates.jaccard if r.near_duplicates else NEVER for source, r in rules.items()}


def dropped_documents(nodes: pa.Table, edges: pa.Table) -> pa.Table:
    """The dropped documents: columns `shard`, and those of `DROPPED`, sorted by shard and row.

    Args:
        nodes: columns of `NODE`; each (shard, row) once, in any order.
        edges: columns of `EDGE`; those of documents that are not among the nodes do not count.
    """
    order = _by_priority(nodes)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    places = _places(nodes["shard"], nodes["row"])
    left, right = (_find(places, _places(edges[f"{side}shard"], edges[f"{side}row"])) for side in ("", "home_"))
    similarity = edges["similarity"].to_numpy()
    both = (left >= 0) & (right >= 0)
    left, right, similarity = rank[left[both]], rank[right[both]], similarity[both]
    earlier, later = np.minimum(left, right), np.maximum(left, right)
    counts = similarity >= nodes["jaccard"].to_numpy()[order][later]
    earlier, later, similarity = earlier[counts], later[counts], similarity[counts]
    preferred = np.lexsort((earlier, -similarity, later))
    earlier, later, similarity = earlier[preferred], later[preferred], similarity[preferred]
    edge = deciding_edges(later, earlier, len(order))
    dropped = np.flatnonzero(edge >= 0)
    of, by = order[dropped], order[earlier[edge[dropped]]]
    columns = {
        "shard": nodes["shard"].take(pa.array(of)),
        "row": nodes["row"].take(pa.array(of)),
        "keeper": nodes["id"].take(pa.array(by)),
        "similarity": pa.array(similarity[edge[dropped]], pa.float64()),
    }
    return pa.table(columns).sort_by([("shard", "ascending"), ("row", "ascending")])


def _by_priority(nodes: pa.Table) -> npt.NDArray[np.int64]:
    ids = id_halves(nodes["id"])
    source, quality, chars = (nodes[name].to_numpy() for name in ("source", "quality", "chars"))
    return np.lexsort((ids[:, 1], ids[:, 0], -chars, -quality, source))


def _places(shard: pa.ChunkedArray, row: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """One number for a shard and a row."""
    places: npt.NDArray[np.int64] = (shard.to_numpy().astype(np.int64) << 40) | row.to_numpy()
    return places


def _find(places: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Index of each wanted place, or -1."""
    if not len(places):
        return np.full(len(wanted), -1, np.int64)
    order = np.argsort(places)
    at = order[np.minimum(np.searchsorted(places[order], wanted), len(places) - 1)]
    return np.where(places[at] == wanted, at, -1)


def dropped_of(folder: Folder, number: int) -> Iterator[Drop]:
    """Every document of a shard that is dropped as a near-duplicate."""
    table = row_group(folder, FILE, number)
    for drop in zip(*(table[name].to_pylist() for name in DROPPED.names), strict=True):
        yield Drop(*drop)
