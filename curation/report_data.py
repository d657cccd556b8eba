"""What the dashboard shows of a curation, as one JSON value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from curation.histograms import histograms
from curation.run_record import RunRecord
from curation.runtime.manifest import code_version
from curation.runtime.store import Folder


def curation_report(record: Mapping[str, Any], out: Folder) -> dict[str, Any]:
    """Funnel, histograms, warnings and provenance of a finished run."""
    run = RunRecord(out, record)
    return {
        "format": 1,
        "study": {
            "name": record["name"],
            "question": record["recipe"]["question"],
            "fingerprint": record["fingerprint"],
        },
        "funnel": record["funnel"],
        "histograms": histograms(run),
        "warnings": warnings(record["funnel"]),
        "provenance": provenance(record),
        "config": yaml.safe_dump(record["recipe"], sort_keys=False, allow_unicode=True, width=120),
    }


def warnings(funnel: Mapping[str, Any]) -> list[str]:
    """What a reader should know before trusting the numbers."""
    found: list[str] = []
    for source, of_source in funnel.items():
        if of_source["curated"] == 0:
            found.append(f"source {source}: none of its {of_source['rows']} rows was kept")
        if of_source["quarantined"]:
            reasons = ", ".join(f"{reason} ({n})" for reason, n in of_source["quarantine_reasons"].items())
            found.append(f"source {source}: {of_source['quarantined']} rows could not be read: {reasons}")
    return found


def provenance(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """Versions and fingerprints."""
    rows = [("program", f"loam {code_version()}"), ("curation", str(record["fingerprint"]))]
    rows += [(f"plugin {name}", f"{len(source)} characters") for name, source in record["plugins"].items()]
    return [{"what": what, "value": value} for what, value in rows]
