"""In: a patient that is given parts of long sequences. Out: the same with longer parts.

Streams go on from batch to batch, row by row, so that their pieces can be put together again: fewer
rows of more steps, the same elements in as many batches. Where each row is a window one step behind
the row before, a window is made longer by those of earlier rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pullback.diagnosis.patient import Patient, Trained
from pullback.layers.layer import Layer
from pullback.layers.recurrent import Recurrent
from pullback.train.data import Rows, of_kind

_TIMES = 4  # as many steps
_LEFT = 0.5  # of the rows, that must have a past
_FEW = 20  # pairs of rows
_SAME = 0.99  # of the labels at the end of a piece are the inputs that begin the next one


@dataclass(frozen=True)
class Longer:
    """A patient with longer parts, and how both do on the same sequences that neither has seen.

    `before` and `after` are the steps of a part, and `windows` says that they are windows, and no
    pieces. `short` is the loss of a net trained on short pieces, given the
    sequences in pieces as long as it likes best, or on short windows.
    """

    patient: Patient
    before: int
    after: int
    short: float
    long: float
    windows: bool = False


def with_longer_pieces(patient: Patient) -> Patient | None:
    """The patient with pieces that are some times as long; None of others.

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
    return patient.but(data=Rows(data), held_out=Rows(held_out), sizes=sizes)


def with_longer_windows(patient: Patient) -> Patient | None:
    """The patient with windows that are some times as long; None of others.

    Others are models that are not recurrent, and rows that are no windows of one sequence.
    """
    if not _is_recurrent(patient.parts.model) or patient.sizes or len(patient.inputs) != 1:
        return None
    x, (y,) = patient.inputs[0], of_kind("inputs", patient.held_out.columns)
    origin = patient.origin
    if x.ndim < 2 or x.shape[1:] != y.shape[1:] or x.shape[1] < 1 or origin is None:
        return None
    if len(patient.labels[0].shape) > 1 and patient.labels[0].shape[1] == x.shape[1]:
        return None  # labels of steps each
    if origin.apart:
        data, held_out = _lengthened(x, origin.data), _lengthened(y, origin.held_out)
    else:
        numbers = np.concatenate([origin.data, origin.held_out])
        every = _lengthened(np.concatenate([x, y]), numbers)
        data, held_out = (None, None) if every is None else (every[: len(x)], every[len(x) :])
    if data is None or held_out is None:
        return None
    kept, judged = (np.flatnonzero([w is not None for w in ws]) for ws in (data, held_out))
    if len(kept) < _LEFT * len(data) or len(judged) < _LEFT * len(held_out):
        return None
    name = next(name for name in patient.data.columns if name.startswith("inputs"))
    longer = patient.keeping(kept)
    rows = patient.held_out.take(judged)
    told = {name: np.stack([w for w in data if w is not None])}
    seen = {name: np.stack([w for w in held_out if w is not None])}
    return longer.but(
        data=Rows({**longer.data.columns, **told}, longer.data.sampling),
        held_out=Rows({**rows.columns, **seen}),
        origin=replace(origin, data=origin.data[kept], held_out=origin.held_out[judged]),
    )


def _lengthened(x: np.ndarray, numbers: np.ndarray) -> list[np.ndarray | None] | None:
    """Of each window a longer one that ends as it does; None of a row whose past is not there.

    None of rows that are no windows, each one step behind the row before it.
    """
    place = {int(n): k for k, n in enumerate(numbers)}
    pairs = [(k, place[n + 1]) for n, k in place.items() if n + 1 in place]
    if len(pairs) < _FEW:
        return None
    first, second = (x[[pair[i] for pair in pairs]] for i in (0, 1))
    if x.shape[1] < 2 or np.mean(first[:, 1:] == second[:, :-1]) < _SAME:
        return None
    if (first[:, 1:] == first[:, :-1]).mean() > _SAME:
        return None  # nothing moves, so that nothing can be told of it
    steps = x.shape[1]
    past = [[place.get(int(n) - j * steps) for j in reversed(range(_TIMES))] for n in numbers]
    return [
        None if None in row else np.concatenate([x[k] for k in row if k is not None])
        for row in past
    ]


def of_pieces(patient: Patient, before: Patient, trained: Sequence[Trained]) -> Longer:
    """How nets trained on short pieces, and on those of the `patient`, do on its long ones."""
    columns = patient.held_out.columns
    given = [of_kind(kind, columns) for kind in ("inputs", "labels")]
    inputs, labels = (x[0] if len(x) == 1 else tuple(x) for x in given)
    trainers: list[Any] = [x.trainer for x in trained]
    short, long = (trainer.evaluate(inputs, labels)["loss"] for trainer in trainers)
    short = min(short, trained[0].final("validation_loss"))
    return Longer(patient, *_steps(before, patient), short, long)


def of_windows(patient: Patient, before: Patient, trained: Sequence[Trained]) -> Longer:
    """How nets trained on short windows, and on those of the `patient`, do on their own rows."""
    short, long = (x.best("validation_loss") for x in trained)
    return Longer(patient, *_steps(before, patient), short, long, windows=True)


def _steps(*patients: Patient) -> tuple[int, int]:
    """The steps of each patient's sequences."""
    before, after = (x.inputs[0].shape[1] for x in patients)
    return before, after


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
