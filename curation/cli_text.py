"""Results of `loam curate` as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from curation.runtime.command_line.command import table, warning_lines

if TYPE_CHECKING:
    from curation.dashboard.contents import Funnel
    from curation.questions.explain import Explained, ExplainedPass
    from curation.questions.sample import QuarantinedRow, SampledDocument
    from curation.questions.what_if import PolicyComparison
    from curation.train_language_model import TrainedModel
    from curation.whole_run import CurationEnd

SHOWN_PERCENTILES = (1, 10, 30, 50, 60, 90, 99)


def funnel_table(funnel: Mapping[str, Funnel]) -> str:
    """Source by source where the rows went."""
    rows = []
    for source, f in funnel.items():
        most = max(f.dropped, key=lambda reason: f.dropped[reason]) if f.dropped else ""
        rows.append((source, f.rows, f.curated, sum(f.dropped.values()), f.quarantined, most))
    return table(("source", "rows", "curated", "dropped", "quarantined", "dropped most often for"), rows)


def end_of_run(end: CurationEnd) -> str:
    from curation.dashboard.gathering.contamination import contamination_tables

    tables = [f"\n{shown}\n" for shown in contamination_tables(end.contamination)]
    places = (f"\ncurated shards: {end.record} names them", "report:", end.report)
    return "\n".join((funnel_table(end.funnel), *tables, *warning_lines(end.warnings), *places))


def trained_model(model: TrainedModel) -> str:
    perplexities = (model.percentiles[percentile - 1] for percentile in SHOWN_PERCENTILES)
    return "\n".join(
        (
            f"trained on {model.documents:,} documents, {model.tokens:,} tokens, by estimator {model.estimator}",
            f"perplexities of {model.heldout:,} held-out documents:",
            table(("percentile", *map(str, SHOWN_PERCENTILES)), [("perplexity", *perplexities)]),
            f"head up to {model.head_until:.4g}, tail beyond {model.tail_from:.4g}\nmodel:\n{model.folder}",
        )
    )


def what_if(sources: Mapping[str, PolicyComparison]) -> str:
    rows = [
        (s, c.before.documents, c.before.kept, c.after.kept, f"{c.after.kept - c.before.kept:+d}")
        for s, c in sources.items()
    ]
    shown = table(("source", "documents", "kept", "would keep", "change"), rows)
    reasons = []
    for source, c in sources.items():
        for reason in sorted({*c.before.dropped, *c.after.dropped}):
            before, after = c.before.dropped.get(reason, 0), c.after.dropped.get(reason, 0)
            if before != after:
                reasons.append((source, reason, before, after))
    return f"{shown}\n\n{table(('source', 'dropped for', 'before', 'after'), reasons)}" if reasons else shown


def explained(document: Explained) -> str:
    keys = ("id", "source", "path", "offset", "user_id", "chars", "meta")
    lines = [f"{key:>8}: {document[key]}" for key in keys if document[key] is not None]  # type: ignore[literal-required]
    for name, passed in document["passes"].items():
        lines += _pass(name, passed)
    return "\n".join([*lines, *([f"\n{document['text']}"] if "text" in document else [])])


def _pass(name: str, passed: ExplainedPass) -> Iterator[str]:
    yield f"\npass {name}: {passed['reason']}{_in_favour_of(passed)}"
    rows = [
        (f"{label}.{column}", value, passed["units"][label].get(column, ""), _bound(passed["bounds"], label, column))
        for label, values in passed["scores"].items()
        for column, value in values.items()
    ]
    yield table(("score", "value", "unit", "kept if"), rows)
    for action, spans in (("cut", passed["cut"]), ("replaced", passed["replaced"])):
        for span in spans:
            yield f"{action}: characters {span['start']} to {span['end']} ({span['kind']})"


def _in_favour_of(passed: ExplainedPass) -> str:
    """Of a duplicate: which document it resembles, how much, and which one was kept."""
    keeper, kept = passed["duplicate_of"], passed["kept_instead"]
    if not keeper:
        return ""
    return f" of {keeper} (similarity {passed['similarity']:.3f})" + (f", kept: {kept}" if kept != keeper else "")


def _bound(bounds: Mapping[str, Mapping[str, Any]], label: str, column: str) -> str:
    bound = bounds.get(label, {}).get(column)
    if not bound:
        return ""
    if "any_of" in bound:
        return f"one of {', '.join(bound['any_of'])}"
    return " and ".join(
        f"{'>=' if side == 'min' else '<='} {bound[side]:g}" for side in ("min", "max") if side in bound
    )


def sampled(rows: Sequence[SampledDocument], chars: int) -> str:
    """Documents with the first `chars` of their text, indented."""
    texts = (row["text"][:chars].replace("\n", "\n    ") for row in rows)
    each = (
        f"{row['id']}  {row['source']}  {row['reason']}\n    {text}\n" for row, text in zip(rows, texts, strict=True)
    )
    return "\n".join(each) or "none"


def quarantined(rows: Sequence[QuarantinedRow]) -> str:
    return "\n".join(f"{r['source']}: {r['file']}, offset {r['offset']}: {r['reason']}" for r in rows) or "none"
