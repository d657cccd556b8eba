"""Jobs that ask for a GPU get one each, on the nodes that have them, and are refused where there is none."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from ray_scripts import script

from curation.runtime.store.folder import MANIFEST


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_gpu_of_a_cluster_has_one_job_at_a_time(tmp_path: Path) -> None:
    """If this fails, all cells crowd on the first GPU, others stand idle, and nodes without one fail what they are given."""
    found = script("gpu_nodes.py", tmp_path, 8)
    jobs = found["jobs"]
    assert len({(job["node"], *job["device"]) for job in jobs}) == 4
    assert {len(job["device"]) for job in jobs} == {1}
    assert found["head"] not in {job["node"] for job in jobs}, "the third node has no GPU"
    for job in jobs:
        assert job["visible"] == str(job["device"][0]), "CUDA goes by this variable"
    for one, other in combinations(jobs, 2):
        same = (one["node"], one["visible"]) == (other["node"], other["visible"])
        assert not same or one["to"] <= other["from"] or other["to"] <= one["from"], "two jobs at a time on one device"
        assert one["process"] != other["process"], "CUDA stays with the first device of a process"

    for asked, (said, seconds) in (("3 GPU", found["too_many"]), ("1 GPU", found["none"])):
        assert f"asks for {asked} on one node" in said
        assert seconds < 1, "jobs that nobody can do must not wait"
    assert "6 of 6 jobs failed" in found["left"]
    assert "asks for 1 GPU on one node, and the best of 1 has 0" in found["left"]
    assert list(tmp_path.glob(f"notes/plain-*/{MANIFEST}")), "what needs no GPU went on without those nodes"
