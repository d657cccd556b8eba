"""What all tests share: one Ray cluster, started by the first test that needs it, and small real files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, settings

from curation.runtime.cluster import Compute
from curation.runtime.store import Folder, open_out

settings.register_profile(
    "loam",
    deadline=None,  # shared machines are slow at times; slowness is measured in benchmarks
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("loam")

WriteJsonl = Callable[[str, Iterable[Any]], Path]


@pytest.fixture(scope="session")
def compute() -> Iterator[Compute]:
    """Two workers of the session's one Ray cluster."""
    two = Compute(workers=2)
    ray = two.connect()
    yield two
    ray.shutdown()


@pytest.fixture
def out(tmp_path: Path) -> Folder:
    """An empty output folder."""
    return open_out(str(tmp_path / "out"))


@pytest.fixture
def write_jsonl(tmp_path: Path) -> WriteJsonl:
    """Writes rows (mappings, or bytes taken as they are) below `tmp_path`, compressed as the name says."""

    def write(name: str, rows: Iterable[Any]) -> Path:
        lines = [row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False).encode() for row in rows]
        data = b"".join(line + b"\n" for line in lines)
        if name.endswith(".gz"):
            data = gzip.compress(data, mtime=0)
        elif name.endswith(".zst"):
            data = zstandard.compress(data)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    return write
