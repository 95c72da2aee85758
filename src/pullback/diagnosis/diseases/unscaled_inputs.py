"""Unscaled inputs: features so far from mean 0 and deviation 1 that no one rate suits all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination, standardized
from pullback.diagnosis.finding import Bars, Cure, Finding

_FAR = 10.0  # times as wide, or as far off, as is usual
_SHOWN = 8

_CODE = """mean, deviation = x_train.mean(axis=0), x_train.std(axis=0)
x_train = (x_train - mean) / np.where(deviation > 0, deviation, 1)  # and so x_validation"""


@disease(
    "unscaled inputs",
    brings=(
        *("learning rate too high", "learning rate too low", "dying ReLUs", "saturated units"),
        *("exploding gradients", "not a number", "badly scaled initialization"),
    ),
)
def unscaled(examination: Examination) -> Iterator[Finding]:
    """Some features have deviations, or means, far from 1."""
    table = examination.table
    if table is None:
        return
    mean = table.mean(axis=0, dtype=np.float64)
    deviation = table.std(axis=0, dtype=np.float64)
    varied = deviation > 0.0
    if not varied.any():
        return
    size = np.sqrt(mean**2 + deviation**2)[varied]
    apart = float(size.max() / size.min())
    largest = float(size.max())
    if largest < _FAR and size.max() > 1.0 / _FAR:
        return
    names = examination.patient.columns or tuple(f"feature {k}" for k in range(table.shape[1]))
    order = np.argsort(-np.sqrt(mean**2 + deviation**2))[:_SHOWN]
    yield Finding(
        "unscaled inputs",
        "severe" if largest > _FAR**2 or largest < 1.0 / _FAR**2 else "mild",
        f"values are of sizes up to {largest:.3g} ({names[int(order[0])]}); the largest feature is "
        f"{apart:.3g} times the smallest",
        "a weight moves by as much as its input is large, so that no learning rate suits all",
        cures=(Cure("bring each feature to mean 0 and deviation 1", _CODE, standardized),),
        numbers={"largest": largest, "apart": apart},
        picture=Bars(
            "root mean square of the largest features",
            "size",
            {names[int(k)]: float(np.sqrt(mean[k] ** 2 + deviation[k] ** 2)) for k in order},
        ),
    )
