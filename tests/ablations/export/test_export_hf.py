"""An exported cell gives the cell's logits: by the published definition of Llama and Qwen3, and in transformers itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save
from torch import Tensor

from ablations.cli import loam
from ablations.core.model.model import Model
from ablations.core.spec.cell_spec import CellSpec
from ablations.core.spec.model_spec import ActivationSpec, MaskSpec, ModelSpec, NormSpec, PositionsSpec
from ablations.core.spec.training_spec import ScheduleSpec, SeedSpec, TrainingSpec, TrainSource
from ablations.export.cell import ExportedModel, export
from ablations.export.hugging_face import check_held
from benchmarks.peers import lm_eval_peer
from curation.runtime.errors import ConfigError, DamagedError, InputError, LoamError
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest, stage_folder
from curation.runtime.store.marks import Mark, MarkingFolder
from tokenizer.train import MODEL, train_bpe

VOCABULARY = 320
SHAPE: dict[str, Any] = {"vocab_size": VOCABULARY, "layers": 2, "width": 16, "heads": 2, "context": 48}
SHAPES: dict[str, dict[str, Any]] = {
    "qk_norm": {},
    "plain": {"qk_norm": False},
    "tied": {"tied": True},
    "tied_plain": {"tied": True, "qk_norm": False},
    "attention_free": {"attention": False, "mlp_ratio": 1.5},
    "mlp_free": {"mlp_ratio": 0.0},
    "mlp_free_plain": {"mlp_ratio": 0.0, "qk_norm": False},
    "one_layer": {"layers": 1, "heads": 1, "sharpness": 11.0},
    "swiglu": {"activation": ActivationSpec(kind="swiglu"), "mlp_ratio": 2.0},
    "swiglu_plain": {"activation": ActivationSpec(kind="swiglu"), "qk_norm": False},
    "three_layers": {"layers": 3, "heads": 4, "positions": PositionsSpec(settings={"base": 500.0})},
}
TOKENS = torch.randint(VOCABULARY, (3, 48), generator=torch.Generator().manual_seed(0))
MakeCell = Callable[..., Path]


@cache
def tokenizer_model(seed: int = 0) -> bytes:
    return train_bpe((f"강과 마을 {i * (7 + seed)}에서 아이들이 놀았다. The river {i}" for i in range(200)), VOCABULARY)


def random_model(spec: ModelSpec) -> Model:
    """A fresh model predicts nothing: its output matrices are zero. Here every matrix says something."""
    model, generator = Model(spec, 1), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 1.5 * weight.shape[1] ** -0.5)
    return model


@pytest.fixture
def make_cell(tmp_path: Path) -> MakeCell:
    """A trained cell in an output folder with the stages that its tokenizer is found by."""

    def made(name: str = "qk_norm", weights: Mapping[str, Tensor] | None = None) -> Path:
        out = Folder(str(tmp_path / "out"))
        before: dict[str, Any] = {"settings": "any"}
        for stage, link in (("tokenizer", "tokenizer"), ("encode", "parts"), ("tokens", "tokens")):
            folder = MarkingFolder(stage_folder(out, stage, "main", before).url)
            if stage == "tokenizer":
                folder.write(MODEL, tokenizer_model())
            manifest = Manifest(stage, "main", before, [], files=folder.marks)
            manifest.save(folder)
            before = {"stage": stage, link: manifest.fingerprint}
        what = {"name": name, "tokens": {"tokens/a.train": before["tokens"]}}
        cell = MarkingFolder(stage_folder(out, "cells", name, what).url)
        write_cell(cell, ModelSpec(**{**SHAPE, **SHAPES[name]}), weights)
        Manifest("cells", name, what, [], files=cell.marks).save(cell)
        return Path(cell.url)

    return made


def write_cell(folder: Folder, shape: ModelSpec, weights: Mapping[str, Tensor] | None = None) -> None:
    """As training leaves it; with random weights, or with the given ones."""
    content = save(dict(weights or random_model(shape).named_parameters()))
    training = TrainingSpec(
        SeedSpec(1, 2, 3), shape, ScheduleSpec(tokens=4800, batch=4), (TrainSource("a", "tokens/a.train"),), bos=1
    )
    end = {"step": 25, "tokens": 4800, "file": "model.safetensors", "sha256": hashlib.sha256(content).hexdigest()}
    folder.write_json("cell.json", CellSpec("any", 0, training).to_json())
    folder.write_json("training.json", {"spec_digest": training.digest(), "points": [end]})
    folder.write("model.safetensors", content)


def logits_by_hand(folder: Path) -> Tensor:
    """Llama and Qwen3 as their papers define them, one head at a time, from the exported files alone."""
    config, w = json.loads((folder / "config.json").read_text()), load_file(folder / "model.safetensors")
    D, base = config["head_dim"], config["rope_theta"]
    angles = torch.outer(torch.arange(TOKENS.shape[1]), base ** (-torch.arange(0, D, 2).double() / D)).repeat(1, 2)

    def norm(x: Tensor, weight: Tensor) -> Tensor:
        size: Tensor = (x.square().mean(-1, keepdim=True) + config["rms_norm_eps"]).sqrt()
        return x / size * weight

    def turned(x: Tensor) -> Tensor:
        half = torch.cat((-x[..., D // 2 :], x[..., : D // 2]), -1)
        return (x * angles.cos() + half * angles.sin()).float()

    def head(x: Tensor, layer: str, at: slice) -> Tensor:
        q, k, v = (x @ w[f"{layer}.self_attn.{name}_proj.weight"][at].T for name in "qkv")
        if config["model_type"] == "qwen3":
            q, k = norm(q, w[f"{layer}.self_attn.q_norm.weight"]), norm(k, w[f"{layer}.self_attn.k_norm.weight"])
        seen = torch.full((x.shape[1],) * 2, -torch.inf).triu(1)
        weights: Tensor = (turned(q) @ turned(k).transpose(1, 2) / D**0.5 + seen).softmax(-1)
        return weights @ v

    x = w["model.embed_tokens.weight"][TOKENS]
    for layer in (f"model.layers.{number}" for number in range(config["num_hidden_layers"])):
        y = norm(x, w[f"{layer}.input_layernorm.weight"])
        heads = [head(y, layer, slice(i * D, (i + 1) * D)) for i in range(config["num_attention_heads"])]
        x = x + torch.cat(heads, -1) @ w[f"{layer}.self_attn.o_proj.weight"].T
        y = norm(x, w[f"{layer}.post_attention_layernorm.weight"])
        gate, up = (y @ w[f"{layer}.mlp.{name}_proj.weight"].T for name in ("gate", "up"))
        act = {"relu": torch.relu, "silu": torch.nn.functional.silu}[config["hidden_act"]]
        x = x + (act(gate) * up) @ w[f"{layer}.mlp.down_proj.weight"].T
    return norm(x, w["model.norm.weight"]) @ w["lm_head.weight"].T


def ours(name: str) -> Tensor:
    with torch.no_grad():
        logits: Tensor = random_model(ModelSpec(**{**SHAPE, **SHAPES[name]}))(TOKENS)
    return logits


@pytest.mark.parametrize("name", SHAPES)
def test_the_exported_weights_give_the_cells_logits(name: str, make_cell: MakeCell, tmp_path: Path) -> None:
    done = export(str(make_cell(name)), str(tmp_path / "hf"), "out", None)
    assert done.model_type == ("llama" if "plain" in name or name == "attention_free" else "qwen3")
    torch.testing.assert_close(logits_by_hand(tmp_path / "hf"), ours(name), atol=5e-4, rtol=0)


@pytest.mark.slow
@pytest.mark.skipif(
    not lm_eval_peer.is_ready(), reason="no .bench/lm_eval; make it: python -m benchmarks.peers.lm_eval_peer"
)
def test_transformers_gives_the_cells_logits(make_cell: MakeCell, tmp_path: Path) -> None:
    jobs = []
    for name in SHAPES:
        done = export(str(make_cell(name)), str(tmp_path / name), "out", None)
        to = f"{tmp_path}/{name}.safetensors"
        jobs.append({"do": "logits", "folder": done.folder, "tokens": TOKENS.tolist(), "to": to})
    classes = lm_eval_peer.ask(jobs)
    assert set(classes) == {"LlamaForCausalLM", "Qwen3ForCausalLM"}
    for name in SHAPES:
        found = load_file(tmp_path / f"{name}.safetensors")["logits"]
        torch.testing.assert_close(found, ours(name), atol=5e-4, rtol=0, msg=f"{name}: {{}}".format)


def test_the_command_says_what_it_wrote(make_cell: MakeCell, tmp_path: Path) -> None:
    name = make_cell("plain").name
    said = CliRunner().invoke(loam, ["ablate", "export", name, str(tmp_path / "hf"), "--out", str(tmp_path / "out")])
    assert said.output.splitlines() == [f"llama, {16_384:,} weights of the cell; float32", str(tmp_path / "hf")]
    files = sorted(path.name for path in (tmp_path / "hf").iterdir())
    shown = ["config.json", "generation_config.json", "loam.json", "model.safetensors", "tokenizer.json"]
    assert files == [*shown, "tokenizer_config.json"]
    assert json.loads((tmp_path / "hf/loam.json").read_text())["cell"] == name


def refused(error: type[LoamError], match: str, cell: Path | str, to: Path, tokenizer: Path | None = None) -> None:
    """One clear error, and no half of a folder."""
    before = sorted(to.parent.iterdir())
    with pytest.raises(error, match=match):
        export(str(cell), str(to), str(to.parent / "out"), str(tokenizer) if tokenizer else None)
    assert sorted(to.parent.iterdir()) == before


def test_a_cell_that_is_not_trained_or_not_there_is_refused(make_cell: MakeCell, tmp_path: Path) -> None:
    cell = make_cell()
    (cell / "training.json").unlink()
    refused(ConfigError, "not trained, it has no training.json", cell, tmp_path / "hf")
    refused(ConfigError, "not trained, it has no training.json", "qk_norm", tmp_path / "hf")
    refused(
        ConfigError, "unknown cell 'qk_nrm'. Known: qk_norm-[0-9a-f]+. Give a folder with", "qk_nrm", tmp_path / "hf"
    )


def test_a_cell_without_its_tokenizer_is_refused(make_cell: MakeCell, tmp_path: Path) -> None:
    cell = make_cell()
    other = tmp_path / "other"
    other.mkdir()
    refused(ConfigError, "no such file. Name the folder", cell, tmp_path / "hf", other)
    (other / MODEL).write_bytes(train_bpe((f"The river {i} is not deep" for i in range(99)), 290))
    refused(InputError, "290 pieces and BOS 1, but the cell", cell, tmp_path / "hf", other)
    Folder(str(next((tmp_path / "out/tokenizer").iterdir()))).remove()
    refused(ConfigError, "its tokenizer is not there", cell, tmp_path / "hf")
    (cell / "manifest.json").unlink()
    refused(ConfigError, "no manifest.json that names its tokenizer", cell, tmp_path / "hf")
    (other / MODEL).write_bytes(tokenizer_model())
    assert export(str(cell), str(tmp_path / "hf"), "out", str(other)) == ExportedModel(
        str(tmp_path / "hf"), "qwen3", 16_384
    )


def test_weights_that_stayed_elsewhere_are_said_to_be_there(make_cell: MakeCell, tmp_path: Path) -> None:
    cell = make_cell()
    manifest = Manifest.load(Folder(str(cell)))
    here = {name: mark for name, mark in manifest.files.items() if name != "model.safetensors"}
    away = {"model.safetensors": Mark(*manifest.files["model.safetensors"])}
    Manifest(manifest.stage, manifest.name, manifest.what, [], files=here, away=away).save(Folder(str(cell)))
    (cell / "model.safetensors").unlink()
    refused(ConfigError, "cannot be exported here: its weights stayed where it was trained", cell, tmp_path / "hf")


def test_a_damaged_cell_is_refused(make_cell: MakeCell, tmp_path: Path) -> None:
    """If this fails, a model that nobody trained is published under the cell's name."""
    cell = make_cell()
    for name in ("model.safetensors", "training.json", "cell.json"):
        whole = (cell / name).read_bytes()
        (cell / name).write_bytes(whole[:-9] + b"7" + whole[-8:])
        refused(DamagedError, f"{name}: its content is not the one that was written", cell, tmp_path / "hf")
        (cell / name).write_bytes(whole)
    export(str(cell), str(tmp_path / "hf"), "out", None)


