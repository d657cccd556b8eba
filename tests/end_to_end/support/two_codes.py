"""Runs a recipe by the `loam` command on a cluster of two nodes on this machine, of which one has its modules from elsewhere.

    python two_codes.py RECIPE OUT CODE [ALLOWED]

CODE is a folder with packages as they are installed on the second node. ALLOWED "yes" names that node in --allow-other-code, any
other word is named there itself. Prints how the command ended, what it said and which node is the second.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys

from ray.cluster_utils import Cluster

from ablations.cli import main as loam

NODE = {"num_cpus": 1, "memory": 2 * 2**30, "object_store_memory": 100 * 2**20}


def main(recipe: str, out: str, code: str, allowed: str = "") -> None:
    cluster = Cluster(initialize_head=True, head_node_args=NODE)
    other = cluster.add_node(**NODE, env_vars={"PYTHONPATH": code})
    cluster.wait_for_nodes()
    option = ["--allow-other-code", other.node_id if allowed == "yes" else allowed] if allowed else []
    where = ["--out", out, "--ray-address", cluster.address]
    sys.argv = ["loam", "curate", "run", recipe, *where, *option]
    ended, said = 0, io.StringIO()
    with contextlib.redirect_stderr(said):
        try:
            loam()
        except SystemExit as end:
            ended = int(end.code or 0)
    found = {"code": ended, "said": said.getvalue(), "node": other.node_id, "host": os.uname().nodename}
    print(f"found: {json.dumps(found)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
