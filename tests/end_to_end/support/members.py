"""One annotator, entity, task and metric of a user's own, each in its shortest form."""

SOURCE = '''
"""Members of a user's own."""

import re
from typing import ClassVar, Literal

from ablations.prompts.tasks.base import FewShotTask
from ablations.prompts.tasks.template import Template
from curation.annotators.base import Annotator, Column
from curation.pii.base import Entity


class VowelShare(Annotator):
    """Share of the letters a, e, i, o, u."""

    kind: Literal["vowel_share"] = "vowel_share"
    version: Literal[1] = 1
    columns: ClassVar = (Column("share", unit="share of characters", range=(0, 1)),)
    examples: ClassVar = {"": (0.0,), "ab": (0.5,)}

    def score(self, batch):
        return {"share": [sum(text.count(v) for v in "aeiou") / max(1, len(text)) for text in batch.texts]}


class TicketNumber(Entity):
    """Ticket numbers such as TICKET-123."""

    kind = "ticket_number"
    version = 1
    examples = {"see TICKET-12": "see TICKET-0"}

    def find(self, text):
        return (match.span() for match in re.finditer(r"TICKET-[0-9]+", text))

    def replacement(self, value):
        return "TICKET-0"


class CountUp(FewShotTask):
    """Which number comes next."""

    kind = "count_up"
    version = 1
    sample = {"n": 1}
    shots = (0, 2)
    templates = (
        Template(query="{n}", choices=(" up", " down"), separator="\\n"),
        Template(query="{n}", cue=" goes", choices=(" up", " down"), separator="\\n"),
    )

    def gold(self, row):
        return row["n"] % 2
'''

# in a file of its own, since a pack takes it along
METRIC = '''
"""A metric of a user's own."""

from ablations.core.metrics.base import Measured, Metric


class WeightNorm(Metric):
    """Root mean square of all weights."""

    kind = "weight_norm"
    version = 1
    unit = "root mean square"
    better = "lower"
    words = "size of the weights"
    in_curve = False
    reads = frozenset()

    def measure(self, model, data):
        weights = [w.detach().double().pow(2) for w in model.parameters()]
        total, n = sum(float(w.sum()) for w in weights), sum(w.numel() for w in weights)
        return Measured([self.reading((total / n) ** 0.5, "rms", n={"weights": n})])
'''
