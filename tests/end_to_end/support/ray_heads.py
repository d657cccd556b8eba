"""Ray clusters as an operator starts them: `ray start --head`, each with a home and a temporary folder of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

START_SECONDS = 120
RAY = [sys.executable, "-c", "import sys; from ray.scripts.scripts import main; sys.exit(main())"]
OURS = ("RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


def environment(home: Path, ray: Path, **more: str) -> dict[str, str]:
    """This process's environment without its own Ray, so that `home` alone says whether there is a token."""
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return {**kept, "HOME": str(home), "RAY_TMPDIR": str(ray), "RAY_USAGE_STATS_ENABLED": "0", **more}


def write_token(home: Path, token: str) -> Path:
    """A home folder in which Ray finds this token."""
    (home / ".ray").mkdir(parents=True, exist_ok=True)
    (home / ".ray" / "auth_token").write_text(token, encoding="utf8")
    return home


def processes_below(ray: Path) -> list[psutil.Process]:
    """Processes that were started with this folder as Ray's temporary one, wherever they hang in the tree."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("RAY_TMPDIR") == str(ray) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


@dataclass
class Head:
    """A cluster of one node; a token in `home` makes it ask for that token."""

    home: Path

    def __post_init__(self) -> None:
        self.ray = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))  # its sockets need a short path
        with socket.socket() as free:
            free.bind(("", 0))
            self.port = free.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.log = self.ray / "start.log"
        size = ["--num-cpus", "2", "--object-store-memory", str(100 * 2**20), "--include-dashboard", "false"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*RAY, "start", "--head", "--block", "--port", str(self.port), *size],
                env=environment(self.home, self.ray),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self) -> Head:
        until = time.monotonic() + START_SECONDS
        while "Ray runtime started" not in self.log.read_text(encoding="utf8"):
            assert self.process.poll() is None, self.log.read_text(encoding="utf8")
            assert time.monotonic() < until, self.log.read_text(encoding="utf8")
            time.sleep(0.1)
        return self

    def stop(self) -> None:
        """`ray stop` would end every Ray of the machine."""
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        finally:
            for process in processes_below(self.ray):
                process.kill()
            self.process.wait()
            shutil.rmtree(self.ray, ignore_errors=True)
