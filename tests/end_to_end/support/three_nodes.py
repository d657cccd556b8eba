"""Runs a recipe on a Ray cluster of three nodes on this machine, and kills one of them while it works.

    python three_nodes.py RECIPE OUT STAGE

STAGE is a folder of OUT, as a pattern: the node goes when the first receipt appears in it.
Prints how many jobs of the stage were finished when the node was gone, and of how many.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ray.cluster_utils import Cluster

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


def main(recipe_path: str, out: str, stage: str) -> None:
    cluster = Cluster(initialize_head=True, head_node_args=NODE)
    node = [cluster.add_node(**NODE) for _ in range(2)][1]
    cluster.wait_for_nodes()
    removal = Removal(cluster, node, Path(out), stage)
    removal.start()
    pipeline.curate(loading.load_recipe(recipe_path), open_out(out), Compute(cluster.address))
    removal.join()
    found = {"receipts": removal.receipts, "whole": removal.was_whole, "nodes": len(cluster.list_all_nodes())}
    print(f"found: {json.dumps(found)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
