"""Last stage of a pass: the kept documents with their cuts and replacements made, and samples of the removed ones."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from curation.passes.kept_fields import KeptFields
from curation.policy import replaced_entities
from curation.policy.eligibility import cut_spans, read_scores
from curation.policy.judging import JudgedPass, JudgedSource
from curation.policy.policy import KEPT, Rules, is_chosen
from curation.recipes.recipe import Recipe
from curation.runtime.identity import share
from curation.runtime.registry import Plugin
from curation.runtime.stages.job_specs import ShardJob, shard_jobs
from curation.runtime.stages.stage import Output, Stage, total
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.receipts import Result
from curation.runtime.store.shards import DOCUMENT, ID, check_aligned, read_columns, row_groups, row_writer
from curation.text.spans import apply, replaced_spans, united

VERSION = 2
SAMPLE_CHARS = 4000
SAMPLE = pa.schema([("id", ID), ("source", pa.string()), ("reason", pa.string()), ("text", pa.large_string())])


@dataclass(frozen=True)
class MaterialiseShared:
    """The decisions on one source, and what is done to the documents that stay.

    Attributes:
        scores: annotator -> folder, which holds spans to cut and to replace.
        decisions: one file a shard, in the same rows.
        samples: dropped documents that are kept for reading, for each shard and reason.
        fields: those of a row that stay.
        plugins: of further entities.
    """

    rules: Rules
    shards: Folder
    scores: Mapping[str, Folder]
    decisions: Folder
    samples: int
    fields: KeptFields
    plugins: Sequence[Plugin]


def materialise_stage(
    recipe: Recipe, judged: JudgedPass, source: JudgedSource, decisions: tuple[Folder, Manifest]
) -> Stage[MaterialiseShared, ShardJob]:
    """Curated shards of one source: the input of the next pass, and at the end of the tokenizer."""
    rules, scores, plugins = source.rules, source.scores, recipe.loaded_plugins
    fields, dumped = KeptFields.of(recipe, source.name), rules.model_dump(mode="json")
    what = {
        "stage": "curated",
        "version": VERSION,
        "decisions": decisions[1].fingerprint,
        "cut": dumped["cut"],
        "replace": dumped["replace"],
        "entities": replaced_entities.identities(rules, judged.annotators, scores, plugins),
        "scores": {name: scores[name].url.rsplit("-", 1)[-1] for name in sorted(rules.replace)},
        "samples": recipe.samples,
        "keep_fields": fields.what(),
    }
    outputs = {"curated": Output("curated", source.name, what)}
    folder = source.shards.folder
    shared = MaterialiseShared(rules, folder, scores, decisions[0], recipe.samples, fields, plugins)
    title, jobs = f"{judged.name}: curate {source.name}", shard_jobs(source.shards)
    return Stage(title, outputs, jobs, materialise_job, shared, lambda _, results: counts_that_add_up(results))


def counts_that_add_up(results: Sequence[Result]) -> dict[str, Any]:
    """The sum over all shards; a document that is neither kept nor dropped would be a bug of ours."""
    counts = total(results)
    if counts["documents"] != counts["kept"] + sum(counts["dropped"].values()):
        raise AssertionError(f"documents were lost: {counts}")
    return counts


def materialise_job(shared: MaterialiseShared, spec: ShardJob, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: one shard."""
    folder = folders["curated"]
    tally = Tally()
    samples: dict[str, list[tuple[float, dict[str, Any]]]] = {}
    with row_writer(folder, spec.file, DOCUMENT) as writer:
        for row, reason, edits in _documents(shared, spec.file):
            tally.see(reason, len(row["text"]))
            if reason == KEPT:
                row = shared.fields.applied_to(row) | {"text": edits.applied_to(row["text"])}
                row["chars"] = len(row["text"])
                tally.keep(edits, row["chars"], len(row["text"].encode("utf8")))
                writer.add(row, len(row["text"].encode("utf8")) + len(row["meta"] or "") + 200)
            else:
                _offer(samples.setdefault(reason, []), row, reason, shared.samples)
    _write_samples(folder, f"samples/{spec.file}", samples)
    part = {"file": spec.file, "rows": tally.kept, "text_bytes": tally.bytes_out}
    return {"curated": Result([part], tally.counts())}


