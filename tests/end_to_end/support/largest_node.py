"""Runs a stage whose jobs ask for more memory than a small node has, and kills the large node while they wait for it.

python largest_node.py OUT
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from ray.cluster_utils import Cluster
from ray_scripts import SOON_MISSED

from curation.runtime.cluster.cluster import Compute
from curation.runtime.stages import scheduling
from curation.runtime.stages.stage import Job, Output, Stage
from curation.runtime.stages.stages import run_stage
from curation.runtime.store.folder import Folder, open_out
from curation.runtime.store.receipts import Result

STORE = {"num_cpus": 1, "object_store_memory": 100 * 2**20}
SMALL, LARGE = 1 * 2**30, 3 * 2**30


def note(begun: Path, number: int, folders: Mapping[str, Folder]) -> dict[str, Result]:
    begun.touch()
    time.sleep(0.5)
    return {"notes": Result([{"n": number}])}


def main(out: str) -> None:
    scheduling.LOOK_AT_NODES_EVERY_SECONDS = 2.0
    cluster = Cluster(initialize_head=True, head_node_args={**STORE, "memory": SMALL, "_system_config": SOON_MISSED})
    large = cluster.add_node(**STORE, memory=LARGE)
    cluster.wait_for_nodes()
    begun = Path(out, "begun")

    def remove() -> None:
        while not begun.exists():
            time.sleep(0.01)
        cluster.remove_node(large, allow_graceful=False)

    threading.Thread(target=remove, daemon=True).start()
    jobs = [Job(str(n), n, 2 * 2**30) for n in range(4)]
    what = {"notes": Output("notes", "all", {"of": "nothing"})}
    stage = Stage("note", what, jobs, note, begun, memory_per_byte=1.0)
    manifest = run_stage(stage, open_out(out), Compute(cluster.address))["notes"]
    print(f"found: {[part['n'] for part in manifest.parts]}")


if __name__ == "__main__":
    main(sys.argv[1])
