"""From a number of a finished cell to what it rests on: `loam ablate explain`."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablations.cells import typed_spec
from ablations.core.evaluation import EvaluationData
from ablations.core.scores import UNDECIDED
from ablations.explain_answers import Choice, answers
from ablations.explain_origin import FinishedCell, Origin, find_cell, origins, train_again
from ablations.statistics.measures import CellResult, Measures, values_of
from curation.runtime.errors import ConfigError, one_of
from curation.runtime.store import Folder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ablations.core.documents import Documents

NAMES_TOLD = 20  # of the hundreds of a cell
# a bias is best at zero, a blind guess has to be beaten, and a number of heads is neither good nor bad
NEITHER = frozenset(
    {"bias", "blind", "blind_accuracy", "blind_macro_f1", "blind_f1_positive", "blind_exact_match", "blind_char_f1",
     "blind_bleu", "blind_chrf", "silenced", "even"}
)  # fmt: skip
OLSSON_CONTEXT = 512  # tokens of an ICL score, whatever the cell's context
__all__ = ["Choice", "as_text", "explain"]


def explain(out: str, cell: str, metric: str, choice: Choice) -> dict[str, Any]:
    """Everything about one number, as JSON.

    Args:
        cell: name of a folder in `<out>/cells`, or its beginning.
        metric: full name of a final reading, such as `few_shot.nsmc.k8.gold.nll`.

    Raises:
        ConfigError: unknown cell or metric; the message lists the known ones.
    """
    found = find_cell(Folder(out.rstrip("/") or "/"), cell)
    values = values_of(found.result) | found.record["results"].get(
        found.name, {}
    )  # text metrics stand in the record alone
    if metric not in values:
        raise ConfigError(_unknown(found, values, metric))
    kind, name = metric.split(".", 1)
    reading = found.result["final"][kind]
    measures = Measures([CellResult(found.name, found.spec["arm"], found.spec["seed"], values, found.result)])
    told: dict[str, Any] = {
        "cell": found.name,
        "metric": metric,
        "value": values[metric],
        "unit": measures.unit(metric),
        "lower_is_better": None if set(name.split(".")) & NEITHER else measures.lower_is_better(metric),
        "n": _n(reading["n"], name),
        "metric_version": reading["version"],
    }
    from_where = origins(found)
    answered = answers(found, name, choice) if kind == "few_shot" else None
    if answered:
        told["answers"] = answered
    elif documents := _documents(found, kind, name, from_where):
        told["documents"] = documents
    return {**told, **_background(found, from_where)}


def _unknown(cell: FinishedCell, values: Mapping[str, float], metric: str) -> str:
    """Why there is no such number: nothing of it could be measured, or its name is wrong; with the names most like it."""
    kind, _, name = metric.partition(".")
    counts = cell.result["final"].get(kind, {}).get("n", {})
    if 0 in (counts.get(name), counts.get(name.rpartition(".")[0])):
        return f"{cell.name}: {metric} was not measured: no item of it fits into the context, or none is of its sort. Its n is 0."
    known = difflib.get_close_matches(metric, values, n=NAMES_TOLD, cutoff=0)
    more = f" {len(values) - NAMES_TOLD} more stand in its result.json." if len(values) > NAMES_TOLD else ""
    return f"{cell.name}: {one_of(known, metric, 'metric')}{more}"


def _n(counts: Mapping[str, int], name: str) -> dict[str, int]:
    """The counts of a reading: those of its name, of what the name begins with, or all of the metric."""
    parts = name.split(".")
    if any(part.startswith("blind") for part in parts):  # on the items of the gold demonstrations
        parts = [*itertools.takewhile(lambda part: not part.startswith("blind"), parts), "gold"]
    for length in range(len(parts), 0, -1):
        start = ".".join(parts[:length])
        if start in counts:
            return {start: counts[start]}
        if found := {key: n for key, n in counts.items() if key.startswith(f"{start}.")}:
            return found
    return dict(counts)


def _background(cell: FinishedCell, from_where: Mapping[str, Origin]) -> dict[str, Any]:
    """What every number of a cell rests on."""
    train = []
    for part in cell.spec["train"]:
        origin = from_where[part["tokens"]]
        seen = cell.result["sources"][part["source"]]
        train.append({**part, "folder": origin.tokens, "curated": origin.curated, "seen": seen})
    return {
        "arm": cell.spec["arm"],
        "seed": cell.spec["seed"],
        "seeds": dict(cell.spec["seeds"]),
        "model": dict(cell.spec["model"]),
        "train": train,
        "tokenizer": sorted({origin.tokenizer for origin in from_where.values()}),
        "study": cell.record["name"],
        "spec_digest": cell.result["spec_digest"],
        "fingerprint": cell.manifest.fingerprint,
        "machine": cell.manifest.what["machine"],
        "code": cell.code,
        "train_again": train_again(cell),
    }


def _documents(
    cell: FinishedCell, kind: str, name: str, from_where: Mapping[str, Origin]
) -> dict[str, list[dict[str, Any]]] | None:
    """Held-out documents behind a number, per source, in the order in which they are chosen; None where it uses none."""
    heldout = cell.spec["heldout"]
    named = [source for source in heldout if name == source or name.startswith(f"{source}.")]
    first = name.split(".")[0]
    sources = sorted(named, key=len)[-1:] or (sorted(heldout) if first in {"pooled", "common"} else [])
    if not sources or not cell.folder.is_local:
        return None
    spec = typed_spec(cell.spec)
    data = EvaluationData.of(Path(cell.folder.url), spec)
    length = OLSSON_CONTEXT if "icl_score" in name else spec.model.context
    numbers = {source: _chosen(kind, data.heldout[source], data, length) for source in sources}
    if first == "common":
        fewest = min((len(chosen) for chosen in numbers.values() if len(chosen)), default=0)
        numbers = {source: chosen[:fewest] for source, chosen in numbers.items()}
    return {
        source: _rows(cell, data.heldout[source], numbers[source], from_where[heldout[source]]) for source in sources
    }


def _chosen(kind: str, documents: Documents, data: EvaluationData, length: int) -> NDArray[np.int64]:
    """Numbers of the documents that a metric reads: whole ones, or those that fill a window."""
    from ablations.core.metrics.bits_per_byte import whole_documents

    if kind == "bits_per_byte":
        return whole_documents(documents, data)
    order = data.hashed_order(documents)
    return order[documents.lengths[order] >= length][: data.windows]


def _rows(cell: FinishedCell, documents: Documents, numbers: NDArray[np.int64], origin: Origin) -> list[dict[str, Any]]:
    shards = origin.shards_of(cell.out)
    rows = []
    for number in numbers.tolist():
        id_ = documents.ids[number].tobytes().hex()
        tokens, size = int(documents.lengths[number]), int(documents.utf8_bytes[number])
        rows.append({"id": id_, "tokens": tokens, "utf8_bytes": size, "shard": shards.get(id_)})
    return rows


def as_text(told: Mapping[str, Any], most: int = 3) -> str:
    """For people; what is long is cut to its first parts, which `--json` shows whole."""
    n = ", ".join(f"{key} {value:,}" for key, value in told["n"].items())
    better = {True: "; lower is better", False: "; higher is better", None: ""}[told["lower_is_better"]]
    lines = [
        f"{told['cell']}",
        f"  {told['metric']} = {told['value']:.6g} {told['unit']}{better}",
        f"  n: {n}",
    ]
    if "answers" in told:
        lines += _answers_as_text(told["answers"])
    for source, rows in told.get("documents", {}).items():
        lines.append(f"held-out documents of {source}: {len(rows)}, such as")
        lines += [f"  {row['id']}  {row['tokens']:,} tokens, in {row['shard']}" for row in rows[:most]]
    return "\n".join([*lines, *_background_as_text(told)])


def _answers_as_text(answered: Mapping[str, Any]) -> list[str]:
    lines = []
    if answered["otherwise"]:
        lines.append("  from other readings of the answers below, which are shown as their probabilities alone say")
    if answered["recomputed"] is not None:
        lines.append(f"  once more from its {len(answered['items']):,} items and draws: {answered['recomputed']:.6g}")
    for draw in answered["draws"]:
        said = f", mean gold NLL {draw['mean_gold_nll']:.4f} nats" if draw["items"] else ""
        said += f", accuracy {draw['accuracy']:.3f}" if "accuracy" in draw else ""
        lines.append(f"  k = {draw['k']}, {draw['condition']}, draw {draw['draw']}: {draw['items']} items{said}")
    for shown in answered["shown"]:
        for condition in sorted(shown.keys() - {"k", "draw", "id", "references"}):
            lines.append(f"item {shown['id']}, k = {shown['k']}, {condition}, draw {shown['draw']}")
            lines += _item_as_text(shown[condition], shown.get("references", ()))
    return lines


def _item_as_text(item: Mapping[str, Any], references: Sequence[str]) -> list[str]:
    lines = [f"  | {line}" for line in (item["demonstrations"] + item["question"]).splitlines()]
    lines += [f"  {'gold  ' if n == item['gold'] else '      '}{text!r}" for n, text in enumerate(item["choices"])]
    lines += [f"  right  {text!r}" for text in references]
    said = f"  gold NLL {item['gold_nll']:.4f} nats"
    if "generated" in item:
        lines.append(f"  wrote  {item['generated']!r}")
        said += "".join(f", {metric} {score:.3f}" for metric, score in item["scores"].items())
    if "predicted" in item:
        several = item["predicted"] == UNDECIDED
        lines.append(
            f"  says   {'nothing: two are likeliest' if several else repr(item['choices'][item['predicted']])}"
        )
        said += ", right" if item["correct"] else ", wrong"
    return [*lines, said]


def _background_as_text(told: Mapping[str, Any]) -> list[str]:
    seeds = ", ".join(f"{what} {seed}" for what, seed in told["seeds"].items())
    machine = ", ".join(f"{key} {value}" for key, value in told["machine"].items())
    lines = [f"arm {told['arm']}, seed {told['seed']}: {seeds}"]
    for part in told["train"]:
        seen = part["seen"]
        share = f"weight {part['weight']:g}, documents from {part['offset']:g} to {part['offset'] + part['fraction']:g}"
        lines.append(
            f"trained on {part['source']}: {share}, {seen['tokens']:,} tokens, seen {seen['repetitions']:.2f} times"
        )
        lines.append(f"  tokens {part['folder']}, from {part['curated']}")
    lines.append(f"tokenizer {', '.join(told['tokenizer'])}")
    lines.append(f"study {told['study']}, spec {told['spec_digest'][:12]}, code {told['code']}, {machine}")
    if told["train_again"]:
        lines.append(f"train it again: {told['train_again']}")
    return lines
