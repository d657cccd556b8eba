"""Whether tests of faults take all their moments, as `make faults` asks, or some of them."""

from __future__ import annotations

import os

FAULTS = bool(os.environ.get("LOAM_FAULTS"))
