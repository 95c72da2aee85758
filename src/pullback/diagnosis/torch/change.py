"""In: a patient of PyTorch. Out: the same with its module edited, and an optimizer that knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from pullback.diagnosis.patient import Patient
from pullback.diagnosis.torch.optimizer import TorchOptimizer
from pullback.diagnosis.torch.parts import TorchParts


def parts_of(patient: Patient) -> TorchParts:
    """What a patient of PyTorch is trained with."""
    return cast(TorchParts, patient.parts)


def edited(patient: Patient, edit: Callable[[Any], Any]) -> Patient:
    """The patient with a copy of its module, as `edit` leaves it or the one that it answers.

    Parameters that come with it are moved too, and those that nobody moved are still left alone.
    """
    parts = parts_of(patient)
    rate = parts.optimizer.learning_rate
    model, made = parts.optimizer.copied(parts.model)
    before = {id(p) for p in model.parameters()}
    model = edit(model) or model
    if new := [p for p in model.parameters() if id(p) not in before]:
        made.add_param_group({"params": new, "lr": rate})
    return patient.but(model=model, optimizer=TorchOptimizer(made, rate))
