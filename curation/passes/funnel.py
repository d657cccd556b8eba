"""Where the documents of each source went: rows in = curated + dropped (one reason each) + quarantined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from curation.runtime.store.manifest import Manifest
from curation.runtime.store.shards import ShardSet


@dataclass
class SourceFunnel:
    """One source's way through a run.

    Attributes:
        rows: found in its files, readable or not.
        quarantined: rows that could not be read, with the number of each reason.
        repaired: documents that had to be repaired to be read, by what was wrong with them.
        repeated_ids: how many ids several documents have, and how many documents have them.
        left_out: files beside those that were read, of no known format.
        passes: pass -> documents in, kept, dropped by reason, characters cut, replacements by entity.
    """

    rows: int
    quarantined: int
    quarantine_reasons: Mapping[str, int]
    repaired: Mapping[str, int]
    repeated_ids: Mapping[str, Any]
    left_out: list[str] = field(default_factory=list)
    passes: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, raw: ShardSet, ids: Manifest | None) -> SourceFunnel:
        """The rows of a source as they were read; `ids` tells which of its ids are repeated."""
        counts = raw.manifest.counts
        repeated = ids.counts if ids else {"ids": 0, "documents": 0}
        return cls(counts["rows"], counts["quarantined"], counts["quarantine_reasons"], counts["repaired"], repeated)

    @classmethod
    def derived(cls, changed: Mapping[str, Any]) -> SourceFunnel:
        """A source that takes the documents of another; `changed` is the record's entry of its transforms."""
        return cls(changed["steps"][0]["counts"]["documents"], 0, {}, {}, {"ids": 0, "documents": 0})

    def add(self, name: str, curated: ShardSet) -> None:
        self.passes[name] = dict(curated.manifest.counts)

    @property
    def curated(self) -> int:
        return int(list(self.passes.values())[-1]["kept"])

    @property
    def dropped(self) -> dict[str, int]:
        """Documents dropped for each reason, over all passes; a reason names its pass."""
        return {f"{p}: {reason}": n for p, counts in self.passes.items() for reason, n in counts["dropped"].items()}

    def check(self, source: str) -> None:
        """Check that no row is lost.

        Raises:
            AssertionError: the numbers do not add up, which is a bug of ours.
        """
        out = self.curated + sum(self.dropped.values()) + self.quarantined
        if self.rows != out:
            raise AssertionError(
                f"source {source}: {self.rows} rows came in, {self.curated} curated + {sum(self.dropped.values())} "
                f"dropped + {self.quarantined} quarantined = {out}"
            )

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "curated": self.curated, "dropped": self.dropped}
