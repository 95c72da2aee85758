"""Batch too small: batch normalization by the mean and variance of a handful of rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Finding
from pullback.diagnosis.torch.change import parts_of
from pullback.diagnosis.torch.cures import larger_batches
from pullback.diagnosis.torch.hooks import kind_of
from pullback.diagnosis.torch.own import OWN

_FEW = 4


@disease("batch too small", among=OWN)
def too_small(examination: Examination) -> Iterator[Finding]:
    """A BatchNorm sees four rows at a time, or fewer."""
    patient = examination.patient
    size = int(np.median(patient.sizes)) if patient.sizes else patient.batch_size
    modules = parts_of(patient).model.named_modules()
    names = [name for name, module in modules if kind_of(module) == "BatchNorm"]
    if not names or size > _FEW:
        return
    yield Finding(
        "batch too small",
        "mild",
        f"batches have {size} rows, and {names[0]} takes its mean and variance from them",
        "of so few rows a mean is mostly chance, and it is another one in eval mode",
        where=names[0],
        cures=(larger_batches(patient),),
        numbers={"batch_size": float(size)},
    )
