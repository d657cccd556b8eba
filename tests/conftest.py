"""What all tests share: one Ray cluster, started by the first test that needs it, and small real files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from jsonl_writer import WriteJsonl, write_rows
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folder of a test says whether it is a whole run; those come first, since a core without work at the end is lost."""
    for item in items:
        if END_TO_END in item.path.parents:
            item.add_marker("end_to_end")
    items.sort(key=lambda item: END_TO_END not in item.path.parents)


class ByRun(LoadScopeScheduling):  # type: ignore[misc]
    """Shares tests out among processes by file; files that look at one finished run stay together."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        text = Path(self.config.rootpath, file).read_text(encoding="utf8") if "end_to_end" in file else ""
        return next((name for name in SHARED_RUNS if re.search(rf"[( ]{name}: ", text)), file)


@pytest.hookimpl(optionalhook=True)  # where xdist is switched off
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByRun:
    """In place of `--dist loadscope`."""
    return ByRun(config, log)


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
