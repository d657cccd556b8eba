"""An address that nobody answers is a mistake of the user's, told at once."""

from __future__ import annotations

import subprocess
import sys


def test_an_address_without_a_cluster_is_refused() -> None:
    """Ray alone keeps trying for minutes. In a process of its own: this one may have a cluster already."""
    code = "from curation.runtime.cluster import Compute; Compute('127.0.0.1:9').connect()"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "ConfigError: --ray-address 127.0.0.1:9: nobody answers there" in ended.stderr
