"""What the commands do that take the cells of a study to another machine and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ablations.cells.cell_states import states, summary
from ablations.commands import Where, loaded_study, prepared_study
from ablations.study import pipeline as studies
from curation.runtime.command_line.command import table
from curation.runtime.command_line.running import running
from curation.runtime.store.folder import open_out

if TYPE_CHECKING:
    from ablations.elsewhere.runner.outcome import Weights


def pack(
    path: str,
    folder: str,
    changes: Sequence[str],
    plugins: Sequence[str],
    where: Where,
    limit_mib: float,
    as_json: bool,
) -> None:
    """`loam ablate pack`."""
    from pathlib import Path

    from ablations.elsewhere import pack as packing
    from ablations.settings.machine import is_stated
    from ablations.study import record

    loaded, recipe = loaded_study(path, changes, plugins)
    out = open_out(where.out)
    with running(out, loaded.name, where.compute):
        prepared = studies.prepare(loaded, recipe, out, where.compute)
        record.write_record(prepared, out)
        waiting = [state.plan for state in states(prepared.plans, out) if not state.trained]
        there = [p for p in waiting if not loaded.machine or is_stated(loaded.machine, p.training.compute.device)]
        made = packing.pack(loaded.name, there, Path(folder), limit_mib)
    if as_json:
        click.echo(json.dumps(packing.to_json(made), indent=1, ensure_ascii=False))
        return
    rows = [(r.arm, r.source, r.distinct_tokens, r.scheduled_tokens, r.times) for r in made.repetitions]
    click.echo(table(("arm", "source", "distinct tokens", "tokens of the schedule", "times seen"), rows))
    click.echo("\n" + "\n".join(packing.lines(made, there, len(waiting) - len(there), loaded.machine is None)))
    click.echo(folder)


def unpack(
    path: str, places: Sequence[str], changes: Sequence[str], plugins: Sequence[str], where: Where, weights: Weights
) -> bool:
    """`loam ablate unpack`; whether no result was refused."""
    from pathlib import Path

    from ablations.elsewhere import unpack as unpacking
    from ablations.study import record

    prepared = prepared_study(path, changes, plugins, where)
    out = open_out(where.out)
    with running(out, prepared.study.name, where.compute):
        done = unpacking.unpack(prepared.plans, out, unpacking.archives_at([Path(p) for p in places]), weights)
        record.write_record(prepared, out)
    for name, why in done.refused.items():
        click.echo(f"refused: {name}: {why}", err=True)
    found = states(prepared.plans, out)
    known = f", {len(done.known)} were there already" if done.known else ""
    click.echo(f"{len(done.merged)} cells merged{known}, {len(done.refused)} refused")
    click.echo(summary(found))
    if away := sum(state.away for state in found):
        click.echo(f"{away} of them cannot be measured again here: their weights stayed where they were trained")
    return not done.refused
