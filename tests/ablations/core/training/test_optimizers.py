"""Optimizers step all weights, each as it says; a bad setting is refused with its place before anything is trained."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ablations.core.model.model import Model
from ablations.core.spec.model_spec import ModelSpec
from ablations.core.spec.strict import build
from ablations.core.training.optimizers.adamw import Adamw
from ablations.core.training.optimizers.base import Optimizer
from ablations.core.training.optimizers.muon import Muon
from ablations.core.training.optimizers.registry import OPTIMIZERS
from ablations.core.training.torch_optimizers.batched_muon import BatchedMuon, orthogonalise
from curation.runtime.errors import ConfigError

KINDS = OPTIMIZERS.classes()
every_kind = pytest.mark.parametrize("cls", KINDS.values(), ids=KINDS)


@pytest.fixture
def model() -> Model:
    return Model(ModelSpec(vocab_size=50, layers=2, width=16, heads=2, context=24), 1)


@every_kind
def test_every_weight_is_stepped_by_one_and_its_settings_are_plain_values(model: Model, cls: type[Optimizer]) -> None:
    """If this fails, a part of the model stays what it was at the start, or is stepped twice."""
    optimizer = build(cls, {}, cls.kind)
    stepped = [w for each in optimizer.steppers(model) for group in each.param_groups for w in group["params"]]
    assert len(stepped) == len({id(weight) for weight in stepped}) == len(list(model.parameters()))
    assert {id(weight) for weight in stepped} == {id(weight) for weight in model.parameters()}
    assert {type(value) for value in vars(optimizer).values()} <= {bool, int, float, str}


@every_kind
def test_it_is_listed_by_the_first_line_of_its_docstring(cls: type[Optimizer]) -> None:
    assert OPTIMIZERS.catalogue()[cls.kind] == (cls.__doc__ or "").split("\n")[0]


def test_muon_takes_the_hidden_matrices_and_adamw_the_rest(model: Model) -> None:
    muon, adamw = Muon().steppers(model)
    assert sum(w.numel() for w in muon.param_groups[0]["params"]) == sum(w.numel() for w in model.blocks.parameters())
    assert len(adamw.param_groups[0]["params"]) == 2
    (alone,) = Adamw().steppers(model)
    assert len(alone.param_groups[0]["params"]) == len(list(model.parameters()))


@pytest.mark.parametrize(
    ("kind", "settings", "told"),
    [
        ("muon", {"momentum": 1.0}, "muon.momentum: 1.0. Give 0 to below 1."),
        ("muon_float32", {"beta2": -0.1}, "muon_float32.beta2: -0.1. Give 0 to below 1."),
        ("muon", {"learning_rate": 0}, "muon.learning_rate: 0.0 is not a positive number. Give one above 0."),
        ("adamw", {"adam_learning_rate": -1.0}, "adamw.adam_learning_rate: -1.0 is not a positive number."),
        ("adamw", {"weight_decay": -1.0}, "adamw.weight_decay: -1.0 is negative. Give 0 or more."),
        ("adamw", {"momentum": 0.9}, "adamw: unknown key 'momentum'. Known: adam_learning_rate, beta1, beta2, weight_decay."),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_used_is_refused(kind: str, settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        build(KINDS[kind], settings, kind)
    assert str(refused.value).startswith(told)


def test_muon_steps_as_torchs_muon_does() -> None:
    """Ours is float32 and batched; torch rounds to bfloat16, hence the tolerance."""
    generator = torch.Generator().manual_seed(3)
    shapes = [(12, 8), (8, 12), (12, 8), (8, 8)]
    ours = [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]
    theirs = [weight.detach().clone().requires_grad_() for weight in ours]
    steppers = BatchedMuon(ours, 0.1, 0.01), torch.optim.Muon(theirs, lr=0.1, weight_decay=0.01)
    for _ in range(3):
        for a, b in zip(ours, theirs, strict=True):
            a.grad = torch.randn(a.shape, generator=generator)
            b.grad = a.grad.clone()
        for stepper in steppers:
            stepper.step()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0.02)


@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 48, 16), (1, 16, 48)])
def test_orthogonalised_matrices_have_singular_values_near_one(shape: tuple[int, ...]) -> None:
    found = orthogonalise(torch.randn(shape, generator=torch.Generator().manual_seed(1)))
    values = torch.linalg.svdvals(found)
    assert found.shape == shape
    assert values.max() < 1.3
    assert values.median() > 0.6
