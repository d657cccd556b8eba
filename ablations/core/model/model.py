"""A small decoder-only language model, plain enough that what it learns from context can be attributed.

Blocks of attention and an MLP around a residual stream; how positions are given, the norm and its place, the activation and the
mask are members of registries. There is no token shift, no smeared key and no bigram embedding: such tricks hand a layer the
previous token, with which one layer can do induction, and the contrast between one layer and two is what the controls rest on.

Shapes: B sequences, T positions, W width, H heads, D = W / H, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ablations.core.model.attention import Attention, LayerTap, Places
from ablations.core.model.cache import NOTHING, Before, Cache, KeysValues, Pair
from ablations.core.model.mlp import Mlp
from ablations.core.model.parts import Parts, parts_of
from ablations.core.spec.model_spec import ModelSpec
from curation.runtime.registry import Plugin

Tap = Callable[
    [int, Tensor, Tensor], None
]  # is given a layer, its attention weights (B, H, T, S) and values (B, H, S, D)

EMBEDDING_STD = 0.1  # a norm follows at once: what counts is that Adam's steps turn an embedding within tens of them
NOT_LEARNED = -100  # a target that does not count, as in torch's cross entropy


class Block(nn.Module):
    """Attention, then MLP; either may be absent, for a control."""

    def __init__(self, spec: ModelSpec, parts: Parts) -> None:
        super().__init__()
        self.norm = parts.norm
        self.attention = Attention(spec, parts) if spec.attention else None
        self.mlp = Mlp(spec, parts) if spec.mlp_ratio else None

    def forward(
        self, x_BTW: Tensor, at: Places, before: Before = NOTHING, seen_BTS: Tensor | None = None,
        asked_BM: Tensor | None = None, tap: LayerTap | None = None,
    ) -> tuple[Tensor, Pair | None]:  # fmt: skip
        """The residual stream, at all positions or at those asked for, and the keys and values of attention."""
        pair = None
        wanted = x_BTW if asked_BM is None else x_BTW.gather(1, asked_BM[..., None].expand(-1, -1, x_BTW.shape[2]))
        if self.attention is not None:
            mixed, pair = self.attention(self._read(x_BTW), at, before, seen_BTS, asked_BM, tap)
            wanted = self._added(wanted, mixed)
        if self.mlp is not None:
            wanted = self._added(wanted, self.mlp(self._read(wanted)))
        return wanted, pair

    def _read(self, x_BTW: Tensor) -> Tensor:
        return self.norm.normalised(x_BTW) if self.norm.place == "pre" else x_BTW

    def _added(self, x_BTW: Tensor, more_BTW: Tensor) -> Tensor:
        return x_BTW + more_BTW if self.norm.place == "pre" else self.norm.normalised(x_BTW + more_BTW)


class Model(nn.Module):
    """Tokens to next-token logits.

    Args:
        spec: the shape.
        seed: of the initial weights; the same seed and shape give the same weights whatever was drawn before.
        plugins: files with further parts.
    """

    def __init__(self, spec: ModelSpec, seed: int, plugins: Sequence[Plugin] = ()) -> None:
        super().__init__()
        self.spec, self.parts = spec, parts_of(spec, plugins)
        self.embedding = nn.Embedding(spec.vocab_size, spec.width)
        self.blocks = nn.ModuleList(Block(spec, self.parts) for _ in range(spec.layers))
        self.head = nn.Linear(spec.width, spec.vocab_size, bias=False)
        if spec.tied:
            self.head.weight = self.embedding.weight
        self.places = _Places(self.parts, spec)
        self._initialise(torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def _initialise(self, generator: torch.Generator) -> None:
        """Matrices that write to the residual stream start at zero, so that depth costs nothing at first."""
        for name, weight in self.named_parameters():
            if name == "embedding.weight":
                std = EMBEDDING_STD / (self.spec.width**0.5 if self.spec.tied else 1.0)
            elif name.startswith("places."):
                std = EMBEDDING_STD
            elif name.endswith(("out.weight", "sharper_H")) or name == "head.weight":
                std = 0.0
            else:
                std = weight.shape[1] ** -0.5
            weight.copy_(torch.randn(weight.shape, generator=generator) * std)

    @property
    def device(self) -> torch.device:
        return self.embedding.weight.device

    def hidden(
        self, tokens_BT: Tensor, cache: Cache | None = None, places_BT: Tensor | None = None, seen_BTS: Tensor | None = None,
        asked_BM: Tensor | None = None, tap: Tap | None = None,
    ) -> Tensor:  # fmt: skip
        """What the output matrix reads, shape (B, M or T, W): the one way through the model.

        Args:
            cache: what came before; the new tokens are part of it afterwards. None when these are all, at most a context.
            places_BT: positions in the context; None when they count on from the cache.
            seen_BTS: 0 where a position sees one of the S own and new positions, -inf elsewhere; None for all up to itself.
            asked_BM: the M places among the T whose hidden states are wanted; the last block then computes no others.
            tap: is given each layer's number, attention weights and values, those of a shared prefix first; the weights are
                computed for it alone, and one layer's at a time are held.
        """
        T, start = tokens_BT.shape[1], cache.length if cache else 0
        places = torch.arange(start, start + T, device=self.device) if places_BT is None else places_BT
        if seen_BTS is None and cache and cache.own:
            seen_BTS = _causal(torch.arange(T, device=self.device)[None], T, cache.own_length)
        normalised, positions, own = self.parts.norm.normalised, self.parts.positions, self.places.own()
        x_BTW = normalised(positions.embedded(self.embedding(tokens_BT), places, own))
        at, pairs, last = positions.at(places, own), [], len(self.blocks) - 1
        for layer, block in enumerate(self.blocks):
            asked = asked_BM if layer == last else None
            seen = seen_BTS if asked is None else _rows(seen_BTS, asked, T)
            before = cache.of(layer) if cache else NOTHING
            x_BTW, pair = block(x_BTW, at, before, seen, asked, partial(tap, layer) if tap else None)
            pairs.append(pair if cache else None)
        if cache:
            cache.grow(T, pairs)
        return normalised(x_BTW)

    def keys_values(self, prefix_P: Tensor) -> KeysValues:
        """Of a prefix, computed once for all sequences that follow it."""
        cache = Cache()
        self.hidden(prefix_P[None], cache, asked_BM=torch.tensor([[len(prefix_P) - 1]], device=self.device))
        assert cache.own
        return cache.own

    def logits(self, hidden: Tensor) -> Tensor:
        """Logits of the next token, float32, shape (..., V)."""
        return self.head(hidden).float()  # type: ignore[no-any-return]

    def forward(self, tokens_BT: Tensor, seen_BTS: Tensor | None = None) -> Tensor:
        """Logits of the next token at every position, float32, shape (B, T, V). `seen_BTS`: see `hidden`."""
        return self.logits(self.hidden(tokens_BT, seen_BTS=seen_BTS))


class _Places(nn.Module):
    """The tables and weights of the way in which positions are given."""

    def __init__(self, parts: Parts, spec: ModelSpec) -> None:
        super().__init__()
        self.names = [*(tables := parts.positions.tables(spec)), *(weights := parts.positions.weights(spec))]
        for name, table in tables.items():
            self.register_buffer(name, table, persistent=False)
        for name, shape in weights.items():
            self.register_parameter(name, nn.Parameter(torch.zeros(shape)))

    def own(self) -> dict[str, Tensor]:
        return {name: getattr(self, name) for name in self.names}


def _rows(seen_BTS: Tensor | None, asked_BM: Tensor, T: int) -> Tensor:
    """What the places asked for see, shape (B, M, S)."""
    if seen_BTS is not None:
        seen_BTS = seen_BTS.expand(len(asked_BM), -1, -1)
        return seen_BTS.gather(1, asked_BM[..., None].expand(-1, -1, seen_BTS.shape[2]))
    return _causal(asked_BM, T)


def _causal(places_BM: Tensor, T: int, earlier: int = 0) -> Tensor:
    """What places among T new ones see of these and of `earlier` ones: all up to themselves. Shape (B, M, S)."""
    later_BMS = earlier + places_BM[..., None] < torch.arange(earlier + T, device=places_BM.device)
    return torch.zeros(later_BMS.shape, device=places_BM.device).masked_fill_(later_BMS, -torch.inf)


def loss_of(model: nn.Module, tokens_BT: Tensor, targets_BT: Tensor, seen_BTS: Tensor | None = None) -> Tensor:
    """Mean next-token loss in nats over the targets that are not `NOT_LEARNED`."""
    logits_NV = model(tokens_BT, seen_BTS).flatten(0, 1)
    return F.cross_entropy(logits_NV, targets_BT.flatten(), ignore_index=NOT_LEARNED)
