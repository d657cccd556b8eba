"""Which entities a policy's replacements use: they alone enter the identity of what is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow.compute as pc

from curation.annotators.base import Annotator
from curation.pii.base import Entity
from curation.pii.registry import ENTITIES
from curation.policy.policy import Rules, is_chosen
from curation.runtime.errors import ConfigError
from curation.runtime.registry import Plugin
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.shards import row_groups

KIND = "spans.list.element.kind"  # the one leaf of a file of scores that is read here


def identities(
    rules: Rules, annotators: Mapping[str, Annotator], scores: Mapping[str, Folder], plugins: Sequence[Plugin]
) -> dict[str, str]:
    """Name -> identity of every entity whose spans the rules replace; others do not change it.

    Raises:
        ConfigError: spans are to be replaced whose kind is no entity.
    """
    kinds = {
        kind
        for name in rules.replace
        for kind in _kinds(annotators[name], scores[name])
        if is_chosen(rules.replace, name, kind)
    }
    return {kind: cls.identity() for kind, cls in classes(kinds, plugins).items()}


def classes(kinds: set[str], plugins: Sequence[Plugin]) -> dict[str, type[Entity]]:
    """The entities of these kinds of spans, by name.

    Raises:
        ConfigError: one of the kinds is no entity.
    """
    known = ENTITIES.classes(plugins) if kinds else {}
    if unknown := sorted(kinds - set(known)):
        raise ConfigError(f"policy.replace: spans of kind {unknown[0]!r} belong to no entity. Cut them instead.")
    return {kind: known[kind] for kind in sorted(kinds)}


def _kinds(annotator: Annotator, scores: Folder) -> Iterator[str]:
    """Those that the annotator looks for, if it declares them; else those that it found."""
    declared = annotator.entities_found()
    if declared is not None:
        yield from declared
        return
    for part in Manifest.load(scores).parts:
        for table in row_groups(scores, str(part["file"]), [KIND]):
            spans = pc.list_flatten(table["spans"].combine_chunks())
            yield from pc.unique(pc.struct_field(spans, "kind")).to_pylist()
