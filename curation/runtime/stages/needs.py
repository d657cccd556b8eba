"""What a task asks of the node that it runs on. Ray keeps a task that no node can hold waiting for ever, without a message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from curation.runtime.errors import ConfigError

Nodes = Sequence[Mapping[str, float]]  # Ray's resources of each


@dataclass(frozen=True)
class Needs:
    """Memory in bytes, cores and GPUs of one task."""

    memory: int
    cpus: int
    gpus: float = 0.0

    def at_most(self, nodes: Nodes, title: str) -> Needs:
        """The same, but no more memory and cores than one of the nodes has; of GPUs there is no substitute.

        Raises:
            ConfigError: no node has the GPUs.
        """
        fit = [node for node in nodes if node.get("GPU", 0) >= self.gpus]
        if self.gpus and not fit:
            most = max((node.get("GPU", 0) for node in nodes), default=0)
            raise ConfigError(
                f"{title}: asks for {self.gpus:g} GPU on one node, and the best of {len(nodes)} has {most:g}. Start a node with "
                "it, or ask for none (cells: compute.device: cpu), or take cells elsewhere with `loam ablate pack`."
            )
        able = [node for node in fit if node.get("CPU", 0) >= 1] or [{}]  # a cluster's head may run no tasks
        return max((self._cut_to(node) for node in able), key=lambda needs: (needs.memory, needs.cpus))

    def raised(self, floors: Mapping[tuple[int, float], int]) -> Needs:
        """The same with at least the memory that `alike` gives their shape."""
        return replace(self, memory=max(self.memory, floors.get((self.cpus, self.gpus), 0)))

    def _cut_to(self, node: Mapping[str, float]) -> Needs:
        memory, cpus = int(node.get("memory", self.memory)), int(node.get("CPU", 1))
        return Needs(min(self.memory, memory), min(self.cpus, cpus), self.gpus)

    def fit(self, node: Mapping[str, float]) -> bool:
        """Whether the node could hold them, were it idle."""
        wanted = {"memory": self.memory, "CPU": self.cpus, "GPU": self.gpus}
        return all(node.get(of, 0) >= amount for of, amount in wanted.items())


def alike(each: Iterable[Needs], nodes: Nodes) -> Mapping[tuple[int, float], int]:
    """(Cores, GPUs) -> the memory that each task with as many asks for at least: what the largest of them needs, but no more than
    the share that its cores have of a node's memory, with which as many run at once.

    Ray has a queue for each shape of needs and takes from these in turn. If the longer job asked for a little more memory than
    the others, as its input says, it would not be started first though it is submitted first, and would run alone at the end.
    """
    largest: dict[tuple[int, float], int] = {}
    for needs in each:
        shape = needs.cpus, needs.gpus
        largest[shape] = max(needs.memory, largest.get(shape, 0))
    return {shape: min(memory, _share(shape[0], nodes, memory)) for shape, memory in largest.items()}


def _share(cpus: int, nodes: Nodes, otherwise: int) -> int:
    """Of the memory of the node that has the least for each core, what so many cores have."""
    able = (node for node in nodes if node.get("CPU", 0) >= max(1, cpus) and "memory" in node)
    return min((int(node["memory"] / node["CPU"] * cpus) for node in able), default=otherwise)


def alive_nodes(ray: Any) -> Nodes:
    """What each node of the cluster has."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]
