"""Everything that a planned cell reads, laid out in one folder: for a pack, and to know the hashes of it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from ablations.cells.cell_folder import HELDOUT, lay_out, lay_plugins, lay_tokens, path_of
from ablations.cells.cells import CellPlan
from ablations.core.spec.cell_spec import MEASURING
from curation.runtime.registry import Plugin
from curation.runtime.store.folder import Folder


def lay_out_all(path: Path, plan: CellPlan) -> None:
    """What training reads, and what measuring reads.

    Raises:
        DamagedError: a token file is not the one that was encoded.
    """
    measuring = plan.measuring
    for source, tokens in measuring.heldout.items():
        lay_tokens(path, measuring.spec.heldout[source], tokens.folder, HELDOUT)
    folder = Folder(str(path))
    for task, file in measuring.items.items():
        folder.write(f"tasks/{task}.json", file.text.encode())
    lay_plugins(folder, [plugin for plugin in plugins_of(plan) if plugin not in plan.plugins])
    folder.write_json(MEASURING, asdict(measuring.spec))
    lay_out_training(path, plan)


def plugins_of(plan: CellPlan) -> list[Plugin]:
    """Files that the cell itself needs: for its training, and for its metrics."""
    named = {*plan.spec.plugins, *plan.measuring.spec.plugins}
    return [each for each in dict.fromkeys((*plan.plugins, *plan.measuring.plugins)) if path_of(each) in named]


def lay_out_training(path: Path, plan: CellPlan) -> None:
    """What training reads.

    Raises:
        DamagedError: a token file is not the one that was encoded.
    """
    tokens = {stem: tokens.folder for stem, tokens in plan.tokens.items()}
    lay_out(path, plan.spec, tokens, plan.plugins)
