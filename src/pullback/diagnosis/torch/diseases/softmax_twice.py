"""Softmax twice: outputs that are probabilities already, under a criterion that makes them so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.diagnosis.disease import disease
from pullback.diagnosis.diseases.softmax_twice import add_up, twice_of
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.patient import Patient
from pullback.diagnosis.torch.change import edited, parts_of
from pullback.diagnosis.torch.hooks import array_of
from pullback.diagnosis.torch.library import torch
from pullback.diagnosis.torch.own import OWN
from pullback.diagnosis.torch.seen import Batch

_INVERSE = {"Softmax": "log", "Sigmoid": "logit"}
_TAKES = {"CrossEntropyLoss": "softmax", "BCEWithLogitsLoss": "sigmoid"}


@disease("softmax twice", among=OWN)
def softmax_twice(examination: Examination) -> Iterator[Finding]:
    """What answers is a softmax or a sigmoid, or adds up to 1, and the criterion has its own."""
    parts = parts_of(examination.patient)
    takes = _TAKES.get(parts.criterion.name)
    if takes is None or parts.criterion.scores:
        return
    batch = Batch(examination)
    last, output = batch.last, batch.output
    kind = last.kind if last is not None and last.kind in _INVERSE else ""
    if not kind and takes == "softmax" and _are_probabilities(output):
        kind = "Softmax"
    if not kind:
        return
    module = last is not None and last.module is not None and last.kind == kind
    where = last.name if last is not None and last.kind == kind else ""
    name = kind.lower()
    cure = Cure(
        f"let the module answer what goes into the {name}",
        f"model.set_submodule({where!r}, torch.nn.Identity())  # in place of torch.nn.{kind}"
        if module
        else f"return x  # in forward, without torch.{name}",
        (lambda patient: _without(patient, where))
        if module
        else (lambda patient: _undone(patient, _INVERSE[kind])),
    )
    yield twice_of(name, parts.criterion.name, (cure,), where)


def _are_probabilities(output: Any) -> bool:
    """Whether those of each row, whose classes the second axis counts, add up to 1."""
    if not torch.is_tensor(output) or output.ndim < 2:
        return False
    return add_up(np.moveaxis(array_of(output).astype(np.float64), 1, -1))


def _without(patient: Patient, where: str) -> Patient:
    def edit(model: Any) -> None:
        model.set_submodule(where, torch.nn.Identity())

    return edited(patient, edit)


def _undone(patient: Patient, inverse: str) -> Patient:
    """The same training as without: a softmax of logarithms of a softmax is that softmax."""
    return patient.but(criterion=parts_of(patient).criterion.but(scores=inverse))
