"""Examples of pages as modules whose classes and functions travel to workers, which cannot import them."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from ray import cloudpickle


def shown_module(name: str, code: str) -> Any:
    """The module that a code block is: what stands on the page is what runs."""
    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile(code, name, "exec"), module.__dict__)
    cloudpickle.register_pickle_by_value(module)
    return module
