"""Specs of jobs that take one shard or one bucket of hashes each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from curation.runtime.stages.stage import Job
from curation.runtime.store.shards import ShardSet

ENDING = ".parquet"


@dataclass(frozen=True)
class ShardJob:
    """One shard, by the name of its file: what is written about it has the same name."""

    file: str

    @property
    def stem(self) -> str:
        return self.file.removesuffix(ENDING)


@dataclass(frozen=True)
class BucketJob:
    """One bucket of hashes."""

    number: int

    @property
    def stem(self) -> str:
        return f"{self.number:05d}"

    @property
    def file(self) -> str:
        """Of what is written about it."""
        return f"{self.stem}{ENDING}"


def shard_jobs(
    shards: ShardSet, cost: Callable[[Mapping[str, Any]], int] = lambda part: int(part["text_bytes"])
) -> list[Job[ShardJob]]:
    """A job a shard; `cost` of its part of the manifest, the bytes of its text unless another is given."""
    specs = [ShardJob(file) for file in shards.files]
    return [Job(spec.stem, spec, cost(part)) for spec, part in zip(specs, shards.manifest.parts, strict=True)]


def bucket_jobs(buckets: int, cost: int) -> list[Job[BucketJob]]:
    """A job a bucket, all of one cost."""
    specs = [BucketJob(number) for number in range(buckets)]
    return [Job(spec.stem, spec, cost) for spec in specs]
