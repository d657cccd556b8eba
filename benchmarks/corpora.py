"""Texts to measure on: real corpora where there are some, and text of this machine where there are none."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

from curation.sources.base import Row
from curation.sources.environment import Environment, Part

DATA = Path(os.environ.get("LOAM_BENCH_DATA", Path(__file__).parents[2] / "shared" / "data" / "corpora"))
LANGUAGES = {"docs_ko": "kor_Hang", "blog_en": "eng_Latn"}
OWN: dict[str, Part] = {"docs_ko": "reference", "blog_en": "readme"}  # what stands in for them
OWN_BYTES = 4_000_000


def are_there() -> bool:
    """Whether `LOAM_BENCH_DATA`, or the folder beside the repository, holds corpora as NAME.jsonl.zst."""
    return all((DATA / f"{name}.jsonl.zst").is_file() for name in LANGUAGES)


def corpus(name: str) -> tuple[str, list[str]]:
    """What to call it in the results, and its texts."""
    if are_there():
        return name, _read(DATA / f"{name}.jsonl.zst")
    part = OWN.get(name, "reference")
    source = Environment(part=part, budget_bytes=OWN_BYTES)
    (piece,) = source.plan("bench", ".", OWN_BYTES)
    return f"{part} of this machine", [row.text for row in source.read("bench", piece) if isinstance(row, Row)]


def _read(path: Path) -> list[str]:
    import zstandard

    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        return [json.loads(line)["text"] for line in io.TextIOWrapper(stream, "utf8")]
