"""`loam tokenizer ...`: curated shards to a tokenizer and token files."""

from __future__ import annotations

import click

from curation.runtime.command_line.command import table, where_options


@click.group()
def tokenizer() -> None:
    """Train a tokenizer on curated shards, and encode shards to token files."""


@tokenizer.command()
@click.argument("run")
@where_options
@click.option("--name", default="main", show_default=True, help="What the tokenizer is called.")
@click.option("--sources", default="", metavar="A,B", help="Sources to train on. [default: all of the run]")
@click.option("--vocab-size", default=16_384, show_default=True, type=click.IntRange(300, 65_536), help="Pieces.")
@click.option(
    "--sample-bytes", default=50_000_000, show_default=True, type=click.IntRange(1_000), help="Text to train on."
)
@click.option("--seed", default=0, show_default=True, help="Another number takes another sample.")
def train(
    run: str, out: str, workers: int | None, ray_address: str | None, name: str, sources: str, vocab_size: int,
    sample_bytes: int, seed: int,
) -> None:  # fmt: skip
    """Train a SentencePiece BPE model with byte fallback on RUN, a finished curation.

    Prints the folder of the tokenizer, which `loam tokenizer encode` takes.
    """
    from curation.questions.run_record import load
    from curation.runtime.cluster.cluster import Compute
    from curation.runtime.command_line.running import running
    from curation.runtime.identity import IDENTITY
    from curation.runtime.store.folder import open_out
    from tokenizer.pipeline import train_tokenizer
    from tokenizer.runs import shard_sets
    from tokenizer.settings import TokenizerSettings

    chosen = tuple(source for source in sources.split(",") if source)
    settings = TokenizerSettings(sources=chosen, vocab_size=vocab_size, sample_bytes=sample_bytes, seed=seed)
    folder = open_out(out)
    compute = Compute(ray_address, workers)
    with running(folder, f"{name}.tokenizer", compute):
        _, made, _ = train_tokenizer(name, settings, shard_sets(load(run)), folder, compute)
        record = {"kind": "tokenizer", "identity": IDENTITY, "name": name, "folder": folder.relative(made)}
        (folder / "runs").write_json(f"{name}.tokenizer.json", record)  # so that `loam gc` keeps it
    click.echo(made.url)


@tokenizer.command()
@click.argument("run")
@click.argument("tokenizer")
@where_options
@click.option(
    "--heldout",
    default=0.05,
    show_default=True,
    type=click.FloatRange(0, 1, max_open=True),
    help="Share of documents kept for measuring.",
)
def encode(run: str, tokenizer: str, out: str, workers: int | None, ray_address: str | None, heldout: float) -> None:
    """Encode all curated shards of RUN with TOKENIZER, a folder that `loam tokenizer train` printed."""
    from curation.questions.run_record import load
    from curation.runtime.cluster.cluster import Compute
    from curation.runtime.command_line.running import running
    from curation.runtime.identity import IDENTITY
    from curation.runtime.stages.stages import mended
    from curation.runtime.store.folder import Folder, open_out
    from curation.runtime.store.manifest import Manifest
    from tokenizer.pipeline import tokenize
    from tokenizer.runs import shard_sets

    folder = open_out(out)
    trained = Folder(tokenizer.rstrip("/"))
    manifest = Manifest.load(trained)
    compute = Compute(ray_address, workers)
    with running(folder, f"{manifest.name}.tokens", compute):
        which = (manifest.name, trained, manifest.fingerprint)
        made = mended(lambda: tokenize(which, shard_sets(load(run)), heldout, folder, compute), folder, compute)
        folders = [folder.relative(each) for t in made.tokens.values() for each in (t.parts, t.folder)]
        record = {"kind": "tokens", "identity": IDENTITY, "name": manifest.name, "folders": folders}
        (folder / "runs").write_json(f"{manifest.name}.tokens.json", record)
    rows = [
        (name, t.documents("train"), t.tokens("train"), t.tokens("heldout"), t.folder.url)
        for name, t in made.tokens.items()
    ]
    click.echo(table(("source", "documents", "tokens", "held-out tokens", "folder"), rows))
