"""From questions of a few-shot task to token items. Pure: a tokenizer and, for some selections, a similarity are handed in.

Tokens are those of whole prompts (`ablations.prompts.joining`). Where a prompt may be cut after its demonstrations, these are
encoded once and the questions once, whatever the number of groups.
"""

from __future__ import annotations

from collections.abc import Sequence

from ablations.core.data.hashing import key_of
from ablations.core.data.items import Generation, TaskItems
from ablations.prompts.demos import Demos, Design, apart
from ablations.prompts.groups import GroupMaker
from ablations.prompts.joining import Encoder, Joining
from ablations.prompts.odd_questions import longer_than, near_copies, with_equal_choices
from ablations.prompts.selections.draws import Measure
from ablations.prompts.tasks.base import FewShotTask
from ablations.prompts.tasks.conditions import ASKED, GOLD, OF_SHARED_CHOICES
from ablations.prompts.tasks.questions import Question
from curation.runtime.errors import ConfigError, one_of


def task_items(
    task: FewShotTask, pool: Sequence[Question], queries: Sequence[Question], encoder: Encoder, context: int, design: Design,
    measure: Measure | None = None,
) -> TaskItems:  # fmt: skip
    """Token items of a task for every k, draw and condition of a design.

    Beside the groups that ask there are those that correct their scores: `unconditional` for tasks with choices, and for tasks
    whose rows share their choices and their demonstrations `content_free`, with gold labels.

    Args:
        pool: to draw demonstrations from; those that any query asks too are left out, and counted.
        queries: of which the first `design.items` by hash are asked.
        context: most tokens a model takes; a longer item has `fits` = false, and is counted. Where each item has its
            own demonstrations, its prompt is then left empty.
        measure: for designs that look at the query.

    Raises:
        ConfigError: the design does not suit the task, there are too few rows, or not one question with one demonstration fits.
    """
    check_design(task, design)
    free, left_out = apart(task.kind, pool, queries)
    if len(free) < max(design.shots):
        raise ConfigError(
            f"task {task.kind}: {len(free)} pool rows are fewer than {max(design.shots)} demonstrations "
            f"({left_out} of {len(pool)} rows ask what another row or a query asks). Give more rows, or fewer shots."
        )
    asked = first_asked(task.kind, queries, design.items)
    if not asked:
        raise ConfigError(f"task {task.kind}: no row to ask about. Give a file with rows.")
    similarity = measure([each.text for each in free], [each.text for each in asked]) if measure else None
    demos = Demos(task.kind, free, design, similarity)
    maker = GroupMaker(task, asked, Joining(encoder), encoder.bos, context, design, demos)
    groups = tuple(maker.groups())
    maker.check_fits(groups)
    odd = {
        "equal_choices": with_equal_choices(asked),
        "long_references": longer_than(task.max_tokens, asked, encoder) if task.written else 0,
        "near_copies": near_copies([each.text for each in asked], [each.text for each in demos.shown()]),
    }
    counts = {"pool_rows_left_out": left_out, "border_crossings": 0, "too_long": 0, **maker.counts, **odd}
    return TaskItems(
        task=task.kind,
        version=task.version,
        shots=design.shots,
        groups=groups,
        counts=counts,
        metrics=task.metrics,
        labels=tuple(choice.strip() for choice in task.shared_choices),
        generation=Generation(task.max_tokens, encoder.line_ends) if task.written else None,
        references={each.id: each.example.references for each in asked} if task.written else {},
        item_groups={each.id: each.group for each in asked if each.group},
        about=_about(task, design),
    )


def check_design(task: FewShotTask, design: Design) -> None:
    """Refuse a design that a task cannot have.

    Raises:
        ConfigError: names the setting and the reason.
    """
    shared = bool(task.shared_choices)
    for name in design.conditions:
        if name not in ASKED:
            raise ConfigError(f"task {task.kind}: conditions: {one_of(ASKED, name, 'condition')}")
        if name in OF_SHARED_CHOICES and not shared:
            raise ConfigError(f"task {task.kind}: conditions: {name} needs choices that all rows share. Leave it out.")
    if GOLD not in design.conditions:
        raise ConfigError(f"task {task.kind}: conditions: gold is missing, which all others are compared with. Add it.")
    if design.balanced and task.written:
        raise ConfigError(f"task {task.kind}: balance: its answers are written, so there are no labels to balance.")
    if design.order.chosen_by_model and (design.selection.looks_at_query or not shared):
        raise ConfigError(
            f"task {task.kind}: order: {design.order.kind} needs choices that all rows share, and a selection that does not look "
            "at the query. Take another order."
        )


def first_asked(kind: str, queries: Sequence[Question], items: int) -> list[Question]:
    """The first queries by hash: more items only add to fewer."""
    return sorted(queries, key=lambda each: (key_of(kind, "query", each.id), each.id))[:items]


def _about(task: FewShotTask, design: Design) -> dict[str, object]:
    return {
        "kind": task.kind,
        "template": task.number,
        "draws": design.draws,
        "items": design.items,
        "balance": "balanced" if design.balanced else "none",
        "selection": design.selection.kind,
        "order": design.order.kind,
        "conditions": list(design.conditions),
        "demonstrations": "the same for all items" if design.shared else "each item's own",
    }
