"""Two processes run the same code or they do not, and a difference is told in words and never passed over."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ray import cloudpickle

from curation.runtime.errors import ConfigError, OtherCodeError
from curation.runtime.stages import code, other_code
from curation.runtime.stages.code import ABSENT, LIBRARIES, OURS, code_identity, differences
from curation.runtime.stages.stage import Output

HERE = {OURS: "0123456789ab", "numpy": "2.0.0", "KenLM": ABSENT}
ROOT = Path(__file__).parents[4]


@pytest.fixture(autouse=True)
def nobody_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_code, "_named", ())
    monkeypatch.setattr(other_code, "_allowed", {})
    monkeypatch.setattr(other_code, "_checked", set())


@pytest.mark.parametrize(
    ("there", "told"),
    [
        (HERE, []),
        ({**HERE, "numpy": "2.0.1"}, ["numpy 2.0.1 instead of 2.0.0"]),
        ({**HERE, OURS: "ba9876543210"}, ["loam ba9876543210 instead of 0123456789ab"]),
        ({**HERE, "KenLM": "0.3.0"}, ["KenLM 0.3.0 instead of not installed"]),
        ({name: HERE[name] for name in (OURS, "KenLM")}, ["numpy not installed instead of 2.0.0"]),
        ({**HERE, "numpy": "1", "KenLM": "2"}, ["numpy 1 instead of 2.0.0", "KenLM 2 instead of not installed"]),
        ({**HERE, "more": "1"}, []),
    ],
)
def test_differences_are_told_one_by_one(there: dict[str, str], told: list[str]) -> None:
    assert differences(HERE, there) == told


def test_the_identity_of_this_process_names_our_code_and_every_library_that_changes_bytes() -> None:
    found = code_identity()
    assert list(found) == [OURS, *LIBRARIES]
    assert re.fullmatch(r"[0-9a-f]{12}", found[OURS])
    for name in ("numpy", "pyarrow", "numba"):
        assert found[name] == importlib.metadata.version(name)
    assert found["fastText"] != ABSENT, "it goes by the name of its distribution"


def test_every_file_of_ours_counts_and_nothing_else_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list, a template or a kernel decides as much as a module; where it is installed decides nothing."""
    for package in code.PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))

    def files(package: str) -> list[tuple[str, Path]]:
        root = tmp_path / package
        found = [(path.relative_to(root).as_posix(), path) for path in root.rglob("*") if path.is_file()]
        return sorted((name, path) for name, path in found if "__pycache__" not in name)

    before = code._digest()
    monkeypatch.setattr(code, "_files", files)
    assert code._digest() == before
    (tmp_path / "curation" / "__pycache__").mkdir()
    (tmp_path / "curation" / "__pycache__" / "a.pyc").write_bytes(b"compiled")
    assert code._digest() == before
    seen = {before}
    (tmp_path / "tokenizer" / "new.txt").write_text("a list")
    seen.add(code._digest())
    (tmp_path / "tokenizer" / "new.txt").write_text("another list")
    seen.add(code._digest())
    (tmp_path / "tokenizer" / "new.txt").rename(tmp_path / "tokenizer" / "renamed.txt")
    seen.add(code._digest())
    assert len(seen) == 4


NODE = ("host", "10.0.0.5", "node-id")


@pytest.fixture
def on_a_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_code, "_here", lambda: NODE)


def test_a_worker_with_other_code_refuses_to_write(on_a_node: None) -> None:
    """A node that joined after the others were asked is found by its own workers."""
    other_code.check_here(HERE, HERE)
    with pytest.raises(OtherCodeError) as caught:
        other_code.check_here(HERE, {**HERE, "numpy": "2.0.1"})
    assert str(caught.value) == (
        "node host (10.0.0.5) runs other code than this program: numpy 2.0.1 instead of 2.0.0. Install the same there; or allow "
        "it with --allow-other-code 10.0.0.5, and its results count as another computation."
    )
    assert str(cloudpickle.loads(cloudpickle.dumps(caught.value))) == str(caught.value), "Ray sends it to the driver"