def test_a_cell_without_a_manifest_has_the_weights_that_its_training_speaks_of(tmp_path: Path) -> None:
    """A cell that ran by itself, of which nothing else is known."""
    cell, pieces, shape = Folder(str(tmp_path / "cell")), tmp_path / "pieces", ModelSpec(**SHAPE)
    pieces.mkdir()
    (pieces / MODEL).write_bytes(tokenizer_model())
    write_cell(cell, shape)
    export(cell.url, str(tmp_path / "hf"), "out", str(pieces))
    kept = cell.read("training.json")
    write_cell(cell, shape, {name: weight * 2 for name, weight in random_model(shape).named_parameters()})
    cell.write("training.json", kept)
    refused(InputError, "not the weights that were trained", cell.url, tmp_path / "again", pieces)
    write_cell(cell, ModelSpec(**{**SHAPE, "positions": PositionsSpec(settings={"base": 77.0})}))
    cell.write("training.json", kept)
    refused(InputError, "not the one that the weights were trained with", cell.url, tmp_path / "again", pieces)


def test_weights_of_another_shape_or_without_numbers_are_refused(make_cell: MakeCell, tmp_path: Path) -> None:
    weights = {name: weight.detach().clone() for name, weight in random_model(ModelSpec(**SHAPE)).named_parameters()}
    weights["head.weight"][3, 4] = torch.nan
    refused(InputError, "head.weight holds values that are not numbers", make_cell(weights=weights), tmp_path / "hf")
    shorter = dict(random_model(ModelSpec(**{**SHAPE, "layers": 1})).named_parameters())
    found = r"blocks.1.attention.out.weight has the shape None, not \(16, 16\)"
    refused(InputError, found, make_cell(weights=shorter), tmp_path / "hf")


