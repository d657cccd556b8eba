"""`python -m benchmarks.scale [MEGABYTES]`: one large file through both passes, with one worker and with two, plain and as one zst.

Kept are the highest memory of a worker (PSS), the CPU seconds a document, and the time it took. Takes half an hour for a gigabyte.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import yaml
import zstandard

from benchmarks.record import keep
from curation.sources.base import Row
from curation.sources.environment import Environment

MEGABYTES = 1000
MOST_PSS_BYTES = 1_500_000_000
MOST_CPU_RISE = 1.1
LOOK_EVERY_SECONDS = 0.5
VOCABULARY = 40_000
DRAWN = 2**20  # words drawn beforehand, from which documents then take theirs evenly
HELD = 500  # earlier documents that copies are made of


def documents(seed: int = 0) -> Iterator[str]:
    """Endless made-up documents, always the same: English and Korean words by Zipf's law, copies, near copies, addresses."""
    rng = np.random.default_rng(seed)
    shares = 1 / np.arange(1, VOCABULARY + 1)
    ranks = rng.choice(VOCABULARY, size=DRAWN, p=shares / shares.sum())
    vocabularies = [words[ranks % len(words)] for words in (_english(), _korean(rng))]
    held: deque[list[str]] = deque(maxlen=HELD)
    while True:
        kind = rng.random()
        if held and kind < 0.05:  # a copy, or a copy with a few other words
            words = list(held[int(rng.integers(len(held)))])
            for at in rng.integers(len(words), size=0 if kind < 0.025 else 1 + len(words) // 50):
                words[at] = "changed"
        else:
            vocabulary = vocabularies[int(rng.random() < 0.2)]
            length = int(np.clip(rng.lognormal(5.7, 1.0), 20, 20_000))
            words = vocabulary[rng.integers(len(vocabulary), size=length)].tolist()
            for at in range(12, length, 13):
                words[at] += ".\n" if at % 3 == 0 else "."
            if kind > 0.97:
                words.append(f"someone{length}@example.org")
            held.append(words)
        yield " ".join(words)


def _english() -> Any:
    """Words of the docstrings on this machine, the most frequent first."""
    source = Environment(part="reference", budget_bytes=8_000_000)
    (piece,) = source.plan("bench", ".", 10**9)
    counts: dict[str, int] = {}
    for row in source.read("bench", piece):
        for word in row.text.split() if isinstance(row, Row) else ():
            if word.isalpha():
                counts[word] = counts.get(word, 0) + 1
    return np.array(sorted(counts, key=lambda word: (-counts[word], word))[:VOCABULARY], dtype=object)


def _korean(rng: Any) -> Any:
    syllables = rng.integers(0xAC00, 0xD7A4, size=(VOCABULARY, 4))
    lengths = rng.integers(1, 5, size=VOCABULARY)
    return np.array(["".join(map(chr, s[:n])) for s, n in zip(syllables, lengths, strict=True)], dtype=object)


def write(path: Path, size: int) -> None:
    """About `size` bytes of JSONL."""
    written = 0
    with path.open("wb") as file:
        for n, text in enumerate(documents()):
            written += file.write(json.dumps({"id": f"d{n}", "text": text}, ensure_ascii=False).encode() + b"\n")
            if written >= size:
                return


@dataclass
class Watched:
    """What the processes of a run took, by process id."""

    pss: dict[int, int] = field(default_factory=dict)
    cpu: dict[int, float] = field(default_factory=dict)

    def look(self, root: psutil.Process) -> None:
        for process in [root, *root.children(recursive=True)]:
            try:
                is_worker = process.name().startswith("ray::") or (process.cmdline() or [""])[0].startswith("ray::")
                if not is_worker and process.pid != root.pid:
                    continue  # Ray's own servers
                times = process.cpu_times()
                self.cpu[process.pid] = times.user + times.system
                if is_worker:
                    self.pss[process.pid] = max(self.pss.get(process.pid, 0), _pss(process.pid))
            except (psutil.Error, OSError):
                continue  # it has just ended


def _pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return 1024 * int(line.split()[1])
    return 0


@dataclass(frozen=True)
class Took:
    """One run."""

    seconds: float
    cpu_seconds: float
    peak_pss: int
    documents: int
    fingerprint: str


def run(path: Path, workers: int, folder: Path) -> Took:
    """Both passes over one file, in an output folder of its own."""
    recipe, out = folder / "scale.yaml", folder / f"out-{path.suffix[1:]}-{workers}"
    sources = {"large": {"kind": "files", "path": str(path)}}
    recipe.write_text(yaml.safe_dump({"name": "scale", "sources": sources}), encoding="utf8")
    command = [sys.executable, "-m", "ablations.cli", "curate", "run", str(recipe), "--out", str(out)]
    started = time.monotonic()
    process = subprocess.Popen([*command, "--workers", str(workers)], stdout=subprocess.DEVNULL)
    watched, root = Watched(), psutil.Process(process.pid)
    ended = threading.Event()
    thread = threading.Thread(target=_watch, args=(watched, root, ended))
    thread.start()
    code = process.wait()
    seconds = time.monotonic() - started
    ended.set()
    thread.join()
    if code:
        raise SystemExit(f"the run ended with {code}")
    record = json.loads((out / "runs" / "scale.json").read_text(encoding="utf8"))
    rows, cpu = record["funnel"]["large"]["rows"], sum(watched.cpu.values())
    return Took(seconds, cpu, max(watched.pss.values()), rows, record["fingerprint"])


def _watch(watched: Watched, root: psutil.Process, ended: threading.Event) -> None:
    while not ended.wait(LOOK_EVERY_SECONDS):
        if root.is_running() and root.status() != psutil.STATUS_ZOMBIE:
            watched.look(root)


def main(megabytes: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain, packed = folder / "large.jsonl", folder / "large.jsonl.zst"
        write(plain, megabytes * 10**6)
        with plain.open("rb") as source, packed.open("wb") as target:
            zstandard.ZstdCompressor().copy_stream(source, target)
        runs = {}
        for what, path, workers in (
            ("plain, 1 worker", plain, 1),
            ("plain, 2 workers", plain, 2),
            ("one zst, 2 workers", packed, 2),
        ):
            runs[what] = took = run(path, workers, folder)
            title = f"curation of {megabytes} MB, {what}"
            details = {"megabytes": megabytes, "documents": took.documents, "cores": os.cpu_count()}
            keep(f"{title}: highest PSS of a worker", took.peak_pss / 1e6, "MB", **details)
            keep(f"{title}: CPU", 1000 * took.cpu_seconds / took.documents, "ms/document", **details)
            keep(f"{title}: time", took.seconds, "s", **details)
    one, two, _ = runs.values()
    rise = (two.cpu_seconds / two.documents) / (one.cpu_seconds / one.documents)
    keep(f"curation of {megabytes} MB: CPU a document, 2 workers to 1", rise, "ratio", megabytes=megabytes)
    assert one.fingerprint == two.fingerprint, "the number of workers changed the result"
    peak = max(took.peak_pss for took in runs.values())
    if peak > MOST_PSS_BYTES or rise > MOST_CPU_RISE:
        sys.exit(f"too much: {peak / 1e6:.0f} MB of {MOST_PSS_BYTES / 1e6:.0f}, ratio {rise:.2f} of {MOST_CPU_RISE}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else MEGABYTES)
