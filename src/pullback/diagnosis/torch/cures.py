"""In: a finding of any net. Out: the same with cures in PyTorch, as code and as a change.

Diseases tell their cures in the words of this library. Those that have a name here are told anew;
of others what they change is tried, and kept where it is nothing but an optimizer or data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from pullback.core.errors import CircuitError
from pullback.diagnosis.examination import standardized
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.patient import Patient
from pullback.diagnosis.torch.change import edited, parts_of
from pullback.diagnosis.torch.learner import seeded
from pullback.diagnosis.torch.library import torch

_LARGER = 32  # rows of a batch
_LOADER = "loader = DataLoader(dataset, batch_size={size}, shuffle=True)"
_STANDARDIZED = """mean, deviation = x_train.mean(dim=0), x_train.std(dim=0)
x_train = (x_train - mean) / deviation.clamp_min(1e-8)  # and so x_validation"""


def in_pytorch(finding: Finding, patient: Patient) -> Finding:
    """The finding with cures that are made with PyTorch."""
    make = _CURES.get(finding.disease)
    if make is not None:
        return finding.but(cures=make(finding, patient))
    return finding.but(cures=tuple(_told_anew(cure, patient) for cure in finding.cures))


def _told_anew(cure: Cure, patient: Patient) -> Cure:
    """A cure of data or of the optimizer, which is the same here; of others the words alone."""
    foreign = "pb." in cure.code
    if cure.change is None:
        return replace(cure, code="") if foreign else cure
    parts = parts_of(patient)
    try:
        changed = parts_of(cure.change(patient))
    except (CircuitError, AttributeError, TypeError, ValueError):
        why = cure.untried or "the change is one of layers of pullback"
        return Cure(cure.text, "" if foreign else cure.code, untried=why)
    if changed.optimizer is not parts.optimizer:
        return replace(cure, code=f"optimizer = {changed.optimizer!r}")
    return replace(cure, code="") if foreign else cure


# Cures with a name here --------------------------------------------------------------------------


def _scaled(finding: Finding, patient: Patient) -> tuple[Cure, ...]:
    return (Cure("bring each feature to mean 0 and deviation 1", _STANDARDIZED, standardized),)


def _leaky(finding: Finding, patient: Patient) -> tuple[Cure, ...]:
    def edit(model: Any) -> None:
        for name, module in list(model.named_modules()):
            if name and isinstance(module, torch.nn.ReLU):
                model.set_submodule(name, torch.nn.LeakyReLU(0.01))

    there = any(isinstance(x, torch.nn.ReLU) for x in parts_of(patient).model.modules())
    return (
        Cure(
            "let a little through below 0",
            "torch.nn.LeakyReLU(0.01)  # in place of torch.nn.ReLU()",
            (lambda patient: edited(patient, edit)) if there else None,
            "" if there else "the ReLU is a function, in the code of forward",
        ),
    )


def _shuffled(finding: Finding, patient: Patient) -> tuple[Cure, ...]:
    code = _LOADER.format(size=patient.batch_size)
    return (Cure("let the loader shuffle", code, lambda patient: patient.but(sizes=())),)


def _larger_batches(finding: Finding, patient: Patient) -> tuple[Cure, ...]:
    return (
        Cure(
            "take larger batches",
            _LOADER.format(size=_LARGER),
            lambda patient: patient.but(sizes=(), batch_size=_LARGER),
        ),
    )


def _begun_well(finding: Finding, patient: Patient) -> tuple[Cure, ...]:
    """Weights of the spread that suits what bends behind them: He's, or Glorot's of tanh."""
    modules = list(parts_of(patient).model.modules())
    bent = any(isinstance(x, torch.nn.Tanh | torch.nn.Sigmoid) for x in modules)
    name = "xavier_uniform_" if bent else "kaiming_uniform_"
    start = partial(_begin, name=name)
    return (
        Cure(
            f"start each weight by {name}",
            f"for p in model.parameters():\n    if p.ndim > 1:\n        torch.nn.init.{name}(p)",
            lambda patient: edited(patient, start),
        ),
    )


def _begin(model: Any, name: str) -> None:
    begin = getattr(torch.nn.init, name)
    with seeded(0, model):
        for p in model.parameters():
            if p.ndim > 1:
                begin(p)
        for module in model.modules():
            weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
            if torch.is_tensor(bias) and getattr(weight, "ndim", 0) > 1:
                torch.nn.init.zeros_(bias)


def _clipped(finding: Finding, patient: Patient) -> tuple[Cure, ...]:
    return (
        Cure(
            "cut gradients to a length",
            "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # before optimizer.step()",
            lambda patient: patient.but(clip=1.0),
        ),
        *_begun_well(finding, patient),
    )


_CURES: Mapping[str, Callable[[Finding, Patient], tuple[Cure, ...]]] = {
    "unscaled inputs": _scaled,
    "dying ReLUs": _leaky,
    "forgotten shuffling": _shuffled,
    "batch too small": _larger_batches,
    "zero initialization": _begun_well,
    "equal initialization": _begun_well,
    "badly scaled initialization": _begun_well,
    "saturated units": _begun_well,
    "vanishing gradients": _begun_well,
    "exploding gradients": _clipped,
}