class Edits:
    """What is done to one kept document."""

    def __init__(
        self, cuts: list[tuple[int, int]], finds: list[tuple[int, int, str]], entities: Mapping[str, Any]
    ) -> None:
        self.cuts, self.finds, self.entities = united(cuts), replaced_spans(cuts, finds), entities

    def applied_to(self, text: str) -> str:
        if not self.cuts and not self.finds:
            return text
        new = [(start, end, self.entities[kind].replacement(text[start:end])) for start, end, kind in self.finds]
        return apply(text, self.cuts, new)


class Tally:
    """Counts of one shard."""

    def __init__(self) -> None:
        self.documents = self.kept = self.chars_in = self.chars_out = self.bytes_out = self.chars_cut = 0
        self.replaced: dict[str, int] = {}
        self.dropped: dict[str, int] = {}

    def see(self, reason: str, chars: int) -> None:
        self.documents += 1
        self.chars_in += chars
        if reason != KEPT:
            self.dropped[reason] = self.dropped.get(reason, 0) + 1

    def keep(self, edits: Edits, chars: int, bytes_: int) -> None:
        self.kept += 1
        self.chars_out += chars
        self.bytes_out += bytes_
        self.chars_cut += sum(end - start for start, end in edits.cuts)
        for _, _, kind in edits.finds:
            self.replaced[kind] = self.replaced.get(kind, 0) + 1

    def counts(self) -> dict[str, Any]:
        return {**vars(self), "dropped": dict(sorted(self.dropped.items()))}


def _documents(shared: MaterialiseShared, file: str) -> Iterator[tuple[dict[str, Any], str, Edits]]:
    rules = shared.rules
    decisions = read_columns(shared.decisions, file, ["id", "reason"])
    ids, reasons = decisions["id"].to_pylist(), decisions["reason"].to_pylist()
    tables = read_scores(shared.scores, file, {name: ["spans"] for name in {**rules.cut, **rules.replace}})
    cuts = cut_spans(rules, tables, len(ids))
    finds = _finds(rules, tables, len(ids))
    kinds = {kind for of_one in finds for _, _, kind in of_one}
    entities = {kind: cls() for kind, cls in replaced_entities.classes(kinds, shared.plugins).items()}
    at = 0
    for table in row_groups(shared.shards, file, DOCUMENT.names):
        rows = table.to_pylist()
        check_aligned([row["id"] for row in rows], ids[at : at + len(rows)], f"{shared.decisions.url}/{file}")
        for row in rows:
            yield row, reasons[at], Edits(cuts[at], finds[at], entities)
            at += 1


def _finds(rules: Rules, tables: Mapping[str, pa.Table], documents: int) -> list[list[tuple[int, int, str]]]:
    finds: list[list[tuple[int, int, str]]] = [[] for _ in range(documents)]
    for name in rules.replace:
        for row, spans in enumerate(tables[name]["spans"].to_pylist()):
            finds[row] += [
                (s["start"], s["end"], s["kind"]) for s in spans if is_chosen(rules.replace, name, s["kind"])
            ]
    return finds


def _offer(heap: list[tuple[float, dict[str, Any]]], row: dict[str, Any], reason: str, limit: int) -> None:
    """Keep the `limit` documents with the smallest hashes: a fair sample that does not depend on the order of work."""
    entry = (-share(row["id"], "sample"), {**row, "reason": reason, "text": row["text"][:SAMPLE_CHARS]})
    if len(heap) < limit:
        heapq.heappush(heap, entry)
    elif heap and entry[0] > heap[0][0]:
        heapq.heapreplace(heap, entry)


def _write_samples(folder: Folder, name: str, samples: Mapping[str, list[tuple[float, dict[str, Any]]]]) -> None:
    with row_writer(folder, name, SAMPLE) as writer:
        for reason in sorted(samples):
            for _, row in sorted(samples[reason], key=lambda entry: -entry[0]):
                writer.add(row, len(row["text"]))
