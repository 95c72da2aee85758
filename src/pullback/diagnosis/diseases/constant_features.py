"""Constant features: columns that are the same in every row, so that they tell rows not apart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination, spread
from pullback.diagnosis.finding import Cure, Finding
from pullback.train.data import of_kind

_SHOWN = 5
_OFTEN = 0.05  # of the rows to judge by, in which a feature that was constant changes

_CODE = """keep = x_train.std(axis=0) > 0
x_train, x_validation = x_train[:, keep], x_validation[:, keep]"""


@disease("constant features", brings=("shuffled labels",))
def constant(examination: Examination) -> Iterator[Finding]:
    """Columns of a table are constant, or all inputs are."""
    inputs = examination.patient.inputs
    if all((x == x[:1]).all() for x in inputs) and len(inputs[0]) > 1:
        yield Finding(
            "constant features",
            "severe",
            f"all {len(inputs[0]):,} rows have the same inputs",
            "a net gives the same answer to the same inputs, whatever the labels are",
            (Cure("look at how the inputs are read", "print(x_train[:5])", untried=_OWNER),),
            certain=True,
        )
    elif examination.tabular is not None:
        yield from _of_table(examination, examination.tabular)


_OWNER = "only their owner can say what the inputs should be"


def _of_table(examination: Examination, table: np.ndarray) -> Iterator[Finding]:
    patient = examination.patient
    still = spread(table)[1] == 0.0
    if not still.any():
        return
    held_out = of_kind("inputs", patient.held_out.columns)[0]
    moves = still & ((held_out != table[:1]).mean(axis=0) > _OFTEN)
    which = np.flatnonzero(moves if moves.any() else still)
    names = ", ".join(patient.feature(int(k)) for k in which[:_SHOWN])
    more = f" and {len(which) - _SHOWN} more" if len(which) > _SHOWN else ""
    seen = f"{names}{more}: the same in all {len(table):,} rows"
    yield Finding(
        "constant features",
        "mild" if moves.any() else "note",
        f"{seen} to train on, and not in those to judge by" if moves.any() else seen,
        "the weights of a feature that never changes are not learned: where it does change, they "
        "answer by chance",
        (Cure("leave these columns out", _CODE, untried="what is left needs a net of its own"),),
        numbers={"constant": float(still.sum()), "features": float(len(still))},
        certain=True,
    )
