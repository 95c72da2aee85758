"""Batch too small: batch normalization by the mean and variance of a handful of rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.patient import Patient
from pullback.layers import BatchNorm

_FEW = 4
_ENOUGH = 32


@disease("batch too small")
def too_small(examination: Examination) -> Iterator[Finding]:
    """A BatchNorm sees four rows at a time, or fewer."""
    patient = examination.patient
    size = int(np.median(patient.sizes)) if patient.sizes else patient.batch_size
    names = [path for path, layer in patient.layers if isinstance(layer, BatchNorm)]
    if not names or size > _FEW or len(patient.data) <= _FEW:
        return
    yield Finding(
        "batch too small",
        "mild",
        f"batches have {size} rows, and {names[0]} takes its mean and variance from them",
        "of so few rows a mean is mostly chance, and it is another one in prediction",
        where=names[0],
        cures=(
            Cure(f"take batches of {_ENOUGH}", f"trainer.fit(..., batch_size={_ENOUGH})", _larger),
        ),
        numbers={"batch_size": size},
    )


def _larger(patient: Patient) -> Patient:
    """The patient with larger batches, of rows in the order that they have."""
    if not patient.sizes:
        return patient.but(batch_size=_ENOUGH)
    total = sum(patient.sizes)
    parts = max(1, total // _ENOUGH)
    return patient.but(sizes=tuple(map(len, np.array_split(np.arange(total), parts))))
