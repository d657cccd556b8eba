"""Gathers the contents of a dashboard from the record and the scores of a curation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from curation.dashboard.as_json import from_json
from curation.dashboard.contents import CurationRun, Fact, Funnel
from curation.dashboard.gathering.contamination import contamination
from curation.dashboard.gathering.score_histograms import histograms
from curation.policy.most_dropped import most_frequent
from curation.questions.run_record import RunRecord
from curation.runtime.command_line.command import ALARM
from curation.runtime.registry import Plugin
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import code_version


def curation_report(record: Mapping[str, Any], out: Folder, plugins: Sequence[Plugin] = ()) -> CurationRun:
    """Funnel, histograms, warnings and provenance of a finished run; `plugins` are its recipe's own, which may be run."""
    run = RunRecord(out, record, tuple(plugins))
    funnel = funnel_of(record)
    return CurationRun(
        funnel=funnel,
        histograms=histograms(run),
        contamination=contamination(run),
        warnings=tuple(warnings(funnel)),
        provenance=provenance(record),
        config=yaml.safe_dump(record["recipe"], sort_keys=False, allow_unicode=True, width=120),
    )


def funnel_of(record: Mapping[str, Any]) -> dict[str, Funnel]:
    """Source by source where the rows of a run went."""
    return from_json(dict[str, Funnel], record["funnel"], f"run {record['name']}, funnel", "Run it again.")


def warnings(funnel: Mapping[str, Funnel]) -> list[str]:
    """What a reader should know before trusting the numbers, alarms first."""
    alarms = [f"{ALARM}{alarm}" for source, of_source in funnel.items() for alarm in _all_dropped(source, of_source)]
    return alarms + [warning for source, of_source in funnel.items() for warning in _warnings_of(source, of_source)]


def _all_dropped(source: str, of_source: Funnel) -> Iterator[str]:
    for name, counts in of_source.passes.items():
        if counts.documents and not counts.kept:
            most = most_frequent(counts.dropped)
            yield f"pass {name} drops all {counts.documents:,} documents of source {source}, {most}"


def _warnings_of(source: str, of_source: Funnel) -> Iterator[str]:
    if of_source.curated == 0:
        yield f"source {source}: none of its {of_source.rows} rows was kept"
    if of_source.quarantined:
        reasons = ", ".join(f"{reason} ({n})" for reason, n in of_source.quarantine_reasons.items())
        yield f"source {source}: {of_source.quarantined} rows could not be read: {reasons}"
    if left_out := of_source.left_out:
        text = f"{len(left_out):,} files of no known format were not read, such as {left_out[0]}"
        yield f"source {source}: {text}. Name those that are wanted in path, or set format"
    for what, n in of_source.repaired.items():
        yield f"source {source}: {what} replaced or removed in {n:,} documents"
    repeated = of_source.repeated_ids
    if repeated["ids"]:
        text = f"{repeated['documents']:,} documents share {repeated['ids']:,} ids"
        yield f"source {source}: {text}; all of them stay. The run's record says where they lie: stages.{source}.repeated_ids"


def provenance(record: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Versions and fingerprints."""
    rows = [("program", f"loam {code_version()}"), ("curation", str(record["fingerprint"]))]
    rows += [(f"plugin {name}", f"{len(source)} characters") for name, source in record["plugins"].items()]
    return tuple(Fact(what, value) for what, value in rows)
