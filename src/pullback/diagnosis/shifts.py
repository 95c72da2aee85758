"""In: a patient. Out: the same with the labels of the rows beside each row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pullback.diagnosis.patient import Origin, Patient
from pullback.train.data import Rows


def with_labels_beside(patient: Patient, by: int) -> Patient:
    """The patient whose rows have the labels of those beside them, without rows at an end."""
    origin = patient.origin or Origin(patient.numbers, np.arange(len(patient.held_out)), apart=True)
    numbers = {"data": origin.data, "held_out": origin.held_out}
    rows = {"data": patient.data, "held_out": patient.held_out}
    known: dict[str, dict[int, tuple[str, int]]] = {"data": {}, "held_out": {}}
    for name, own in numbers.items():
        for where in (name,) if origin.apart else ("data", "held_out"):
            known[where].update({int(n): (name, k) for k, n in enumerate(own)})
    found = {name: [known[name].get(int(n) + by) for n in own] for name, own in numbers.items()}
    kept = {name: np.flatnonzero([x is not None for x in of]) for name, of in found.items()}
    labels = {
        name: np.array([rows[x[0]].columns["labels"][x[1]] for x in of if x is not None])
        for name, of in found.items()
    }
    moved = patient.keeping(kept["data"])
    held_out = patient.held_out.take(kept["held_out"])
    return moved.but(
        data=Rows({**moved.data.columns, "labels": labels["data"]}),
        held_out=Rows({**held_out.columns, "labels": labels["held_out"]}),
        origin=replace(
            origin, data=origin.data[kept["data"]], held_out=origin.held_out[kept["held_out"]]
        ),
    )
