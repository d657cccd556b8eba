"""Runs a recipe on a Ray cluster of several nodes on this machine, and kills one of them in each of some stages.

    python leaving_nodes.py RECIPE OUT STAGE ...

STAGE is a folder of OUT, as a pattern: a node goes when the first receipt appears in it. Two nodes stay.
Prints how many jobs of each stage were finished when its node was gone, whether all were, and how many nodes were left.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ray.cluster_utils import Cluster
from ray_scripts import SOON_MISSED

from curation import pipeline
from curation.recipes import loading
from curation.runtime.cluster.cluster import Compute
from curation.runtime.store.folder import MANIFEST, open_out

NODE = {"num_cpus": 1, "memory": 2 * 2**30, "object_store_memory": 100 * 2**20}


class Removal(threading.Thread):
    """Waits for the first receipt of a stage, then kills a node."""

    def __init__(self, cluster: Cluster, node: Any, out: Path, stage: str) -> None:
        super().__init__(daemon=True)
        self.cluster, self.node, self.out, self.stage = cluster, node, out, stage
        self.receipts = 0
        self.was_whole = True

    def run(self) -> None:
        while not any(self.out.glob(f"{self.stage}/receipts/*.json")):
            time.sleep(0.002)
        self.cluster.remove_node(self.node, allow_graceful=False)
        self.receipts = len(list(self.out.glob(f"{self.stage}/receipts/*.json")))
        self.was_whole = all((folder / MANIFEST).exists() for folder in self.out.glob(self.stage))


def main(recipe_path: str, out: str, *stages: str) -> None:
    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "_system_config": SOON_MISSED})
    nodes = [cluster.add_node(**NODE) for _ in range(1 + len(stages))]
    cluster.wait_for_nodes()
    removals = [Removal(cluster, node, Path(out), stage) for node, stage in zip(nodes, stages, strict=False)]
    for removal in removals:
        removal.start()
    pipeline.curate(loading.load_recipe(recipe_path), open_out(out), Compute(cluster.address))
    for removal in removals:
        removal.join()
    lost = {removal.stage: {"receipts": removal.receipts, "whole": removal.was_whole} for removal in removals}
    print(f"found: {json.dumps({'lost': lost, 'nodes': len(cluster.list_all_nodes())})}")


if __name__ == "__main__":
    main(*sys.argv[1:])
