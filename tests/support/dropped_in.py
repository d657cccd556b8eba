"""A pytest plugin (`-p dropped_in`): packages named by the environment are read from folders in which a file more lies.

`DROPPED_IN` is a folder that holds one folder a package, named as it is imported.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

for _folder in sorted(Path(os.environ["DROPPED_IN"]).iterdir()):
    _package = import_module(_folder.name)
    _package.__path__[:] = [str(_folder)]
    assert _package.__spec__
    _package.__spec__.submodule_search_locations = [str(_folder)]
