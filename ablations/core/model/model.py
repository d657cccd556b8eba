"""A small decoder-only language model, plain enough that what it learns from context can be attributed.

Blocks of causal attention (RoPE, QK-norm) and a ReLU² MLP around a residual stream, RMSNorm before each. There is no
token shift, no smeared key and no bigram embedding: such tricks hand a layer the previous token, with which one layer
can do induction, and the contrast between one layer and two is what the controls rest on.

Shapes: B sequences, T positions, W width, H heads, D = W / H, V vocabulary.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ablations.core.model.prefix_cache import KeysValues, Pair, attended
from ablations.core.spec.model_spec import ModelSpec

EMBEDDING_STD = (
    0.1  # RMSNorm follows at once: what counts is that Adam's steps of 0.01 turn an embedding within tens of steps
)


class Attention(nn.Module):
    """Causal self-attention. With `qk_norm` queries and keys are normalised, so that `sharpness` is the largest logit."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        head_width = spec.width // spec.heads
        self.heads, self.qk_norm = spec.heads, spec.qk_norm
        self.scale = spec.sharpness / head_width if spec.qk_norm else head_width**-0.5
        self.qkv = nn.Linear(spec.width, 3 * spec.width, bias=False)
        self.out = nn.Linear(spec.width, spec.width, bias=False)

    def forward(self, x_BTW: Tensor, cos_TD: Tensor, sin_TD: Tensor) -> Tensor:
        q, k, v = self._projected(x_BTW, cos_TD, sin_TD)
        return self._joined(F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=self.scale))

    def behind(
        self, x_BTW: Tensor, own: Pair | None, shared: Pair | None, turns: Pair, seen_BTS: Tensor | None, asked_BM: Tensor | None
    ) -> tuple[Tensor, Pair]:  # fmt: skip
        """Attention to what came before as well; and the keys and values of `own` and the new positions."""
        q, k, v = self._projected(x_BTW, *turns)
        if own is not None:
            k, v = torch.cat((own[0], k), 2), torch.cat((own[1], v), 2)
        if asked_BM is not None:
            q = q.gather(2, asked_BM[:, None, :, None].expand(-1, self.heads, -1, q.shape[3]))
        return self._joined(attended(q, (k, v), shared, seen_BTS, self.scale)), (k, v)

    def _projected(self, x_BTW: Tensor, cos_TD: Tensor, sin_TD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        B, T, W = x_BTW.shape
        q, k, v = self.qkv(x_BTW).view(B, T, 3, self.heads, W // self.heads).permute(2, 0, 3, 1, 4)
        if self.qk_norm:
            q, k = rms_norm(q), rms_norm(k)
        return rotate(q, cos_TD, sin_TD), rotate(k, cos_TD, sin_TD), v

    def _joined(self, mixed_BHTD: Tensor) -> Tensor:
        return self.out(mixed_BHTD.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class Mlp(nn.Module):
    """Two matrices around ReLU². Source: So et al. 2021, https://arxiv.org/abs/2109.08668."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        hidden = round(spec.width * spec.mlp_ratio)
        self.up = nn.Linear(spec.width, hidden, bias=False)
        self.out = nn.Linear(hidden, spec.width, bias=False)

    def forward(self, x_BTW: Tensor) -> Tensor:
        return self.out(F.relu(self.up(x_BTW)).square())  # type: ignore[no-any-return]


class Block(nn.Module):
    """Attention, then MLP; either may be absent, for a control."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.attention = Attention(spec) if spec.attention else None
        self.mlp = Mlp(spec) if spec.mlp_ratio else None

    def forward(self, x_BTW: Tensor, cos_TD: Tensor, sin_TD: Tensor) -> Tensor:
        if self.attention is not None:
            x_BTW = x_BTW + self.attention(rms_norm(x_BTW), cos_TD, sin_TD)
        return self._fed_forward(x_BTW)

    def behind(
        self, x_BTW: Tensor, own: Pair | None, shared: Pair | None, turns: Pair, seen_BTS: Tensor | None, asked_BM: Tensor | None
    ) -> tuple[Tensor, Pair | None]:  # fmt: skip
        """Behind earlier tokens, at all positions or at those asked for; and what attention keeps of them."""
        kept = None
        wanted = x_BTW if asked_BM is None else x_BTW.gather(1, asked_BM[..., None].expand(-1, -1, x_BTW.shape[2]))
        if self.attention is not None:
            mixed, kept = self.attention.behind(rms_norm(x_BTW), own, shared, turns, seen_BTS, asked_BM)
            wanted = wanted + mixed
        return self._fed_forward(wanted), kept

    def _fed_forward(self, x_BTW: Tensor) -> Tensor:
        return x_BTW if self.mlp is None else x_BTW + self.mlp(rms_norm(x_BTW))


class Model(nn.Module):
    """Tokens to next-token logits.

    Args:
        spec: the shape.
        seed: of the initial weights; the same seed and shape give the same weights whatever was drawn before.
    """

    cos_TD: Tensor
    sin_TD: Tensor

    def __init__(self, spec: ModelSpec, seed: int) -> None:
        super().__init__()
        self.spec = spec
        self.embedding = nn.Embedding(spec.vocab_size, spec.width)
        self.blocks = nn.ModuleList(Block(spec) for _ in range(spec.layers))
        self.head = nn.Linear(spec.width, spec.vocab_size, bias=False)
        if spec.tied:
            self.head.weight = self.embedding.weight
        cos, sin = rotations(spec.context, spec.width // spec.heads, spec.rope_base)
        self.register_buffer("cos_TD", cos, persistent=False)
        self.register_buffer("sin_TD", sin, persistent=False)
        self._initialise(torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def _initialise(self, generator: torch.Generator) -> None:
        """Matrices that write to the residual stream start at zero, so that depth costs nothing at first."""
        for name, weight in self.named_parameters():
            if name == "embedding.weight":
                std = EMBEDDING_STD / (self.spec.width**0.5 if self.spec.tied else 1.0)
            elif name.endswith("out.weight") or name == "head.weight":
                std = 0.0
            else:
                std = weight.shape[1] ** -0.5
            weight.copy_(torch.randn(weight.shape, generator=generator) * std)

    @property
    def device(self) -> torch.device:
        return self.embedding.weight.device

    def hidden(self, tokens_BT: Tensor) -> Tensor:
        """What the output matrix reads, shape (B, T, W). T is at most the context."""
        T = tokens_BT.shape[1]
        cos_TD, sin_TD = self.cos_TD[:T], self.sin_TD[:T]
        x_BTW = rms_norm(self.embedding(tokens_BT))
        for block in self.blocks:
            x_BTW = block(x_BTW, cos_TD, sin_TD)
        return rms_norm(x_BTW)

    def keys_values(self, prefix_P: Tensor) -> KeysValues:
        """What `behind` needs of a prefix, computed once for all sequences that follow it."""
        last_11 = torch.tensor([[len(prefix_P) - 1]], device=self.device)
        return self.behind(None, prefix_P[None], asked_BM=last_11)[1]

    def behind(
        self,
        shared: KeysValues | None,
        tokens_BT: Tensor,
        own: KeysValues | None = None,
        places_BT: Tensor | None = None,
        seen_BTS: Tensor | None = None,
        asked_BM: Tensor | None = None,
    ) -> tuple[Tensor, KeysValues]:
        """`hidden` of sequences that follow a shared prefix; the numbers agree with `hidden` up to rounding only.

        Args:
            shared: of the prefix; None when there is none.
            own: what an earlier call kept of the sequences themselves.
            places_BT: positions in the context; None when they count on from the prefix.
            seen_BTS: 0 where a position sees one of the S own and new positions, -inf elsewhere; None for all up to itself.
            asked_BM: the M places among the T whose hidden states are wanted; the last block then computes no others.

        Returns:
            Hidden states, shape (B, M or T, W), and what to give as `own` to go on.
        """
        start, T = shared.length if shared else 0, tokens_BT.shape[1]
        turns = self.cos_TD[start : start + T], self.sin_TD[start : start + T]
        if places_BT is not None:
            turns = self.cos_TD[places_BT][:, None], self.sin_TD[places_BT][:, None]
        nothing = (None,) * len(self.blocks)
        befores = zip(own.blocks if own else nothing, shared.blocks if shared else nothing, strict=True)
        x_BTW, kept = rms_norm(self.embedding(tokens_BT)), []
        for number, (block, before) in enumerate(zip(self.blocks, befores, strict=True), start=1):
            assert isinstance(block, Block)
            asked = asked_BM if number == len(self.blocks) else None
            seen = seen_BTS if asked is None else _rows(seen_BTS, asked, T)
            x_BTW, pair = block.behind(x_BTW, *before, turns, seen, asked)
            kept.append(pair)
        return rms_norm(x_BTW), KeysValues((own.length if own else 0) + T, tuple(kept))

    def logits(self, hidden: Tensor) -> Tensor:
        """Logits of the next token, float32, shape (..., V)."""
        return self.head(hidden).float()  # type: ignore[no-any-return]

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """Logits of the next token at every position, float32, shape (B, T, V)."""
        return self.logits(self.hidden(tokens_BT))


def _rows(seen_BTS: Tensor | None, asked_BM: Tensor, T: int) -> Tensor:
    """What the places asked for see, shape (B, M, S)."""
    if seen_BTS is not None:
        return seen_BTS.gather(1, asked_BM[..., None].expand(-1, -1, seen_BTS.shape[2]))
    later_BMT = asked_BM[..., None] < torch.arange(T, device=asked_BM.device)
    return torch.zeros(later_BMT.shape, device=asked_BM.device).masked_fill_(later_BMT, -torch.inf)


def loss_of(model: nn.Module, tokens_BT: Tensor, targets_BT: Tensor) -> Tensor:
    """Mean next-token loss in nats."""
    return F.cross_entropy(model(tokens_BT).flatten(0, 1), targets_BT.flatten())


def rms_norm(x: Tensor) -> Tensor:
    return F.rms_norm(x, (x.shape[-1],), eps=1e-6)


def rotate(x_BHTD: Tensor, cos_TD: Tensor, sin_TD: Tensor) -> Tensor:
    """Rotary positions on the two halves. Source: Su et al. 2021, https://arxiv.org/abs/2104.09864."""
    a, b = x_BHTD.chunk(2, dim=-1)
    return torch.cat((a * cos_TD - b * sin_TD, a * sin_TD + b * cos_TD), dim=-1)


def rotations(context: int, head_width: int, base: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines of position times frequency, each of shape (context, head_width / 2)."""
    # in float32, as transformers does it: an exported model then has the same angles
    frequencies = 1.0 / base ** (torch.arange(0, head_width, 2).float() / head_width)
    angles = torch.outer(torch.arange(context).float(), frequencies)
    return angles.cos(), angles.sin()
