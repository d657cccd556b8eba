"""A cell's weights as those of a Hugging Face model that gives the same logits: needs torch and safetensors, not transformers.

Without QK-norm a cell is exactly a Llama: RMSNorm without weights is one with weights of 1, the norm of the embedding is
done to its rows beforehand, and ReLU²(Wx) is a gated MLP whose gate and value are the same matrix, relu(Wx) * Wx. Plain Llama
attention has no place for QK-norm; Qwen3 is the same block with it, and its norm's weights carry the sharpness.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from ablations.core.model.norms.rms import EPS, rms_norm
from ablations.core.model.parts import parts_of
from ablations.core.model.positions.rope import Rope
from ablations.core.spec.model_spec import ModelSpec
from curation.runtime.errors import ConfigError, InputError

Weights = Mapping[str, Tensor]
CLASSES = {"llama": "LlamaForCausalLM", "qwen3": "Qwen3ForCausalLM"}
HELD = {"positions": ("rope",), "norm": ("rms",), "activation": ("relu2", "swiglu"), "mask": ("causal",)}


def model_type(spec: ModelSpec) -> str:
    """The plainest architecture of transformers that can hold the cell: `llama` or `qwen3`; see `check_held`."""
    return "qwen3" if spec.attention and spec.qk_norm else "llama"


def check_held(spec: ModelSpec, where: str) -> None:
    """Refuse a cell that no plain architecture of transformers computes.

    Raises:
        ConfigError: names the part.
    """
    fix = "Export a cell without it; docs/export.md lists what can be held."
    for part, kinds in HELD.items():
        kind = getattr(spec, part).kind
        if _computes(spec, part) and kind not in kinds:
            raise ConfigError(f"{where}: neither Llama nor Qwen3 has the {part} {kind!r} of this cell. {fix}")
    if parts_of(spec).norm.place != "pre":
        raise ConfigError(f"{where}: Llama and Qwen3 have their norms before attention and MLP, this cell after. {fix}")
    if spec.learned_sharpness:
        raise ConfigError(
            f"{where}: Qwen3 has one sharpness for all heads of a layer, this cell learned one for each. {fix}"
        )


def _computes(spec: ModelSpec, part: str) -> bool:
    """Whether a cell computes anything with a part: without attention only positions that are added to embeddings."""
    match part:
        case "activation":
            return spec.mlp_ratio > 0
        case "mask":
            return spec.attention
        case "positions":
            return spec.attention or bool(parts_of(spec).positions.weights(spec))
        case _:
            return True


def model_files(spec: ModelSpec, weights: Weights, bos: int, eos: int, where: str) -> dict[str, bytes]:
    """Names and contents of the files that hold the model.

    Args:
        weights: of a cell's model.safetensors.
        bos, eos: numbers of the tokenizer's pieces.
        where: names the cell in an error.

    Raises:
        InputError: the weights are not those of this shape, or not numbers.
        ConfigError: see `check_held`.
    """
    check_held(spec, where)
    _check(spec, weights, where)
    # a document ends in training where the next one begins, so generation stops at BOS; EOS is in no text, and pads
    ends = {"bos_token_id": bos, "eos_token_id": bos, "pad_token_id": eos}
    described = {"config.json": {**config(spec), **ends}, "generation_config.json": {**ends, "do_sample": False}}
    texts = {name: (json.dumps(value, indent=1) + "\n").encode() for name, value in described.items()}
    return {**texts, "model.safetensors": save(hf_weights(spec, weights), metadata={"format": "pt"})}


def config(spec: ModelSpec) -> dict[str, Any]:
    """The model's config.json without the numbers of its special tokens."""
    kind, positions = model_type(spec), parts_of(spec).positions
    rope_base = positions.base if isinstance(positions, Rope) else Rope().base  # without attention nothing reads it
    return {
        "model_type": kind,
        "architectures": [CLASSES[kind]],
        "vocab_size": spec.vocab_size,
        "hidden_size": spec.width,
        "intermediate_size": _hidden(spec),
        "num_hidden_layers": spec.layers,
        "num_attention_heads": spec.heads,
        "num_key_value_heads": spec.heads,
        "head_dim": spec.width // spec.heads,
        "hidden_act": "silu" if spec.activation.kind == "swiglu" else "relu",
        "max_position_embeddings": spec.context,
        "rms_norm_eps": EPS,
        "rope_theta": rope_base,  # transformers 4 reads this, 5 the next
        "rope_parameters": {"rope_type": "default", "rope_theta": rope_base},
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": False,  # the embedding is exported with normalised rows, the output matrix is not
        "dtype": "float32",
    }


