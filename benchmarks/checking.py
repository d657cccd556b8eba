"""What it costs to know every file: the hashes that a curation takes when it writes and reads, as a share of its CPU time.

    python -m benchmarks.checking FOLDER

FOLDER is the output folder of a finished curation. Its jobs' seconds stand in the manifests; the hashes are taken again here, on
one pinned core, of every file once. A file is hashed when it is written and once by each process that reads it, so the share is
given for `READS` readers of every file, more than any has.
"""

from __future__ import annotations

import statistics
import sys
import time

from benchmarks.record import RUNS, keep, pinned
from curation.runtime.store import marks
from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.marks import Mark

STAGES = ("read", "scores", "duplicates", "near_duplicates", "decide", "curated", "transformed")
READS = 4


def checking(out: Folder) -> None:
    """Keep seconds of hashing, and their share of the jobs' own seconds."""
    folders = [out / stage / name for stage in STAGES for name in (out / stage).names()]
    manifests = [(folder, Manifest.load(folder)) for folder in folders if folder.exists(MANIFEST)]
    paths = [f"{folder.url}/{name}" for folder, manifest in manifests for name in manifest.files]
    size = sum(mark.size for _, manifest in manifests for mark in manifest.files.values())
    work = sum(float(manifest.cost["work_seconds"]) for _, manifest in manifests)
    once = statistics.median(_seconds(paths) for _ in range(RUNS))
    keep("hash every file of a curation once", once, "s", bytes=size, files=len(paths))
    share = 100 * once * (1 + READS) / work
    keep(f"hashes of a curation, written and read {READS} times", share, "% of its jobs' seconds", work_seconds=work)


def _seconds(paths: list[str]) -> float:
    marks._of_file.cache_clear()  # a process reads no file twice that has not changed
    started = time.process_time()
    for path in paths:
        Mark.of_file(path)
    return time.process_time() - started


if __name__ == "__main__":
    pinned()
    checking(Folder(sys.argv[1]))
