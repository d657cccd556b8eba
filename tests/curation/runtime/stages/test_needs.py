"""What tasks ask of nodes: no more than one node has, since Ray would let them wait for ever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.runtime.errors import ConfigError
from curation.runtime.stages.needs import Needs, alike

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


SOME_NEEDS = st.builds(Needs, st.integers(0, 100), st.integers(1, 4))
NODES = st.lists(st.fixed_dictionaries({"memory": st.integers(1, 200), "CPU": st.integers(1, 16)}), min_size=1)


@given(st.lists(SOME_NEEDS, min_size=1), NODES)
def test_small_tasks_ask_alike_and_as_many_run_at_once(each: list[Needs], nodes: list[dict[str, float]]) -> None:
    """If this fails, memory that nothing needs keeps cores idle, or tasks of one size have two queues."""
    floors = alike(each, nodes)
    for needs in each:
        raised = needs.raised(floors)
        assert needs.memory <= raised.memory <= max(other.memory for other in each)
        for node in nodes:
            at_once = node["CPU"] // needs.cpus
            if at_once and raised.memory > needs.memory:
                assert raised.memory * at_once <= node["memory"]
    shares = [node["memory"] // node["CPU"] for node in nodes]
    small = {needs.raised(floors) for needs in each if needs.cpus == 1 and needs.memory <= min(shares)}
    assert len(small) <= 1


def test_one_large_task_does_not_make_all_ask_for_what_it_needs() -> None:
    floors = alike([Needs(3, 1), Needs(5, 1), Needs(30, 1)], [{"memory": 32.0, "CPU": 4.0}])
    assert [Needs(memory, 1).raised(floors).memory for memory in (3, 5, 30)] == [8, 8, 30]
