"""A resolved config as YAML in which defaults are marked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

MARK = "  # default"


class _Plain(yaml.SafeDumper):
    """Writes a value that two places share twice, where YAML would write an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def resolved_yaml(resolved: Mapping[str, Any], written: Mapping[str, Any]) -> str:
    """`resolved` as YAML; each value that is not in `written` at the same path is marked by a comment.

    Args:
        written: what the user wrote; a value written in another form, such as a number that became a mapping, counts too.
    """
    text: str = yaml.dump(resolved, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)
    tree = yaml.compose(text, yaml.SafeLoader)
    pieces, start = [], 0
    for end in _ends_of_defaults(tree, resolved, written):
        pieces += [text[start:end], MARK]
        start = end
    return "".join([*pieces, text[start:]])


def _ends_of_defaults(node: Any, value: Any, written: Any) -> Iterator[int]:
    """Where the text of each value ends that the user left to its default; `node` is what YAML makes of `value`."""
    if isinstance(value, Mapping) and value:
        for (_, inner), (key, each) in zip(node.value, value.items(), strict=True):
            if isinstance(written, Mapping):
                yield from _ends_of_defaults(inner, each, written[key]) if key in written else _ends(inner)
            elif (
                value.get("kind") == written and key != "kind"
            ):  # a member written by its name: all its settings are defaults
                yield from _ends(inner)
    elif isinstance(value, list | tuple) and value:
        for number, (inner, each) in enumerate(zip(node.value, value, strict=True)):
            if isinstance(written, list | tuple):
                yield from _ends_of_defaults(inner, each, written[number]) if number < len(written) else _ends(inner)


def _ends(node: Any) -> Iterator[int]:
    """Where each leaf ends: a scalar, or a list or mapping of nothing."""
    if isinstance(node, yaml.ScalarNode) or not node.value:
        yield node.end_mark.index
        return
    for each in node.value:
        yield from _ends(each[1] if isinstance(node, yaml.MappingNode) else each)
