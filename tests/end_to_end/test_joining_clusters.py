"""Clusters that run already are joined, with a token or without, and who is refused reads the cause in one line."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from ray_heads import Head, environment, processes_below, write_token
from small_study import write_corpora

from curation.runtime.cluster import joining
from curation.runtime.cluster.joining import NamedCluster
from curation.runtime.errors import ConfigError

TOKEN, OTHER = "a" * 64, "b" * 64
WORK = """
import sys
from curation.runtime.cluster.cluster import Compute
ray = Compute(sys.argv[1] or None, 1).connect()
print(ray.get(ray.remote(lambda: ray.get_runtime_context().gcs_address).remote()))
"""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Clusters:
    """One that asks for a token, one that does not."""

    closed: Head
    open: Head


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clusters]:
    folder = tmp_path_factory.mktemp("homes")
    (folder / "bare").mkdir()
    both = Clusters(Head(write_token(folder / "with", TOKEN)), Head(folder / "bare"))
    try:
        both.closed.wait(), both.open.wait()
        yield both
    finally:
        both.closed.stop()
        both.open.stop()


@pytest.fixture
def ray_folder() -> Iterator[Path]:
    """Where a Ray would write that somebody starts by mistake."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="ray") as folder:
        yield Path(folder)


def works_at(address: str, env: dict[str, str]) -> str:
    """The cluster that ran a task, as `host:port`."""
    ended = subprocess.run(
        [sys.executable, "-c", WORK, address], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    # of several clusters on this machine Ray says which one `auto` takes
    assert ended.stderr == "" or address == "auto", ended.stderr
    return ended.stdout.strip()


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    write_corpora(tmp_path, documents=6)
    sources = {"english": {"kind": "files", "path": "english.jsonl"}}
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({"data_root": str(tmp_path), "sources": sources}), encoding="utf8")
    return path


def refusal(recipe: Path, env: dict[str, str], *options: str) -> str:
    """What `loam curate run` says when it may not begin: one line, exit code 2."""
    command = [sys.executable, "-m", "ablations.cli", "curate", "run", str(recipe), "--out", str(recipe.parent / "out")]
    ended = subprocess.run([*command, *options], env=env, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("loam: ")
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr


@pytest.mark.parametrize("which", ["closed", "open"])
def test_a_cluster_is_reached_whether_it_asks_for_a_token_or_not(
    clusters: Clusters, which: str, ray_folder: Path
) -> None:
    """Ray makes a token at our first local run; if this fails, no cluster started later on that machine can be used."""
    head: Head = getattr(clusters, which)
    env = environment(clusters.closed.home, ray_folder)
    assert works_at(head.address, env).endswith(f":{head.port}")
    assert works_at("", {**env, "RAY_ADDRESS": head.address}).endswith(f":{head.port}")
    assert works_at("auto", {**env, "RAY_TMPDIR": str(head.ray)}).endswith(f":{head.port}")


def test_who_has_no_token_or_another_one_reads_that(clusters: Clusters, recipe: Path, ray_folder: Path) -> None:
    """If this fails, people look for a fault of the network that is none."""
    address = ("--ray-address", clusters.closed.address)
    bare = environment(clusters.open.home, ray_folder)
    assert "asks for a token, and there is none in ~/.ray/auth_token" in refusal(recipe, bare, *address)
    other = {**bare, "RAY_AUTH_TOKEN": OTHER}
    assert "asks for a token, and the one in RAY_AUTH_TOKEN is not its own" in refusal(recipe, other, *address)
    silent = environment(clusters.closed.home, ray_folder, RAY_AUTH_MODE="disabled")
    assert "RAY_AUTH_MODE=disabled sends none" in refusal(recipe, silent, *address)
    assert "RAY_AUTH_MODE=token asks" in refusal(recipe, {**bare, "RAY_AUTH_MODE": "token"}, *address)


def test_a_ray_address_that_nobody_answers_starts_no_second_ray(recipe: Path, tmp_path: Path, ray_folder: Path) -> None:
    """If this fails, a study that was meant for a cluster runs on the machine that submitted it, and nobody notices."""
    said = refusal(recipe, environment(tmp_path, ray_folder, RAY_ADDRESS="127.0.0.1:1"))
    assert "RAY_ADDRESS=127.0.0.1:1: nobody answers there" in said
    assert not list(ray_folder.iterdir())
    assert "dashboard" in refusal(recipe, environment(tmp_path, ray_folder, RAY_ADDRESS="http://127.0.0.1:8265"))


@pytest.mark.parametrize("which", ["closed", "open"])
def test_a_submitted_job_works_in_its_cluster(clusters: Clusters, which: str) -> None:
    """`ray job submit` and KubeRay run the command with RAY_ADDRESS set; if this fails, the cluster stays idle."""
    head: Head = getattr(clusters, which)
    script = Path(__file__).with_name("support") / "submitted_job.py"
    env = environment(clusters.closed.home, head.ray)
    ended = subprocess.run(
        [sys.executable, script, head.address, WORK], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["stdout"].strip().endswith(f":{head.port}"), ended.stdout


def test_a_port_that_is_not_rays_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray alone tries it for 40 seconds and names no cause."""
    monkeypatch.setattr(joining, "KNOCK_SECONDS", 4.0)
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(ConfigError, match="not as Ray does"):
            NamedCluster(address, "--ray-address").join()


def test_a_full_or_missing_temporary_folder_is_named(recipe: Path, tmp_path: Path, ray_folder: Path) -> None:
    """If this fails, a full disk is reported as a mistake of ours, after half a minute."""
    assert "RAY_TMPDIR=/proc/none: No such file" in refusal(recipe, environment(tmp_path, Path("/proc/none")))
    long = ray_folder / ("x" * 90)
    assert "path length" in refusal(recipe, environment(tmp_path, long))
    assert not processes_below(long)
    room = "mount -t tmpfs -o size=64k none $RAY_TMPDIR && "
    inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if subprocess.run([*inside, f"{room} true"], env=environment(tmp_path, ray_folder), check=False).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    script = f"{room} exec {sys.executable} -m ablations.cli curate run {recipe} --out {tmp_path}/out"
    ended = subprocess.run(
        [*inside, script], env=environment(tmp_path, ray_folder), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"loam: RAY_TMPDIR={ray_folder}: No space left on device.")


def test_a_ray_of_our_own_listens_to_this_machine_alone(tmp_path: Path, ray_folder: Path) -> None:
    """Whoever reaches a port of Ray can run code; a laptop in a foreign network must not offer one."""
    script = WORK + (
        "import psutil\n"
        "me = psutil.Process()\n"
        "for process in (me, *me.children(recursive=True)):\n"
        "    for one in process.net_connections('inet'):\n"
        "        if one.status == psutil.CONN_LISTEN:\n"
        "            print(one.laddr.ip.removeprefix('::ffff:'))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, ""],
        env=environment(tmp_path, ray_folder),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    _, *listening = ended.stdout.split()
    assert set(listening) == {"127.0.0.1"}