def hf_weights(spec: ModelSpec, weights: Weights) -> dict[str, Tensor]:
    """The weights under their names in transformers, float32. What a cell leaves out is there as zeros."""
    embedding = weights["embedding.weight"].float()
    named = {
        "model.embed_tokens.weight": rms_norm(embedding),
        "model.norm.weight": torch.ones(spec.width),
        "lm_head.weight": embedding.clone() if spec.tied else weights["head.weight"].float(),
    }
    for layer in range(spec.layers):
        parts = {**_attention(spec, weights, layer), **_mlp(spec, weights, layer)}
        norms = {f"{place}_layernorm": torch.ones(spec.width) for place in ("input", "post_attention")}
        for name, weight in {**parts, **norms}.items():
            named[f"model.layers.{layer}.{name}.weight"] = weight.contiguous()
    return named


def _attention(spec: ModelSpec, weights: Weights, layer: int) -> dict[str, Tensor]:
    names = [f"self_attn.{letter}_proj" for letter in "qkvo"]
    if not spec.attention:
        return {name: torch.zeros(spec.width, spec.width) for name in names}
    q, k, v = weights[f"blocks.{layer}.attention.qkv.weight"].float().chunk(3)
    out = weights[f"blocks.{layer}.attention.out.weight"].float()
    named = dict(zip(names, (q.clone(), k.clone(), v.clone(), out), strict=True))
    if spec.qk_norm:
        head_width = spec.width // spec.heads
        # logits are sharpness / head_width * q k here, and q k / sqrt(head_width) there
        named["self_attn.q_norm"] = torch.full((head_width,), spec.sharpness / head_width**0.5)
        named["self_attn.k_norm"] = torch.ones(head_width)
    return named


def _mlp(spec: ModelSpec, weights: Weights, layer: int) -> dict[str, Tensor]:
    if not spec.mlp_ratio:
        gate = up = torch.zeros(1, spec.width)
        down = torch.zeros(spec.width, 1)
    else:
        gate = up = weights[f"blocks.{layer}.mlp.up.weight"].float()
        if spec.activation.kind == "swiglu":
            gate, up = up.chunk(2)
        down = weights[f"blocks.{layer}.mlp.out.weight"].float()
    return {"mlp.gate_proj": gate.clone(), "mlp.up_proj": up.clone(), "mlp.down_proj": down}


def _hidden(spec: ModelSpec) -> int:
    if not spec.mlp_ratio:
        return 1  # transformers has no MLP of width 0
    return parts_of(spec).activation.hidden(spec.width, spec.mlp_ratio)


def _check(spec: ModelSpec, weights: Weights, where: str) -> None:
    wanted = expected_shapes(spec)
    found = {name: tuple(weight.shape) for name, weight in weights.items()}
    if found != wanted:
        name = next(name for name in sorted({*wanted, *found}) if wanted.get(name) != found.get(name))
        said = f"{name} has the shape {found.get(name)}, not {wanted.get(name)}"
        raise InputError(where, said, "Give the weights that belong to the cell.json beside them.")
    for name, weight in weights.items():
        if not weight.isfinite().all():
            raise InputError(where, f"{name} holds values that are not numbers", "Train the cell again.")


def expected_shapes(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a cell's weights."""
    W, hidden = spec.width, _hidden(spec)
    branches = parts_of(spec).activation.branches
    shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (spec.vocab_size, W)}
    if not spec.tied:
        shapes["head.weight"] = (spec.vocab_size, W)
    for layer in range(spec.layers):
        at = f"blocks.{layer}"
        if spec.attention:
            shapes |= {f"{at}.attention.qkv.weight": (3 * W, W), f"{at}.attention.out.weight": (W, W)}
        if spec.mlp_ratio:
            shapes |= {f"{at}.mlp.up.weight": (branches * hidden, W), f"{at}.mlp.out.weight": (W, hidden)}
    return shapes
