"""In: a Trainer and data as a user gives them. Out: a patient, of as many rows as are looked at.

What is left out, for want of time or as it would say no more, is told in notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pullback.diagnosis.examination import Clock, Interrupted
from pullback.diagnosis.patient import Origin, Parts, Patient
from pullback.diagnosis.rows import collected, divided, steady
from pullback.train.data import Batches, Rows, are_batches, of_kind
from pullback.train.trainer import Trainer

MOST_ROWS = 4000  # that are looked at
EPOCHS = 10  # unless told
_RUN = 50  # rows that are drawn together
_NUMBER = "number"  # the column of the numbers of rows
_BATCHES = 4  # that tell how long an epoch takes, and are trained on in any case
_OF_BASE = 0.06  # of the time, for one training as its owner does


def admitted(
    trainer: Trainer,
    data: Any,
    labels: Any,
    validation: Any,
    epochs: int | None,
    batch_size: int,
    columns: Sequence[str],
) -> tuple[Patient, list[str]]:
    """The patient, and what is to be said of how it was taken."""
    notes: list[str] = []
    reader = trainer._reader
    sizes: tuple[int, ...] = ()
    if labels is None and isinstance(data, tuple) and len(data) in (2, 3):
        rows = reader.tuple(data, "training")
    elif are_batches(data, labels):
        rows, sizes = collected(Batches(data, 1), MOST_ROWS, reader.tuple)
        notes.append(f"{len(rows):,} rows of the first {len(sizes):,} batches were taken")
    else:
        rows = reader.rows(data, labels, None, "training")
    rows = _numbered(rows)
    apart = isinstance(validation, tuple)
    if apart:
        held_out = _numbered(reader.tuple(validation, "validation"))
    else:
        rows, held_out, sizes = divided(rows, sizes, float(validation), trainer.seed)
    if len(rows) > MOST_ROWS and not sizes:
        drawn = _drawn(rows, trainer.seed)
        notes.append(f"{len(drawn):,} rows were drawn from {len(rows):,}")
        rows = drawn
    if len(held_out) > MOST_ROWS:
        held_out = _drawn(held_out, trainer.seed)
    rows, numbers = _without_numbers(rows)
    held_out, of_held_out = _without_numbers(held_out)
    patient = Patient(
        _steady(trainer, rows),
        rows,
        held_out,
        epochs or trainer._epochs or EPOCHS,
        batch_size,
        sizes,
        tuple(columns),
        Origin(numbers, of_held_out, apart),
    )
    return patient, notes


def _steady(trainer: Trainer, rows: Rows) -> Parts:
    """The parts of a Trainer, whose losses take labels that they have prepared once already."""
    parts = Parts.of(trainer)
    columns = rows.columns
    shapes = trainer._step._score_shapes(of_kind("inputs", columns))
    labels = of_kind("labels", columns)
    losses = [
        steady(loss, y, shape)
        for loss, y, (shape, _) in zip(parts.losses, labels, shapes, strict=True)
    ]
    return parts.but(losses=tuple(losses))


def _numbered(rows: Rows) -> Rows:
    """The rows with a column that tells which they are, whatever is drawn from them."""
    return replace(rows, columns={**rows.columns, _NUMBER: np.arange(len(rows))})


def _without_numbers(rows: Rows) -> tuple[Rows, np.ndarray]:
    columns = dict(rows.columns)
    numbers = columns.pop(_NUMBER)
    return replace(rows, columns=columns), numbers


def _drawn(rows: Rows, seed: int) -> Rows:
    """About as many rows as are looked at, in runs, so that most keep their neighbours."""
    runs = rows.columns[_NUMBER] // _RUN
    there = np.unique(runs)
    count = max(1, round(len(there) * MOST_ROWS / len(rows)))
    chosen = np.random.default_rng(seed).choice(there, count, replace=False)
    return rows.take(np.isin(runs, chosen))


def in_time(patient: Patient, clock: Clock) -> tuple[Patient, list[str]]:
    """The patient with as many epochs as there is time for."""
    try:
        clock.at("trains the net for an epoch")
    except Interrupted:
        return patient, []  # the first examination ends by it too, and says so
    few = _part(patient, _BATCHES)
    taken = len(few.data) / len(patient.data)
    seconds = few.train(epochs=2, monitor=False).final("seconds")  # the first one compiles
    most = _OF_BASE * clock.seconds * taken / max(seconds, 1e-6)
    if most >= patient.epochs:
        return patient, []
    notes = []
    if most < 1.0:
        patient = _part(patient, max(_BATCHES, int(most * _batches(patient))))
        notes.append(f"{len(patient.data):,} rows were trained on each time")
    times = max(1, int(most))
    notes.append(f"{times} of {patient.epochs} epochs were trained each time")
    return patient.but(epochs=times, shortened=True), notes


def _batches(patient: Patient) -> int:
    return len(patient.sizes) or -(-len(patient.data) // patient.batch_size)


def _part(patient: Patient, batches: int) -> Patient:
    """The patient with so many batches alone, and as large a part to judge by.

    They are the first where batches have an order; else rows are taken from all over.
    """
    whole = _batches(patient)
    if batches >= whole:
        return patient
    if patient.sizes:
        places = np.arange(sum(patient.sizes[:batches]))
    else:
        places = _all_over(len(patient.data), batches * patient.batch_size)
    judged = _all_over(len(patient.held_out), round(len(patient.held_out) * batches / whole))
    part = patient.keeping(places)
    if part.origin is not None:
        origin = replace(part.origin, held_out=part.origin.held_out[judged])
        part = part.but(origin=origin)
    return part.but(held_out=part.held_out.take(judged))


def _all_over(rows: int, count: int) -> np.ndarray:
    """The places of so many of the rows, evenly spread; one at least."""
    return np.linspace(0, rows - 1, max(1, min(count, rows))).astype(int)
