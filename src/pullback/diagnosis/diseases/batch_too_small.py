"""Batch too small: batch normalization by the mean and variance of a handful of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.patient import Patient
from pullback.layers import BatchNorm

_FEW = 4
ENOUGH = 32


@disease("batch too small")
def too_small(examination: Examination) -> Iterator[Finding]:
    """A BatchNorm sees four rows at a time, or fewer."""
    layers = examination.patient.layers
    names = [path for path, layer in layers if isinstance(layer, BatchNorm)]
    larger = Cure(f"take batches of {ENOUGH}", f"trainer.fit(..., batch_size={ENOUGH})", _larger)
    yield from too_small_of(examination.patient, names, (larger,))


def too_small_of(
    patient: Patient, names: Sequence[str], cures: tuple[Cure, ...]
) -> Iterator[Finding]:
    """What the patient's batches say of layers that normalize by them, which have these names."""
    size = int(np.median(patient.sizes)) if patient.sizes else patient.batch_size
    if not names or size > _FEW or len(patient.data) <= _FEW:
        return
    yield Finding(
        "batch too small",
        "mild",
        f"batches have {size} rows, and {names[0]} takes its mean and variance from them",
        "of so few rows a mean is mostly chance, and it is another one in prediction",
        where=names[0],
        cures=cures,
        numbers={"batch_size": size},
    )


def _larger(patient: Patient) -> Patient:
    """The patient with larger batches, of rows in the order that they have."""
    if not patient.sizes:
        return patient.but(batch_size=ENOUGH)
    total = sum(patient.sizes)
    parts = max(1, total // ENOUGH)
    return patient.but(sizes=tuple(map(len, np.array_split(np.arange(total), parts))))
