"""An explained number as text; long lists are cut, which `--json` shows whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ablations.core.results.answers import UNDECIDED

BETTER = {"lower": "; lower is better", "higher": "; higher is better", None: ""}


def explained_text(explained: Mapping[str, Any], most: int = 3) -> str:
    """An explained number, with at most `most` documents of a source."""
    n = ", ".join(f"{key} {value:,}" for key, value in explained["n"].items())
    lines = [
        f"{explained['cell']}",
        f"  {explained['metric']} = {explained['value']:.6g} {explained['unit']}{BETTER[explained['better']]}",
        f"  {explained['words']}" + (f", {explained['position']}" if explained["position"] else ""),
        f"  n: {n}",
        *(f"  note: {note}" for note in explained["notes"]),
    ]
    if "answers_without" in explained:
        lines.append("answers of the model as it is")
    for key in ("answers", "answers_without"):
        lines += _answers(explained[key]) if key in explained else ()
    for source, rows in explained.get("documents", {}).items():
        lines.append(f"held-out documents of {source}: {len(rows)}, such as")
        lines += [f"  {row['id']}  {row['tokens']:,} tokens, in {row['shard']}" for row in rows[:most]]
    return "\n".join([*lines, *_background(explained)])


def _answers(answered: Mapping[str, Any]) -> Iterator[str]:
    if "silenced" in answered:
        heads = ", ".join(f"layer {layer} head {head}" for layer, head in answered["silenced"])
        yield f"answers without {heads}, counted from 0"
    if answered["otherwise"]:
        yield "  from other readings of the answers below, which are shown as their probabilities alone say"
    if answered["recomputed"] is not None:
        yield f"  once more from its {len(answered['items']):,} items and draws: {answered['recomputed']:.6g}"
    if "signature" in answered:
        yield f"  scored as: {answered['signature']}"
    for draw in answered["draws"]:
        scores = f", mean gold NLL {draw['mean_gold_nll']:.4f} nats" if draw["items"] else ""
        scores += f", accuracy {draw['accuracy']:.3f}" if "accuracy" in draw else ""
        yield f"  k = {draw['k']}, {draw['condition']}, draw {draw['draw']}: {draw['items']} items{scores}"
    for shown in answered["shown"]:
        for condition in sorted(shown.keys() - {"k", "draw", "id", "references"}):
            yield f"item {shown['id']}, k = {shown['k']}, {condition}, draw {shown['draw']}"
            yield from _item(shown[condition], shown.get("references", ()))


def _item(item: Mapping[str, Any], references: Sequence[str]) -> Iterator[str]:
    yield from (f"  | {line}" for line in (item["demonstrations"] + item["question"]).splitlines())
    for n, (text, logp) in enumerate(zip(item["choices"], item["choices_logp"], strict=True)):
        yield f"  {'gold  ' if n == item['gold'] else '      '}{text!r}  {logp:.4f} nats"
    yield from (f"  right  {text!r}" for text in references)
    scores = f"  gold NLL {item['gold_nll']:.4f} nats"
    if "wrote" in item:
        yield f"  wrote  {item['wrote']!r}"
        scores += "".join(f", {metric} {score:.3f}" for metric, score in item.get("scores", {}).items())
    if "predicted" in item:
        several = item["predicted"] == UNDECIDED
        yield f"  says   {'nothing: two are likeliest' if several else repr(item['choices'][item['predicted']])}"
        scores += ", right" if item["correct"] else ", wrong"
    yield scores


def _background(explained: Mapping[str, Any]) -> Iterator[str]:
    seeds = ", ".join(f"{what} {seed}" for what, seed in explained["seeds"].items())
    machine = ", ".join(f"{key} {value}" for key, value in explained["machine"].items())
    yield f"arm {explained['arm']}, seed {explained['seed']}: {seeds}"
    for part in explained["train"]:
        seen = part["seen"]
        share = f"weight {part['weight']:g}, documents from {part['offset']:g} to {part['offset'] + part['fraction']:g}"
        tokens = f"{seen['tokens']:,} tokens, seen {seen['repetitions']:.2f} times"
        yield f"trained on {part['source']}: {share}, {tokens}"
        yield f"  tokens {part['folder']}, from {part['curated']}"
    yield f"tokenizer {explained['tokenizer']}"
    yield f"measure {explained['measure']['folder']}"
    yield f"study {explained['study']}, spec {explained['spec_digest'][:12]}, code {explained['code']}, {machine}"
    if explained["train_again"]:
        yield f"train it again: {explained['train_again']}"
