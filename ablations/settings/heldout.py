"""What a user may write about the text that measures are taken on, and the share of each source that it comes to.

Which documents are held out goes by a hash of their ids against a share, so it does not depend on the tokenizer, and a source
and its transforms hold out the same documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field

from curation.runtime.config import Config

BYTES_A_TOKEN = 4  # no fewer than most tokenizers make of most text; more only holds out more
MARGIN = 2.0  # lengths are skewed: half of the documents have fewer tokens than their mean
MOST = 0.25  # of a source, which is to be trained on too


class HeldoutWindows(Config):
    """About as many windows as measures need, whatever the size of the source.

    Args:
        windows: of the arms' longest context, each from a document of its own where documents are long enough. At most a quarter
            of a source is held out for them.
    """

    windows: int = Field(default=400, ge=1)


@dataclass(frozen=True)
class SourceSize:
    """Documents and UTF-8 bytes of a source's text, and the source that it was derived from (itself where it was read)."""

    documents: int
    text_bytes: int
    origin: str


def heldout_shares(asked: HeldoutWindows | float, sizes: Mapping[str, SourceSize], context: int) -> dict[str, float]:
    """Source -> share of its documents that is held out.

    Args:
        sizes: of every source that is encoded.
        context: tokens of a window.
    """
    if isinstance(asked, float):
        return dict.fromkeys(sizes, asked)
    own = {name: _share(asked.windows, size, context) for name, size in sizes.items()}
    return {
        name: max(own[other] for other, each in sizes.items() if each.origin == size.origin)
        for name, size in sizes.items()
    }


def _share(windows: int, size: SourceSize, context: int) -> float:
    """Enough for `windows` windows, if no document gives two."""
    most_windows = min(size.documents, size.text_bytes / (context * BYTES_A_TOKEN))
    return min(MOST, MARGIN * windows / most_windows) if most_windows > 0 else MOST
