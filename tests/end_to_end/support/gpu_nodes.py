"""Runs jobs that ask for a GPU each on a Ray cluster whose nodes say that they have some: two, two and none.

    python gpu_nodes.py OUT JOBS

GPUs are what a node says it has, so none is needed; Ray gives them out and sets CUDA_VISIBLE_DEVICES all the same.
Prints for each job its node, device, process and time, and what is said to jobs that ask for more than there is: at once,
and when both nodes with GPUs leave.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

import ray
from ray.cluster_utils import Cluster
from ray_scripts import SOON_MISSED

from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import LoamError
from curation.runtime.stages import scheduling
from curation.runtime.stages.stage import Job, Output, Stage
from curation.runtime.stages.stages import run_stages
from curation.runtime.store.folder import Folder, open_out
from curation.runtime.store.receipts import Result

NODE = {"num_cpus": 2, "memory": 2 * 2**30, "object_store_memory": 100 * 2**20}
SECONDS = 1.5


def note(shared: None, spec: None, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """Where and when the job ran."""
    begun = time.time()
    time.sleep(SECONDS)
    seen = {
        "node": ray.get_runtime_context().get_node_id(),
        "device": ray.get_gpu_ids(),
        "visible": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "process": os.getpid(),
        "from": begun,
        "to": time.time(),
    }
    return {"notes": Result([seen])}


def stage(name: str, jobs: int, gpus: float) -> Stage[None, None]:
    what = {"notes": Output("notes", name, {"of": name})}
    return Stage(name, what, [Job(str(n), None, 1) for n in range(jobs)], note, None, gpus=gpus)


def asked_of_too_few(out: str, compute: Compute, gpus: float) -> tuple[str, float]:
    """What is said when no node has the GPUs, and after how many seconds."""
    begun = time.monotonic()
    try:
        run_stages([stage(f"too few of {gpus:g}", 1, gpus)], open_out(out), compute)
    except LoamError as error:
        return str(error), time.monotonic() - begun
    return "", time.monotonic() - begun


def leaving(out: str, compute: Compute, cluster: Cluster, nodes: list[Any]) -> str:
    """What is said when the nodes with GPUs leave while a job works on each of them and others wait; beside them a job without."""
    scheduling.LOOK_AT_NODES_EVERY_SECONDS = 2.0
    threading.Timer(0.5, lambda: [cluster.remove_node(node, allow_graceful=False) for node in nodes]).start()
    try:
        run_stages([stage("left alone", 6, 1.0), stage("plain", 1, 0.0)], open_out(out), compute)
    except LoamError as error:
        return str(error)
    return ""


def main(out: str, jobs: str) -> None:
    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "num_gpus": 0, "_system_config": SOON_MISSED})
    nodes = [cluster.add_node(**NODE, num_gpus=2) for _ in range(2)]
    cluster.wait_for_nodes()
    compute = Compute(cluster.address)
    made = run_stages([stage("gpu", int(jobs), 1.0), stage("plain before", 2, 0.0)], open_out(out), compute)
    found = {
        "head": cluster.head_node.node_id,
        "jobs": made[0]["notes"].parts,
        "too_many": asked_of_too_few(out, compute, 3.0),
        "left": leaving(out, compute, cluster, nodes),
        "none": asked_of_too_few(out, compute, 1.0),
    }
    print(f"found: {json.dumps(found)}")
    ray.shutdown()  # before its nodes end: a driver whose node dies first ends with code 1
    cluster.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
