"""What a number of few-shot answers is based on: draws, items, prompts as text, answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from ablations.cells.cell_files import INTACT
from ablations.core.data.items import Group, Item, TaskItems
from ablations.core.results.answers import GroupAnswers, Score, TaskAnswers
from ablations.core.results.readings import GAIN, IN_TEXT, Name, Reading
from ablations.evidence.explain_reading import LocatedReading
from ablations.readings.few_shot import AboutTask, written
from curation.runtime.errors import ConfigError, one_of
from tokenizer.model import TokenizerModel

OTHERWISE = ("accuracy_per_", "accuracy_pmi", "accuracy_calibrated")  # choices compared by corrected scores
PLACE = ("k", "draw", "id")  # of a row; its other keys are conditions, and `references`
BLIND = "blind_"


@dataclass(frozen=True)
class Choice:
    """What to show: at most `most` items as text; one draw; one item, by its id or the beginning of it."""

    most: int = 3
    draw: int | None = None
    item: str | None = None


def answers(located: LocatedReading, choice: Choice) -> dict[str, Any]:
    """The answers that give a number as `answers`; for the cost of silenced heads, those without them as `answers_without`.

    Empty for a number of no task.

    Raises:
        ConfigError: no such draw or item.
    """
    reading, measure = located.reading, located.measure
    what = Name.parse(reading.of) if reading.of else _name(reading)
    answers_json = measure["final"]["answers"]
    done = {"answers": INTACT, "answers_without": reading.reading} if reading.of else {"answers": ""}
    if not what.task or any(each not in answers_json for each in done.values()):
        return {}
    items = located.cell.recorded.items(what.task)
    about = located.about_tasks[what.task]
    counted = about.found if reading.reading.startswith(f"{IN_TEXT}.") else about.counted
    shown = _Shown(TaskItems.from_json(items), about, located.cell.tokenizer, what, choice)
    explained = {
        name: shown.explained(counted(TaskAnswers.from_json(answers_json[each]))) for name, each in done.items()
    }
    if reading.of:
        explained["answers_without"]["silenced"] = [list(head) for head in measure["final"]["details"][reading.reading]]
    return explained


def _name(reading: Reading) -> Name:
    which = reading.reading.removeprefix(f"{IN_TEXT}.")
    return Name(reading.metric, which, task=reading.task, k=reading.k, condition=reading.condition)


@dataclass(frozen=True)
class _Shown:
    """The answers to a task, as shown for one number."""

    items: TaskItems
    about: AboutTask
    model: TokenizerModel
    what: Name
    choice: Choice

    def explained(self, answers: TaskAnswers) -> dict[str, Any]:
        groups = self._groups(answers)
        rows = self._chosen(self._rows(groups))
        shown: dict[str, Any] = {
            "task": self.items.task,
            "about": self.items.about,
            "counts": self.items.counts,
            "draws": [self._draw(group) for group in groups],
            "recomputed": self._recomputed(groups),
            "otherwise": self.what.reading.startswith(OTHERWISE),
            "items": rows,
            "shown": [self._texts_of(row) for row in rows[: self.choice.most]],
        }
        return {**shown, **({"signature": signature} if (signature := self._signature(groups)) else {})}

    def _groups(self, answers: TaskAnswers) -> list[GroupAnswers]:
        """Those of the number's k and condition; a gain has two, and a number without condition is of gold ones."""
        wanted = {self.what.condition} if self.what.condition else {"gold", *({"permuted"} if self._is_gain else ())}
        return [group for group in answers.groups if group.k == self.what.k and group.condition in wanted]

    @property
    def _is_gain(self) -> bool:
        return self.what.reading == GAIN

    def _rows(self, groups: Sequence[GroupAnswers]) -> list[dict[str, Any]]:
        """One for each item and draw, with its answer under each condition."""
        rows: dict[tuple[int, int, str], dict[str, Any]] = {}
        for group in groups:
            for place, score in enumerate(group.scores):
                key = group.k, group.draw, score.id
                row = rows.setdefault(key, dict(zip(PLACE, key, strict=True)))
                row[group.condition] = self._answer(group, place, score)
        return list(rows.values())

    def _answer(self, group: GroupAnswers, place: int, score: Score) -> dict[str, Any]:
        answer: dict[str, Any] = {"gold_nll": score.gold_nll, "gold": score.gold, "choices_logp": list(score.choices)}
        if not self.about.written:
            answer |= {"predicted": score.predicted, "correct": score.correct}
        if group.texts is not None:
            answer["wrote"] = group.texts[place]
        if group.candidate is not None:
            answer["candidate"] = group.candidate
        return answer

    def _chosen(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        chosen = [row for row in rows if self.choice.draw is None or row["draw"] == self.choice.draw]
        if not chosen and rows:
            draws = {row["draw"] for row in rows}
            raise ConfigError(f"--draw: {one_of(draws, str(self.choice.draw), 'draw')}")
        if self.choice.item is None:
            return chosen
        ids = [row["id"] for row in chosen]
        chosen = [row for row in chosen if row["id"].startswith(self.choice.item)]
        if not chosen:
            raise ConfigError(f"--item: {one_of(sorted(set(ids))[:20], self.choice.item, 'item')}")
        return chosen

    def _draw(self, group: GroupAnswers) -> dict[str, Any]:
        """A group in numbers."""
        numbers = {"k": group.k, "condition": group.condition, "draw": group.draw, "items": len(group.scores)}
        if group.scores:
            numbers["mean_gold_nll"] = fmean(score.gold_nll for score in group.scores)
            if not self.about.written:
                numbers["accuracy"] = fmean(score.correct for score in group.scores)
        return numbers

    def _recomputed(self, groups: Sequence[GroupAnswers]) -> float | None:
        """The number computed again from its items, where it is a plain mean of theirs or of texts' scores; else None."""
        scores = [score for group in groups for score in group.scores]
        if not scores:
            return None
        if self._is_gain:
            pairs = [row for row in self._rows(groups) if "gold" in row and "permuted" in row]
            each = [row["permuted"]["gold_nll"] - row["gold"]["gold_nll"] for row in pairs]
            return fmean(each) if each else None
        match self.what.reading:
            case "nll":
                return fmean(score.gold_nll for score in scores)
            case "accuracy":
                return fmean(score.correct for score in scores)
            case _:
                return self._of_texts(groups)

    def _of_texts(self, groups: Sequence[GroupAnswers]) -> float | None:
        """Means over draws of the answers' scores as texts."""
        drawn = [written(group, self.about.references) for group in groups if group.texts]
        for metric in self.about.text_metrics:
            if drawn and self.what.reading == metric.reading:
                return fmean(metric.score(*draw) for draw in drawn)
        return None

    def _signature(self, groups: Sequence[GroupAnswers]) -> str:
        """The exact settings of the tool that scored the texts, which a published number has to name."""
        drawn = [written(group, self.about.references) for group in groups if group.texts]
        for metric in self.about.text_metrics:
            if drawn and self.what.reading.removeprefix(BLIND) == metric.reading:
                metric.score(*drawn[-1])  # it is the last score's
                return metric.signature()
        return ""

    def _texts_of(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """An item as text, under each of its conditions."""
        shown: dict[str, Any] = {key: row[key] for key in PLACE}
        references = list(self.items.references.get(row["id"], ()))
        for condition in sorted(row.keys() - set(PLACE)):
            group = self._group_of(row, condition)
            item = next(item for item in group.items if item.id == row["id"])
            shown[condition] = self._texts(group, item, row[condition], references)
        return {**shown, **({"references": references} if references else {})}

    def _group_of(self, row: Mapping[str, Any], condition: str) -> Group:
        """The group of an answer, by the order of its demonstrations too where the model chose one."""
        wanted = row["k"], condition, row["draw"], row[condition].get("candidate")
        return next(
            group for group in self.items.groups if (group.k, group.condition, group.draw, group.candidate) == wanted
        )

    def _texts(self, group: Group, item: Item, answer: Mapping[str, Any], references: Sequence[str]) -> dict[str, Any]:
        """Prompt and answers as text; what all items of the draw share is `demonstrations`."""
        before = self.model.decode(group.prefix[1:])
        texts = {
            "demonstrations": before,
            "question": self.model.decode([*group.prefix[1:], *item.prompt]).removeprefix(before),
            "demo_labels": list(group.demo_labels),
            "choices": [self.model.decode(choice) for choice in item.choices],
            **answer,
        }
        if "wrote" in answer and references:
            text = answer["wrote"].strip()
            alone = [metric for metric in self.about.text_metrics if metric.of_one_answer]
            texts["scores"] = {metric.kind: metric.score([text], [references]) for metric in alone}
        return texts
