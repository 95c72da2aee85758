"""In: a patient of PyTorch. Out: cures of it in PyTorch, as code and as a change.

Diseases of all nets tell their cures in the words of this library. Those of some are told anew
here; of others what they change is tried, and kept where it is nothing but an optimizer or data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pullback.core.errors import CircuitError
from pullback.diagnosis.changes import BENDS
from pullback.diagnosis.diseases.batch_too_small import ENOUGH
from pullback.diagnosis.examination import standardized
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.patient import Patient
from pullback.diagnosis.torch.change import edited, parts_of
from pullback.diagnosis.torch.learner import seeded
from pullback.diagnosis.torch.library import torch

_LOADER = "loader = DataLoader(dataset, batch_size={size}, shuffle=True)"
_STANDARDIZED = """mean, deviation = x_train.mean(dim=0), x_train.std(dim=0)
x_train = (x_train - mean) / deviation.clamp_min(1e-8)  # and so x_validation"""
_CLIP = "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # before optimizer.step()"


def in_pytorch(finding: Finding, patient: Patient) -> Finding:
    """The finding of any net with cures that are made with PyTorch."""
    make = _CURES.get(finding.disease)
    if make is not None:
        return finding.but(cures=(make(patient),))
    return finding.but(cures=tuple(_told_anew(cure, patient) for cure in finding.cures))


def _told_anew(cure: Cure, patient: Patient) -> Cure:
    """A cure of data or of the optimizer, which is the same here; of others the words alone."""
    code = "" if "pb." in cure.code or "trainer" in cure.code else cure.code
    if cure.change is None:
        return replace(cure, code=code)
    parts = parts_of(patient)
    try:
        changed = parts_of(cure.change(patient))
    except (CircuitError, AttributeError, TypeError, ValueError):
        why = cure.untried or "what it changes is made of layers of pullback"
        return Cure(cure.text, code, untried=why)
    if changed.optimizer is not parts.optimizer:
        code = f"optimizer = {changed.optimizer!r}"
    return replace(cure, code=code)


# What can be changed -----------------------------------------------------------------------------


def scaled(patient: Patient) -> Cure:
    """Features of mean 0 and deviation 1."""
    return Cure("bring each feature to mean 0 and deviation 1", _STANDARDIZED, standardized)


def shuffled(patient: Patient) -> Cure:
    """Batches of rows in random order."""
    code = _LOADER.format(size=patient.batch_size)
    return Cure("let the loader shuffle", code, lambda patient: patient.but(sizes=()))


def larger_batches(patient: Patient) -> Cure:
    """Batches of as many rows as are enough."""
    return Cure(
        f"take batches of {ENOUGH}",
        _LOADER.format(size=ENOUGH),
        lambda patient: patient.but(sizes=(), batch_size=ENOUGH),
    )


def clipped(patient: Patient) -> Cure:
    """Gradients of a length of 1 at most."""
    return Cure("cut gradients to a length", _CLIP, lambda patient: patient.but(clip=1.0))


def begun_well(patient: Patient) -> Cure:
    """Weights of the spread that suits what bends behind them: He's, or Glorot's of a tanh."""
    kinds = {type(module).__name__ for module in parts_of(patient).model.modules()}
    name = "xavier_uniform_" if kinds & set(BENDS) else "kaiming_uniform_"
    return Cure(
        "start with weights that keep the size of what flows",
        f"for p in model.parameters():\n    if p.ndim > 1:\n        torch.nn.init.{name}(p)",
        lambda patient: edited(patient, lambda model: _begin(model, name)),
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


def bent_otherwise(patient: Patient, old: Sequence[str], text: str, new: str) -> Cure:
    """Modules of the kinds `old` replaced by one that the code `new` makes, such as "ReLU()"."""
    kind, _, options = new.rstrip(")").partition("(")
    made = [float(x) for x in options.split(",") if x]

    def edit(model: Any) -> None:
        for name, module in list(model.named_modules()):
            if name and type(module).__name__ in old:
                model.set_submodule(name, getattr(torch.nn, kind)(*made))

    modules = parts_of(patient).model.modules()
    if not any(type(module).__name__ in old for module in modules):
        code = f"torch.nn.{new}  # in place of {' and '.join(old)}"
        return Cure(text, code, untried="it is a function, in the code of forward")
    kinds = ", ".join(f"torch.nn.{name}" for name in old)
    code = f"""for name, module in list(model.named_modules()):
    if isinstance(module, ({kinds},)):
        model.set_submodule(name, torch.nn.{new})"""
    return Cure(text, code, lambda patient: edited(patient, edit))


def larger(patient: Patient) -> Cure:
    """A larger module, or more epochs."""
    return Cure(
        "take more units or layers, or train for longer",
        f"for epoch in range({4 * patient.epochs}):",
        untried="how the module is made is known to its owner alone",
    )


_CURES: Mapping[str, Callable[[Patient], Cure]] = {
    "underfitting": larger,
    "unscaled inputs": scaled,
    "forgotten shuffling": shuffled,
}