def test_a_folder_in_use_or_not_writable_is_refused(make_cell: MakeCell, tmp_path: Path) -> None:
    cell, used = make_cell(), tmp_path / "used"
    used.mkdir()
    (used / "mine.txt").write_text("precious")
    refused(ConfigError, "exists already", cell, used)
    with pytest.raises(ConfigError, match="Name a folder that can be written"):
        export(str(cell), str(used / "mine.txt" / "hf"), "out", None)
    assert [path.name for path in used.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ({"positions": PositionsSpec(kind="alibi")}, "neither Llama nor Qwen3 has the positions 'alibi'"),
        (
            {"positions": PositionsSpec(kind="learned"), "attention": False},
            "neither Llama nor Qwen3 has the positions 'learned'",
        ),
        ({"norm": NormSpec(kind="layer")}, "neither Llama nor Qwen3 has the norm 'layer'"),
        ({"norm": NormSpec(settings={"place": "post"})}, "have their norms before attention and MLP, this cell after"),
        ({"activation": ActivationSpec(kind="gelu")}, "neither Llama nor Qwen3 has the activation 'gelu'"),
        ({"mask": MaskSpec(kind="prefix")}, "neither Llama nor Qwen3 has the mask 'prefix'"),
        ({"learned_sharpness": True}, "one sharpness for all heads of a layer, this cell learned one for each"),
    ],
    ids=str,
)
def test_parts_that_no_plain_architecture_has_are_refused(shape: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        check_held(ModelSpec(**{**SHAPE, **shape}), "cell a")
    if set(shape) in ({"positions"}, {"mask"}):
        check_held(ModelSpec(**{**SHAPE, **shape, "attention": False}), "a cell in which nothing reads them")


def test_generation_ends_where_documents_end_in_training(make_cell: MakeCell, tmp_path: Path) -> None:
    """Another document's BOS follows the last token of a text; the end of a text is never seen."""
    export(str(make_cell()), str(tmp_path / "hf"), "out", None)
    for name in ("config.json", "generation_config.json"):
        told = json.loads((tmp_path / "hf" / name).read_text())
        assert (told["bos_token_id"], told["eos_token_id"], told["pad_token_id"]) == (1, 1, 2)
    pieces = json.loads((tmp_path / "hf" / "tokenizer_config.json").read_text())
    assert (pieces["bos_token"], pieces["eos_token"], pieces["pad_token"]) == ("<s>", "<s>", "</s>")
