"""Where few-shot tasks are found, classes and YAML files; their names are listed without importing any."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from curation.runtime.errors import ConfigError
from curation.runtime.registry import Plugin, Registry

PROBES = "MapTask"  # base of the tasks that read no rows; a catalogue knows the classes of one base


class TaskRegistry(Registry[Any]):
    """Few-shot tasks: classes as any registry finds them, and YAML files beside the built-in ones."""

    def yaml_files(self) -> dict[str, Path]:
        """Name -> file of the built-in tasks that are written in YAML."""
        folder = importlib.util.find_spec(self.package)
        assert folder is not None
        assert folder.submodule_search_locations
        paths = sorted(Path(folder.submodule_search_locations[0]).glob("*.yaml"))
        return {path.stem: path for path in paths}

    def catalogue(self, plugins: Sequence[Plugin] = ()) -> dict[str, str]:
        """Name -> first line of its docstring or of its file.

        Raises:
            ConfigError: a class and a file are of one name.
        """
        maps = Registry[Any](self.package, PROBES, self.group, self.what)
        lines = maps.catalogue(plugins) | super().catalogue(plugins)
        for name, path in self.yaml_files().items():
            if name in lines:
                raise ConfigError(f"two tasks are called {name!r}: {path.name} and a class. Rename the class.")
            lines[name] = path.read_text(encoding="utf8").split("\n", 1)[0].removeprefix("# ")
        return dict(sorted(lines.items()))


TASKS = TaskRegistry("ablations.prompts.tasks", "FewShotTask", "loam.tasks", "task")
