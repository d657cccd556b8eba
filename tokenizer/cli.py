"""`loam tokenizer ...`: curated shards to a tokenizer and token files."""

from __future__ import annotations

import click

from curation.runtime.command_line.command import table
from curation.runtime.command_line.options import WHERE, Command, command_options


@click.group()
def tokenizer() -> None:
    """Train a tokenizer on curated shards, and encode shards to token files."""


@tokenizer.command()
@click.argument("path", metavar="RUN")
@click.option("--name", default="main", show_default=True, help="What the tokenizer is called.")
@click.option("--sources", default="", metavar="A,B", help="Sources to train on. [default: all of the run]")
@click.option("--vocab-size", default=16_384, show_default=True, type=click.IntRange(300, 65_536), help="Pieces.")
@click.option(
    "--sample-bytes", default=50_000_000, show_default=True, type=click.IntRange(1_000), help="Text to train on."
)
@click.option("--seed", default=0, show_default=True, help="Another number takes another sample.")
@command_options(*WHERE)
def train(command: Command, name: str, sources: str, vocab_size: int, sample_bytes: int, seed: int) -> None:
    """Train a SentencePiece BPE model with byte fallback on RUN, a finished curation.

    Prints the folder of the tokenizer, which `loam tokenizer encode` takes.
    """
    from tokenizer import from_run
    from tokenizer.settings import TokenizerSettings

    chosen = tuple(source for source in sources.split(",") if source)
    settings = TokenizerSettings(sources=chosen, vocab_size=vocab_size, sample_bytes=sample_bytes, seed=seed)
    trained = from_run.train(command, name, settings)
    command.show(trained, trained.folder)


@tokenizer.command()
@click.argument("path", metavar="RUN")
@click.argument("tokenizer")
@click.option(
    "--heldout",
    default=0.05,
    show_default=True,
    type=click.FloatRange(0, 1, max_open=True),
    help="Share of documents kept for measuring.",
)
@command_options(*WHERE)
def encode(command: Command, tokenizer: str, heldout: float) -> None:
    """Encode all curated shards of RUN with TOKENIZER, a folder that `loam tokenizer train` printed."""
    from tokenizer import from_run

    sources = from_run.encode(command, tokenizer, heldout)
    rows = [(each.source, each.documents, each.tokens, each.heldout_tokens, each.folder) for each in sources]
    command.show(sources, table(("source", "documents", "tokens", "held-out tokens", "folder"), rows))
