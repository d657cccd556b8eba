"""What tasks ask of nodes: no more than one node has, since Ray would let them wait for ever."""

from __future__ import annotations

import pytest

from curation.runtime.errors import ConfigError
from curation.runtime.stages.needs import Needs

HEAD = {"memory": 64.0}
LARGE = {"memory": 32.0, "CPU": 2.0}
WIDE = {"memory": 8.0, "CPU": 16.0}
GPU = {"memory": 4.0, "CPU": 1.0, "GPU": 1.0}


@pytest.mark.parametrize("nodes", [[HEAD, LARGE, WIDE, GPU], [GPU], [HEAD, WIDE], [LARGE]])
@pytest.mark.parametrize("needs", [Needs(1, 1), Needs(99, 1), Needs(1, 99), Needs(99, 99), Needs(8, 16)])
def test_what_is_asked_one_node_can_hold(needs: Needs, nodes: list[dict[str, float]]) -> None:
    """If this fails, a task takes the memory of one node and the cores of another for granted, and never starts."""
    asked = needs.at_most(nodes, "any")
    assert any(asked.fit(node) for node in nodes)
    assert asked.memory <= needs.memory
    assert asked.cpus <= needs.cpus


def test_a_gpu_brings_the_bounds_of_its_node() -> None:
    """If this fails, a GPU cell asks for memory that only nodes without a GPU have."""
    assert Needs(99, 99, 1.0).at_most([LARGE, WIDE, GPU], "any") == Needs(4, 1, 1.0)


def test_a_gpu_that_no_node_has_is_refused() -> None:
    """Ray would wait for one."""
    with pytest.raises(ConfigError, match="cell a: asks for 1 GPU on one node, and the best of 2 has 0"):
        Needs(1, 1, 1.0).at_most([LARGE, WIDE], "cell a")
