"""Written answers against their references as texts: exact match, character F1, BLEU and chrF of finished cells.

A cell knows tokens only, so its result keeps what it wrote as tokens; here they become text by the tokenizer of the cell.

- `exact_match`, `char_f1`: shares from 0 to 1, means over draws and items, against the best of an item's references, as KorQuAD 1.0
  counts them (https://korquad.github.io/KorQuad%201.0/).
- `bleu`, `chrf`: sacreBLEU's corpus scores from 0 to 100, means over draws (Post 2018, https://arxiv.org/abs/1804.08771; Popovic
  2015, https://aclanthology.org/W15-3049). A task lists `bleu_en` (words as 13a cuts them) or `bleu_ko` (morphemes of
  MeCab-ko); the signatures are kept.

Each has a baseline: the most frequent first reference of the items that were asked, answered always.
"""

from __future__ import annotations

import importlib.metadata
import json
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from statistics import fmean
from typing import TYPE_CHECKING, Any

from curation.runtime.errors import InputError
from curation.runtime.store import Folder

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric

    from tokenizer.model import TokenizerModel

VERSION = 1  # raise it when a number changes: what a cell's folder keeps is then computed again
KEPT = "text_metrics.json"
BLEU_WORDS = {"bleu_en": "13a", "bleu_ko": "ko-mecab"}
BRACKETS_AND_QUOTES = "'\"《》<>〈〉()‘’"  # become spaces before other punctuation vanishes
TO_SPACES = str.maketrans(dict.fromkeys(BRACKETS_AND_QUOTES, " "))
TO_NOTHING = str.maketrans(dict.fromkeys(string.punctuation, None))

References = Sequence[Sequence[str]]  # texts that count as right, of each item


@dataclass
class TextReadings:
    """Values by full name, such as `few_shot.korquad.k4.gold.char_f1`, and sacreBLEU's signatures by metric."""

    values: dict[str, float] = field(default_factory=dict)
    signatures: dict[str, str] = field(default_factory=dict)


def text_readings(
    folder: Folder, result: Mapping[str, Any], tasks: Mapping[str, str], tokenizer: Folder | None
) -> TextReadings:
    """Of a finished cell; kept in its folder, for it takes seconds.

    Args:
        result: its result.json.
        tasks: path inside the cell -> contents of its task file.
        tokenizer: the tokenizer's folder.

    Raises:
        InputError: the cell has written answers and its tokenizer is missing.
    """
    details = result["final"].get("few_shot", {}).get("details", {})
    if not any("generated" in group for detail in details.values() for group in detail["groups"]):
        return TextReadings()
    model = _loaded(folder, tokenizer)
    what = {"version": VERSION, "sacrebleu": importlib.metadata.version("sacrebleu"), "tokenizer": _name(tokenizer)}
    if folder.exists(KEPT):
        kept = folder.read_json(KEPT)
        if kept["what"] == what:
            return TextReadings(kept["values"], kept["signatures"])
    found = TextReadings()
    for text in tasks.values():
        task = _references(text)
        if task.name in details:
            _score_task(task, details[task.name]["groups"], model, found)
    folder.write_json(KEPT, {"what": what, **vars(found)})
    return found


def _loaded(folder: Folder, tokenizer: Folder | None) -> TokenizerModel:
    from tokenizer.model import load
    from tokenizer.train import MODEL

    if tokenizer is None or not tokenizer.exists(MODEL):
        found = f"written answers are tokens, and there is no tokenizer {'' if tokenizer is None else tokenizer.url}".strip()
        raise InputError(folder.url, found, "Run the study again, so that its tokenizer is trained.")
    return load(tokenizer)


def _name(folder: Folder | None) -> str:
    return folder.url.rstrip("/").rsplit("/", 1)[-1] if folder else ""


@dataclass(frozen=True)
class _Task:
    name: str
    metrics: tuple[str, ...]
    references: Mapping[str, Sequence[str]]


@cache
def _references(text: str) -> _Task:
    value = json.loads(text)
    return _Task(value["task"], tuple(value.get("metrics", ())), value.get("references", {}))


def _score_task(task: _Task, groups: Sequence[Mapping[str, Any]], model: TokenizerModel, found: TextReadings) -> None:
    """Means over the draws of each k."""
    by_k: dict[int, list[tuple[list[str], References]]] = {}
    for group in groups:
        if group.get("generated"):
            by_k.setdefault(group["k"], []).append(written_answers(group, model, task.references))
    for k, draws in by_k.items():
        blind = commonest_reference([references for _, all_references in draws for references in all_references])
        for metric in task.metrics:
            if metric in (*BLEU_WORDS, "chrf", "exact_match", "char_f1"):
                name, start = reading_name(metric), f"few_shot.{task.name}.k{k}"
                found.values[f"{start}.gold.{name}"] = fmean(corpus_score(metric, *draw) for draw in draws)
                always = (corpus_score(metric, [blind] * len(answers), references) for answers, references in draws)
                found.values[f"{start}.blind_{name}"] = fmean(always)
                if signature := _signature(metric):
                    found.signatures[metric] = signature


def written_answers(
    group: Mapping[str, Any], model: TokenizerModel, references: Mapping[str, Sequence[str]]
) -> tuple[list[str], References]:
    """What a group of a result wrote, as text, and what counts as right for each item."""
    answers = [model.decode(tokens).strip() for tokens in group["generated"]]
    return answers, [references[name] for name in group["ids"]]


def reading_name(metric: str) -> str:
    """By which a metric of a task is called in readings: `bleu` for both of `BLEU_WORDS`."""
    return metric.split("_")[0] if metric in BLEU_WORDS else metric


def commonest_reference(references: References) -> str:
    """The most frequent first reference, of equals the first in the order of the alphabet."""
    counts = Counter(texts[0] for texts in references)
    return min(counts, key=lambda text: (-counts[text], text))


def corpus_score(metric: str, answers: Sequence[str], references: References) -> float:
    """The metric of one draw's answers."""
    if metric in ("exact_match", "char_f1"):
        each = exact_match if metric == "exact_match" else char_f1
        pairs = zip(answers, references, strict=True)
        return fmean(max(each(answer, right) for right in texts) for answer, texts in pairs)
    most = max(map(len, references))
    streams: Any = [[texts[number] if number < len(texts) else None for texts in references] for number in range(most)]
    return float(_sacrebleu(metric).corpus_score(list(answers), streams).score)  # None: an item has fewer references


@cache
def _sacrebleu(metric: str) -> Metric:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return CHRF() if metric == "chrf" else BLEU(tokenize=BLEU_WORDS[metric])


def _signature(metric: str) -> str:
    return _sacrebleu(metric).get_signature().format() if metric in (*BLEU_WORDS, "chrf") else ""


def normalised(text: str) -> str:
    """As KorQuAD 1.0 compares answers: quotes and brackets become spaces, ASCII punctuation vanishes, lower case, single spaces."""
    return " ".join(text.translate(TO_SPACES).lower().translate(TO_NOTHING).split())


def exact_match(answer: str, reference: str) -> float:
    """1 where the normalised texts are the same."""
    return float(normalised(answer) == normalised(reference))


def char_f1(answer: str, reference: str) -> float:
    """F1 of the characters, spaces left out, each counted as often as it occurs in both; 0 where nothing is shared."""
    written, right = (Counter(normalised(text).replace(" ", "")) for text in (answer, reference))
    shared = (written & right).total()
    return 2 * shared / (written.total() + right.total()) if shared else 0.0
