"""What all tests share: one Ray cluster, started by the first test that needs it, and small real files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from jsonl_writer import WriteJsonl, write_rows

from curation.runtime.cluster.cluster import Compute
from curation.runtime.store.folder import Folder, open_out

os.environ.pop("RAY_ADDRESS", None)  # the tests work on this machine alone, whatever its user works with

settings.register_profile(
    "loam",
    deadline=None,  # shared machines are slow at times; slowness is measured in benchmarks
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("loam")
END_TO_END = Path(__file__).parent / "end_to_end"
SHARED_RUNS = ("finished", "undisturbed")  # fixtures of a session that are whole runs


@pytest.hookimpl(tryfirst=True)  # before xdist looks for groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folder of a test says whether it is a whole run; those come first, since a core without work at the end is lost.

    With two processes a file's tests stay together, and so do all that look at one finished study.
    """
    for item in items:
        group = str(item.path)
        if END_TO_END in item.path.parents:
            item.add_marker("end_to_end")
            group = next((name for name in SHARED_RUNS if name in getattr(item, "fixturenames", ())), group)
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: END_TO_END not in item.path.parents)


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
    """Writes rows to a file below `tmp_path`."""
    return lambda name, rows: write_rows(tmp_path / name, rows)
