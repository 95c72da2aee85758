"""Batch too small: batch normalization by the mean and variance of a handful of rows."""

from __future__ import annotations

from collections.abc import Iterator

from pullback.diagnosis.disease import disease
from pullback.diagnosis.diseases.batch_too_small import too_small_of
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Finding
from pullback.diagnosis.torch.change import parts_of
from pullback.diagnosis.torch.cures import larger_batches
from pullback.diagnosis.torch.hooks import kind_of
from pullback.diagnosis.torch.own import OWN


@disease("batch too small", among=OWN)
def too_small(examination: Examination) -> Iterator[Finding]:
    """A BatchNorm sees four rows at a time, or fewer."""
    patient = examination.patient
    modules = parts_of(patient).model.named_modules()
    names = [name for name, module in modules if kind_of(module) == "BatchNorm"]
    yield from too_small_of(patient, names, (larger_batches(patient),))
