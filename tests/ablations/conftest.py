"""Lets the tests of this floor use the small cells of core's tests and the small study of the end-to-end tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "core"))
sys.path.append(str(Path(__file__).parents[1] / "end_to_end"))
