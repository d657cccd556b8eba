"""What has to be the same, byte for byte, however a study was run."""

from __future__ import annotations

import hashlib
from pathlib import Path

DATA = (".parquet", ".bin", ".safetensors", ".model", "training.json", "cell.json", "items.json", "measure.json")


def contents(out: Path) -> dict[str, str]:
    """Hash of every data file by its path; times and costs are not data."""
    files = [path for path in out.rglob("*") if path.is_file() and path.name.endswith(DATA)]
    files = [path for path in files if path.parent.name != "receipts"]
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
