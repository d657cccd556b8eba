"""What `loam ablate adopt` does and prints."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ablations.cells.adopting import Tried
from ablations.cells.adopting import adopt as adopted
from ablations.cells.cell_states import states, summary
from ablations.commands import Where, prepared_study
from curation.runtime.command_line.running import running
from curation.runtime.store.folder import open_out


def adopt(path: str, changes: Sequence[str], plugins: Sequence[str], where: Where) -> bool:
    """`loam ablate adopt`; whether every shape that was tried came to equal weights."""
    from ablations.study import record

    prepared = prepared_study(path, changes, plugins, where)
    out = open_out(where.out)
    with running(out, prepared.study.name, where.compute):
        tried = adopted(prepared.plans, out, where.compute)
        record.write_record(prepared, out)
    for each in tried:
        click.echo(_line(each))
    if not tried:
        click.echo("nothing to adopt: no cell of this study is finished under other code alone")
    click.echo(summary(states(prepared.plans, out)))
    return all(each.equal for each in tried)


def _line(each: Tried) -> str:
    if not each.equal:
        return f"{each.cell}: trained anew, its weights are other ones: cells of its shape have to be trained again"
    count = len(each.adopted)
    return f"{each.cell}: trained anew, its weights are equal bit for bit: {count} other cells of its shape keep theirs"
