"""An address that nobody answers is a mistake of the user's, told at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from curation.runtime.cluster.joining import NamedCluster

OPTION, VARIABLE = "--ray-address", "RAY_ADDRESS"


def test_an_address_without_a_cluster_is_refused() -> None:
    """Ray alone keeps trying for minutes. In a process of its own: this one may have a cluster already."""
    code = "from curation.runtime.cluster.cluster import Compute; Compute('127.0.0.1:9').connect()"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "ConfigError: --ray-address 127.0.0.1:9: nobody answers there" in ended.stderr


@pytest.mark.parametrize(
    ("option", "variable", "expected"),
    [
        (None, None, None),
        (None, "", None),
        (None, "a:1", NamedCluster("a:1", VARIABLE)),
        (None, "auto", NamedCluster("auto", VARIABLE)),
        (None, "local", None),
        ("b:2", "a:1", NamedCluster("b:2", OPTION)),
        ("local", "a:1", None),
        ("auto", "a:1", NamedCluster("a:1", VARIABLE)),
        ("auto", None, NamedCluster("auto", OPTION)),
        ("auto", "local", NamedCluster("auto", OPTION)),
    ],
)
def test_the_option_goes_before_the_environment(
    monkeypatch: pytest.MonkeyPatch, option: str | None, variable: str | None, expected: NamedCluster | None
) -> None:
    """If this fails, a study runs beside the cluster that was meant, or in one that was not."""
    monkeypatch.delenv(VARIABLE, raising=False)
    if variable is not None:
        monkeypatch.setenv(VARIABLE, variable)
    assert NamedCluster.find(option) == expected
