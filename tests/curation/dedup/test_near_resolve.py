"""Who stays: the greedy choice against one written out by hand, and what a policy changes about it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from curation.dedup.near import candidates, resolve
from curation.dedup.near.edges import EDGE
from curation.dedup.near.eligible import NODE
from curation.dedup.near.route import BAND

LEVELS = (0.5, 0.7, 0.8, 0.9, 1.0)
Node = dict[str, Any]
Edge = dict[str, Any]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Node], list[Edge]]:
    """Documents of two shards a source, and edges between some, also to documents that are not eligible."""
    n = draw(st.integers(1, 12))
    limits = draw(st.lists(st.sampled_from(LEVELS), min_size=3, max_size=3))
    ids = draw(st.permutations(range(n)))
    nodes = [
        {
            "shard": 2 * source + i % 2,
            "row": i,
            "id": bytes([0] * 8 + [ids[i]] + [0] * 7),
            "source": source,
            "quality": draw(st.sampled_from([0.0, 1.0, -np.inf])),
            "chars": draw(st.integers(1, 3)),
            "jaccard": limits[source],
        }
        for i in range(n)
        for source in [draw(st.integers(0, 2))]
    ]
    pairs = draw(st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda p: p[0] < p[1])))
    edges = [
        {
            "shard": nodes[i]["shard"],
            "row": nodes[i]["row"],
            "home_shard": nodes[j]["shard"],
            "home_row": nodes[j]["row"],
            "similarity": draw(st.sampled_from(LEVELS)),
        }
        for i, j in sorted(pairs)
    ]
    left = draw(st.sets(st.integers(0, n - 1)))
    return [node for i, node in enumerate(nodes) if i not in left], edges


def greedy(nodes: list[Node], edges: list[Edge]) -> dict[tuple[int, int], tuple[bytes, float]]:
    """Documents in order of priority; one goes for the most similar kept one that is similar enough."""
    similar: dict[frozenset[tuple[int, int]], float] = {
        frozenset([(e["shard"], e["row"]), (e["home_shard"], e["home_row"])]): e["similarity"] for e in edges
    }
    kept: list[Node] = []
    dropped = {}
    for node in sorted(nodes, key=lambda v: (v["source"], -v["quality"], -v["chars"], v["id"])):
        place = (node["shard"], node["row"])
        found = [(similar.get(frozenset([place, (k["shard"], k["row"])]), 0.0), -i) for i, k in enumerate(kept)]
        if found and max(found)[0] >= node["jaccard"]:
            dropped[place] = (kept[-max(found)[1]]["id"], max(found)[0])
        else:
            kept.append(node)
    return dropped


@given(graph=graphs())
def test_the_choice_is_the_greedy_one(graph: tuple[list[Node], list[Edge]]) -> None:
    """Every dropped document has a kept one that it resembles; no kept one resembles an earlier kept one."""
    nodes, edges = graph
    found = resolve.dropped_documents(
        pa.Table.from_pylist(nodes, schema=NODE), pa.Table.from_pylist(edges, schema=EDGE)
    ).to_pylist()
    assert {(r["shard"], r["row"]): (r["keeper"], r["similarity"]) for r in found} == greedy(nodes, edges)
    assert [(r["shard"], r["row"]) for r in found] == sorted(greedy(nodes, edges))


def test_one_that_stands_for_others_goes_only_when_their_policies_agree() -> None:
    nodes = pa.Table.from_pylist(
        [
            {"shard": 0, "row": i, "id": bytes([i] * 16), "source": 0, "quality": 0.0, "chars": 9, "jaccard": 0.8}
            for i in range(4)
        ],
        schema=NODE,
    )
    rows = [("mild/a", 1), ("strict/a", 2), ("mild/a", 2), ("never/a", 3), ("strict/a", 3)]
    duplicates = pa.Table.from_pylist([{"shard": shard, "keeper": bytes([i] * 16)} for shard, i in rows])
    limits = {"mild": 0.8, "strict": 0.9, "never": resolve.NEVER}
    found = resolve.raised(nodes, duplicates, limits)
    assert found["jaccard"].to_pylist() == [0.8, 0.8, 0.9, resolve.NEVER]


@st.composite
def routed(draw: st.DrawFn) -> list[dict[str, int]]:
    documents = draw(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(0, 3)), max_size=14))
    return [
        {"key": key, "copies": copies, "chars": chars, "id": 100 - row, "row": row, "shard": shard}
        for row, (shard, chars, copies) in enumerate(documents)
        for key in sorted(draw(st.sets(st.integers(0, 4))))
    ]


@given(rows=routed(), most=st.sampled_from([1, 2, 100]))
def test_candidates_share_a_band_and_crowds_have_leaders(rows: list[dict[str, int]], most: int) -> None:
    members = np.array([0, 0, 1, 1])
    schema = BAND.append(pa.field("shard", pa.int64()))
    found, left_out = candidates.candidates(pa.Table.from_pylist(rows, schema=schema), members, most)
    pairs = {((a, b), (c, d)) for a, b, c, d in found.tolist()}
    assert len(pairs) == len(found)

    def priority(row: dict[str, int]) -> tuple[int, int, int]:
        return int(members[row["shard"]]), -row["chars"], row["id"]

    all_pairs, made = set(), 0
    wanted = set()
    for key in {row["key"] for row in rows}:
        group = sorted((row for row in rows if row["key"] == key), key=priority)
        own = {
            (members[row["shard"]], row["copies"]): row
            for row in sorted(group, key=lambda r: -r["id"])  # the smallest id comes last and stays
        }
        leaders = [row for row in group if own[members[row["shard"]], row["copies"]] is row][:most]
        here = set()
        for i, left in enumerate(group):
            for right in group[i + 1 :]:
                pair = ((left["shard"], left["row"]), (right["shard"], right["row"]))
                all_pairs.add(pair)
                stands = any(own[members[a["shard"]], a["copies"]] is b for a, b in ((left, right), (right, left)))
                if len(group) <= most + 1 or left in leaders or right in leaders or stands:
                    here.add(pair)
        made += len(group) * (len(group) - 1) // 2 - len(here)
        wanted |= here
    assert pairs == wanted <= all_pairs
    assert left_out == made
