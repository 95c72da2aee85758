"""In: a patient that is given sequences piece by piece. Out: the same with longer pieces.

Streams go on from batch to batch, row by row, so that pieces can be put together again: fewer rows
of more steps, the same elements in as many batches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.diagnosis.patient import Patient, Trained
from pullback.layers.layer import Layer
from pullback.layers.recurrent import Recurrent
from pullback.train.data import Rows, of_kind

_TIMES = 4  # as many steps
_SAME = 0.99  # of the labels at the end of a piece are the inputs that begin the next one


@dataclass(frozen=True)
class Longer:
    """A patient with longer pieces, and how both do on the same sequences that neither has seen.

    `steps` are those of a piece before, and `times` how many are put together. `short` is the loss
    of a net trained on short pieces, given the sequences in pieces as long as it likes best.
    """

    patient: Patient
    steps: int
    times: int
    short: float
    long: float


def with_longer_pieces(patient: Patient) -> tuple[Patient, int] | None:
    """The patient with pieces that are some times as long, and how many times; None of others.

    Others are models that are not recurrent, labels that are not of steps each, and batches of
    which nothing says that they go on where the one before ended.
    """
    if not _is_recurrent(patient.parts.model) or not patient.sizes:
        return None
    rows, count = patient.sizes[0], len(patient.sizes)
    columns = patient.data.columns
    inputs, labels = of_kind("inputs", columns), of_kind("labels", columns)
    steps = {x.shape[1] if x.ndim > 1 else 0 for x in (*inputs, *labels)}
    held = len(patient.held_out)
    times = math.gcd(_TIMES, rows)
    if len(set(patient.sizes)) > 1 or len(steps) > 1 or 0 in steps or "weights" in columns:
        return None
    if times < 2 or count < times or held % count or not _goes_on(patient, rows):
        return None
    whole = count // times * times
    data = {name: _joined(x, rows, whole, times, times) for name, x in columns.items()}
    held_out = {
        name: _joined(x, held // count, whole, times, 1)
        for name, x in patient.held_out.columns.items()
    }
    sizes = (rows // times,) * whole
    return patient.but(data=Rows(data), held_out=Rows(held_out), sizes=sizes), times


def compared(patient: Patient, times: int, before: Patient, trained: Sequence[Trained]) -> Longer:
    """How nets trained on short pieces, and on those of the `patient`, do on its long ones."""
    columns = patient.held_out.columns
    given = [of_kind(kind, columns) for kind in ("inputs", "labels")]
    inputs, labels = (x[0] if len(x) == 1 else tuple(x) for x in given)
    trainers: list[Any] = [x.trainer for x in trained]
    short, long = (trainer.evaluate(inputs, labels)["loss"] for trainer in trainers)
    short = min(short, trained[0].final("validation_loss"))
    return Longer(patient, before.inputs[0].shape[1], times, short, long)


def _joined(x: np.ndarray, rows: int, count: int, times: int, groups: int) -> np.ndarray:
    """Pieces of `count` batches of so many rows put together, `times` of them behind each other.

    Rows are cut into `groups`, of which one comes after the other.
    """
    streams = x[: rows * count].reshape(count, rows, *x.shape[1:]).swapaxes(0, 1)
    parts = streams.reshape(groups, rows // groups, count // times, -1, *x.shape[2:])
    return np.concatenate([part.swapaxes(0, 1).reshape(-1, *parts.shape[3:]) for part in parts])


def _is_recurrent(model: object) -> bool:
    layers = model.walk() if isinstance(model, Layer) else ()
    return any(isinstance(layer, Recurrent) for _, layer in layers)


def _goes_on(patient: Patient, rows: int) -> bool:
    """Whether each batch goes on where the one before it ended, row by row."""
    model = patient.parts.model
    if any(layer.takes_pieces for _, layer in model.walk()):
        return True
    x, y = patient.inputs[0], patient.labels[0]
    if x.dtype.kind not in "iu" or x.ndim != 2 or y.shape != x.shape:
        return False
    return bool(np.mean(x[rows:, 0] == y[:-rows, -1]) > _SAME)
