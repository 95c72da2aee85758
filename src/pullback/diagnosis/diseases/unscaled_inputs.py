"""Unscaled inputs: features so far from mean 0 and deviation 1 that no one rate suits all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination, spread, standardized
from pullback.diagnosis.finding import Bars, Cure, Finding
from pullback.diagnosis.patient import Patient

_FAR = 10.0  # times as wide, or as far off, as is usual
_SMALL = 0.01  # of the widest deviation, that is not seen beside it
_SHOWN = 8
_WHITE = 255.0

_STANDARDIZE = """axes = tuple(range(x_train.ndim - 1))
mean, deviation = x_train.mean(axis=axes), x_train.std(axis=axes)
deviation = np.where(deviation > 0, deviation, 1)
x_train = (x_train - mean) / deviation
x_validation = (x_validation - mean) / deviation  # by the numbers of training"""

_DIVIDE = """x_train = x_train / 255
x_validation = x_validation / 255"""


@disease(
    "unscaled inputs",
    brings=(
        *("learning rate too high", "learning rate too low", "dying ReLUs", "saturated units"),
        *("exploding gradients", "not a number", "badly scaled initialization", "unscaled labels"),
    ),
)
def unscaled(examination: Examination) -> Iterator[Finding]:
    """Some features have deviations, or means, far from 1."""
    patient = examination.patient
    for k, x in enumerate(patient.inputs, start=1):
        if x.dtype.kind == "f":
            where = f"input {k}" if len(patient.inputs) > 1 else ""
            yield from _of_input(examination, x, where)


def _of_input(examination: Examination, x: np.ndarray, where: str) -> Iterator[Finding]:
    patient = examination.patient
    mean, deviation = (np.atleast_1d(y) for y in spread(x))
    if not (varied := deviation > 0.0).any():
        return
    size = np.sqrt(mean**2 + deviation**2)
    largest, smallest = float(size[varied].max()), float(size[varied].min())
    worst = int(np.where(varied, size, 0.0).argmax())
    off = np.where(varied & (size > 1.0), abs(mean) / np.where(varied, deviation, 1.0), 0.0)
    small = _unseen(x, deviation)
    name = patient.feature if x.ndim == 2 and not where else lambda k: f"feature {k}"
    if largest >= _FAR or largest <= 1.0 / _FAR:
        seen = f"values are of sizes up to {largest:.3g}"
        seen += f" ({name(worst)})" if len(size) > 1 else ""
    elif off.max() >= _FAR:
        seen = f"{name(int(off.argmax()))} is {off.max():.3g} times as far from 0 as it varies"
    elif small is not None:
        seen = f"{name(small)} varies by {deviation[small]:.3g} only"
    else:
        return
    apart = largest / smallest
    if len(size) > 1:
        seen += f"; the largest feature is {apart:.3g} times the smallest"
    order = np.argsort(-size)[:_SHOWN]
    cures = [Cure("bring each feature to mean 0 and deviation 1", _STANDARDIZE, standardized)]
    if _are_pixels(x):
        seen = f"pixels go from 0 to {x.max():g}"
        cures.insert(0, Cure("divide pixels by 255", _DIVIDE, _divided))
    far = not 1.0 / _FAR**2 < largest < _FAR**2
    yield Finding(
        "unscaled inputs",
        "severe" if far or examination.trained.history.diverged else "mild",
        seen,
        "a weight moves by as much as its input is large, so that no learning rate suits all",
        tuple(cures),
        where,
        {"largest": largest, "apart": apart},
        Bars(
            "root mean square of the largest features",
            "size",
            {name(int(k)): float(size[k]) for k in order},
        ),
    )


def _unseen(x: np.ndarray, deviation: np.ndarray) -> int | None:
    """The first feature of a table that varies too little beside others, and not as marks do."""
    if x.ndim != 2:
        return None
    little = np.flatnonzero((deviation > 0.0) & (deviation < _SMALL * deviation.max()))
    differ = (x[:, little] != np.median(x[:, little], axis=0)).mean(axis=0)
    return next((int(k) for k in little[differ > 0.5]), None)


def _are_pixels(x: np.ndarray) -> bool:
    """Whether these are pictures of whole numbers up to 255, flat ones included."""
    if x[0].size < 64 or x.min() < 0.0 or not _WHITE / 2 < x.max() <= _WHITE:
        return False
    return bool((np.floor(x) == x).all())


def _divided(patient: Patient) -> Patient:
    data, held_out = (
        replace(rows, columns={name: _darker(name, y) for name, y in rows.columns.items()})
        for rows in (patient.data, patient.held_out)
    )
    return patient.but(data=data, held_out=held_out)


def _darker(name: str, x: np.ndarray) -> np.ndarray:
    pixels = name.startswith("inputs") and x.dtype.kind == "f" and x.max(initial=0.0) > 1.0
    return (x / _WHITE).astype(x.dtype) if pixels else x