def test_an_allowed_node_may_run_what_it_was_allowed_with_and_nothing_else(
    on_a_node: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If it is upgraded meanwhile, its results would be a third computation."""
    there = {**HERE, "numpy": "2.0.1"}
    monkeypatch.setattr(other_code, "_allowed", {NODE[-1]: there})
    monkeypatch.setattr(other_code, "code_identity", lambda: HERE)
    expected = other_code.expected()
    other_code.check_here(expected, there)
    other_code.check_here(expected, HERE)
    for upgraded in ({**there, "numpy": "2.0.2"}, {**there, OURS: "other"}):
        with pytest.raises(OtherCodeError):
            other_code.check_here(expected, upgraded)
    monkeypatch.setattr(other_code, "_here", lambda: ("host", "10.0.0.6", "another-node"))
    with pytest.raises(OtherCodeError):
        other_code.check_here(expected, there)


def test_what_allowed_nodes_run_is_part_of_every_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_code, "code_identity", lambda: HERE)

    def output() -> Output:
        return Output("stage", "name", {"of": 1})

    uniform = output()
    assert "other_code" not in uniform.what
    monkeypatch.setattr(other_code, "_allowed", {"a": HERE})
    assert output().fingerprint == uniform.fingerprint, "an allowed node that runs the same changes nothing"
    monkeypatch.setattr(other_code, "_allowed", {"a": {**HERE, "numpy": "1"}, "b": {**HERE, "numpy": "1"}})
    one = output()
    assert one.what["other_code"] == ["numpy 1 instead of 2.0.0"]
    monkeypatch.setattr(other_code, "_allowed", {"b": {**HERE, "numpy": "1"}})
    assert output().fingerprint == one.fingerprint, "how many nodes there are is nobody's business"
    monkeypatch.setattr(other_code, "_allowed", {"b": {**HERE, "numpy": "2"}})
    assert len({uniform.fingerprint, one.fingerprint, output().fingerprint}) == 3


SECOND = "5ec0d" * 10


class Cluster:
    """What is asked of Ray: two nodes, of which the second runs something else."""

    class exceptions:
        class GetTimeoutError(Exception): ...

        class RayError(Exception): ...

    def __init__(self, second: Any) -> None:
        self.answers = {"first": HERE, SECOND: second}
        self.asked: list[str] = []

    def nodes(self) -> Iterator[dict[str, Any]]:
        for number, name in enumerate((*self.answers, "left", "without a core")):
            yield {
                "NodeID": name,
                "Alive": name != "left",
                "Resources": {} if name == "without a core" else {"CPU": 1.0},
                "NodeManagerAddress": f"10.0.0.{number}",
                "NodeManagerHostname": f"host-{number}",
            }

    def ask(self, _: Any, name: str) -> str:
        self.asked.append(name)
        return name

    def get(self, name: str, timeout: float) -> tuple[tuple[str, ...], Any]:
        answer = self.answers[name]
        if isinstance(answer, Exception):
            raise answer
        number = list(self.answers).index(name)
        return (f"host-{number}", f"10.0.0.{number}", name), answer


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_code, "code_identity", lambda: HERE)
    monkeypatch.setattr(other_code, "_ask", lambda ray, node: ray.ask(ray, node))


def test_every_living_node_is_asked_once(asked: None) -> None:
    cluster = Cluster(HERE)
    other_code.check_nodes(cluster)
    other_code.check_nodes(cluster)
    assert cluster.asked == ["first", SECOND]


@pytest.mark.parametrize("named", ["10.0.0.1", "host-1", SECOND, SECOND[:12]])
def test_a_node_is_allowed_by_its_name_address_or_id(asked: None, named: str) -> None:
    cluster = Cluster({**HERE, "numpy": "1"})
    with pytest.raises(
        OtherCodeError, match=r"node host-1 \(10\.0\.0\.1\) runs other code.*numpy 1 instead of 2\.0\.0"
    ):
        other_code.check_nodes(cluster)
    other_code.allow([named])
    other_code.check_nodes(cluster)
    assert other_code.in_identity() == {"other_code": ["numpy 1 instead of 2.0.0"]}


@pytest.mark.parametrize("named", ["10.0.0.0", "10.0.0", "10.0.0.11", "host", "host-", SECOND[:11], ""])
def test_no_other_name_allows_it(asked: None, named: str) -> None:
    """If this fails, allowing 10.0.0.1 lets 10.0.0.12 work too."""
    other_code.allow([named])
    with pytest.raises(ConfigError):
        other_code.check_nodes(Cluster({**HERE, "numpy": "1"}))


def test_a_name_of_no_node_is_refused_with_those_that_are_known(asked: None) -> None:
    other_code.allow(["10.0.0.9"])
    with pytest.raises(ConfigError, match=r"--allow-other-code 10\.0\.0\.9: no node of the cluster\. Known: .*host-1"):
        other_code.check_nodes(Cluster(HERE))


def test_a_node_that_cannot_run_us_is_refused_and_one_that_is_busy_is_asked_later(asked: None) -> None:
    broken = Cluster(Cluster.exceptions.RayError("a long story\n\nModuleNotFoundError: No module named 'curation'"))
    with pytest.raises(
        OtherCodeError, match=r"cannot run this program \(ModuleNotFoundError: No module named 'curation'\)"
    ):
        other_code.check_nodes(broken)
    busy = Cluster(Cluster.exceptions.GetTimeoutError())
    other_code.check_nodes(busy)
    other_code.check_nodes(busy)
    assert busy.asked.count(SECOND) == 2
