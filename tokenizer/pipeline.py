"""Curated shards of several sources to one tokenizer and their tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import ConfigError, one_of
from curation.runtime.stages.stages import run_stage, run_stages
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.shards import ShardSet
from tokenizer import encode, train
from tokenizer.encode import TokenSet
from tokenizer.model import TokenizerModel, load_tokenizer
from tokenizer.settings import TokenizerSettings


@dataclass(frozen=True)
class Tokenized:
    """A tokenizer with the tokens of its sources."""

    name: str
    folder: Folder
    fingerprint: str
    tokens: Mapping[str, TokenSet]

    @property
    def model(self) -> TokenizerModel:
        return load_tokenizer(self.folder)

    @property
    def kind(self) -> str:
        """`bpe` or `words`."""
        return str(Manifest.load(self.folder).what["settings"]["kind"])


def chosen_shards(settings: TokenizerSettings, shards: Mapping[str, ShardSet], where: str) -> dict[str, ShardSet]:
    """The shard sets that the settings name, in the order of the recipe."""
    for source in settings.sources:
        if source not in shards:
            raise ConfigError(f"{where}.sources: {one_of(shards, source, 'source')}")
    return {name: s for name, s in shards.items() if not settings.sources or name in settings.sources}


def train_tokenizer(
    name: str, settings: TokenizerSettings, shards: Mapping[str, ShardSet], out: Folder, compute: Compute
) -> tuple[str, Folder, str]:
    """Name, folder and fingerprint of the trained tokenizer."""
    stage = train.train_stage(name, settings, chosen_shards(settings, shards, f"tokenizer {name}"))
    manifest = run_stage(stage, out, compute)["model"]
    folder = stage.outputs["model"].folder(out)
    return name, folder, manifest.fingerprint


def tokenize(
    tokenizer: tuple[str, Folder, str],
    shards: Mapping[str, ShardSet],
    heldout: Mapping[str, float],
    out: Folder,
    compute: Compute,
) -> Tokenized:
    """The tokens of every source. `heldout` is the share of each source's documents that no model is trained on."""
    encoding = [encode.encode_stage(tokenizer, each, heldout[source]) for source, each in shards.items()]
    encoded = run_stages(encoding, out, compute)
    joining = [
        encode.join_stage(tokenizer[0], source, stage.outputs["parts"].folder(out), manifests["parts"])
        for source, stage, manifests in zip(shards, encoding, encoded, strict=True)
    ]
    joined = run_stages(joining, out, compute)
    tokens = {
        source: TokenSet(source, to.outputs["tokens"].folder(out), of.outputs["parts"].folder(out), manifests["tokens"])
        for source, of, to, manifests in zip(shards, encoding, joining, joined, strict=True)
    }
    return Tokenized(*tokenizer, tokens)
