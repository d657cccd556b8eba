"""Runs Python code with the environment of a `ray job submit` job: Ray's own supervisor says what is in it.

    python submitted_job.py HOST:PORT CODE

The real command needs the packages of Ray's dashboard, which Loam does without. Prints what the job said, as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import SimpleNamespace

from ray._private.utils import remove_ray_internal_flags_from_env
from ray.dashboard.modules.job.job_supervisor import JobSupervisor

from curation.runtime.cluster.cluster import Compute


def job(code: str) -> dict[str, object]:
    """As the supervisor does it, on a node of the cluster."""
    environment = os.environ.copy()
    remove_ray_internal_flags_from_env(environment)
    supervisor = SimpleNamespace(_metadata={}, _get_driver_runtime_env=lambda *_: {})
    environment.update(JobSupervisor._get_driver_env_vars(supervisor, False))
    ended = subprocess.run(
        [sys.executable, "-c", code, ""], env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    return {"code": ended.returncode, "stdout": ended.stdout, "stderr": ended.stderr}


if __name__ == "__main__":
    ray = Compute(sys.argv[1], 1).connect()
    print(json.dumps(ray.get(ray.remote(job).options(num_cpus=0).remote(sys.argv[2]))))
