"""Refuses nodes that run other code than the driver, unless the user names them.

The code of a named node becomes part of every identity: its results are never taken for those of this code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from curation.runtime.errors import ConfigError, OtherCodeError
from curation.runtime.stages.code import code_identity, differences

ANSWER_SECONDS = 60.0
ID_DIGITS = 12  # of a node's id, by which it may be named
_named: tuple[str, ...] = ()
_allowed: dict[str, Mapping[str, str]] = {}  # node id -> what it runs
_checked: set[str] = set()


def allow(names: Iterable[str]) -> None:
    """Names, addresses or ids of nodes that may run other code, as `--allow-other-code` says."""
    global _named
    _named = tuple(names)


def named() -> bool:
    """Whether there are such nodes, which have to be asked before any fingerprint is computed."""
    return bool(_named)


def in_identity() -> dict[str, Any]:
    """What the allowed nodes run that this process does not, for fingerprints; empty where all run the same."""
    lines = sorted({line for code in _allowed.values() for line in differences(code_identity(), code)})
    return {"other_code": lines} if lines else {}


def expected() -> Mapping[str, str]:
    """What a worker has to run; together with what allowed nodes do, by node id."""
    return {**code_identity(), **{f"node {node}": _as_text(code) for node, code in _allowed.items()}}


def _as_text(code: Mapping[str, str]) -> str:
    return "\n".join(f"{name} {value}" for name, value in sorted(code.items()))


def check_here(wanted: Mapping[str, str], here: Mapping[str, str]) -> None:
    """Called in a worker before it writes anything.

    Raises:
        OtherCodeError: this node runs something else.
    """
    own = {name: value for name, value in wanted.items() if not name.startswith("node ")}
    if not differences(own, here):
        return
    node = _here()
    if wanted.get(f"node {node[-1]}") != _as_text(here):
        raise OtherCodeError(_refusal(node, differences(own, here)))


def _here() -> tuple[str, ...]:
    """Names of the node that this worker runs on; its id is the last."""
    import platform

    import ray

    return platform.node(), ray.util.get_node_ip_address(), ray.get_runtime_context().get_node_id()


def _refusal(node: Sequence[str], differing: Sequence[str]) -> str:
    return (
        f"node {node[0]} ({node[1]}) runs other code than this program: {', '.join(differing)}. "
        f"Install the same there; or allow it with --allow-other-code {node[1]}, and its results count as another computation."
    )


def identity_of_this_node() -> tuple[tuple[str, ...], dict[str, str]]:
    """Run on a node to be checked."""
    return _here(), dict(code_identity())


def check_nodes(ray: Any) -> None:
    """Ask every node that was not asked yet what it runs, before any job writes a byte.

    Raises:
        OtherCodeError: names the node and what differs.
        ConfigError: a node that `--allow-other-code` names is none of the cluster.
    """
    alive = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
    if len(alive) == 1 and alive[0]["NodeID"] == ray.get_runtime_context().get_node_id() and not _named:
        return  # this machine alone: its workers raise themselves if they run something else
    asked = {node["NodeID"]: _ask(ray, node["NodeID"]) for node in alive if node["NodeID"] not in _checked}
    for node_id, reference in asked.items():
        try:
            names, code = ray.get(reference, timeout=ANSWER_SECONDS)
        except ray.exceptions.GetTimeoutError:
            continue  # busy with others' work: its workers raise before they write
        except ray.exceptions.RayError as error:
            raise OtherCodeError(_unusable(node_id, error)) from error
        _check(names, code)
        _checked.add(node_id)
    nodes = [(node["NodeManagerHostname"], node["NodeManagerAddress"], node["NodeID"]) for node in alive]
    if unknown := [name for name in _named if not any(_means(name, node) for node in nodes)]:
        known = ", ".join(sorted({name for node in nodes for name in node}))
        raise ConfigError(f"--allow-other-code {unknown[0]}: no node of the cluster. Known: {known}.")


def _means(name: str, node: Sequence[str]) -> bool:
    """Whether a user's name means this node: its name or address, or its id or the beginning of it; 10.0.0.1 is not 10.0.0.12."""
    *names, node_id = node
    return name in names or (len(name) >= ID_DIGITS and node_id.startswith(name))


def _ask(ray: Any, node: str) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    pinned = NodeAffinitySchedulingStrategy(node_id=node, soft=False)
    return ray.remote(identity_of_this_node).options(scheduling_strategy=pinned, num_cpus=0, max_retries=0).remote()


def _check(node: Sequence[str], code: Mapping[str, str]) -> None:
    if not (differing := differences(code_identity(), code)):
        return
    if not any(_means(name, node) for name in _named):
        raise OtherCodeError(_refusal(node, differing))
    _allowed[node[-1]] = code


def _unusable(node: str, error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    last = lines[-1].rstrip(".") if lines else type(error).__name__
    fix = "Install the same loam-corpora there, with the same libraries."
    return f"node {node[:ID_DIGITS]}: cannot run this program ({last}). {fix}"
