"""Duplicated features: columns that are copies of others, or the same in another unit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination, spread
from pullback.diagnosis.finding import Cure, Finding

_SAME = 1.0 - 1e-6  # a correlation of copies, but for rounding
_MOST = 1000  # columns that are looked at
_MANY = 0.5  # a share of copies that crowds out the rest
_SHOWN = 4

_CODE = """keep = np.delete(np.arange({many}), {copies})
x_train, x_validation = x_train[:, keep], x_validation[:, keep]"""


@disease(
    "duplicated features", brings=("learning rate too high", "exploding gradients", "not a number")
)
def duplicated(examination: Examination) -> Iterator[Finding]:
    """Columns of a table are equal, or proportional but for a constant."""
    table, patient = examination.tabular, examination.patient
    if table is None or not 2 <= table.shape[1] <= _MOST or len(table) < 3:
        return
    mean, deviation = spread(table)
    varied = np.flatnonzero(deviation > 0.0)
    scaled = (table[:, varied] - mean[varied]) / deviation[varied]
    alike = np.triu(abs(scaled.T @ scaled) / len(table) > _SAME, 1)
    if not alike.any():
        return
    copies = {int(varied[j]): int(varied[alike[:, j].argmax()]) for j in np.where(alike.any(0))[0]}
    told = [
        f"{patient.feature(copy)} is {_relation(table[:, copy], table[:, of])}{patient.feature(of)}"
        for copy, of in list(copies.items())[:_SHOWN]
    ]
    more = len(copies) - _SHOWN
    yield Finding(
        "duplicated features",
        "mild" if len(copies) > _MANY * len(varied) else "note",
        "; ".join(told) + (f"; and {more} more" if more > 0 else ""),
        "what is there twice moves twice as far in a step, and penalties weigh it half",
        (
            Cure(
                "keep one of each",
                _CODE.format(many=table.shape[1], copies=sorted(copies)),
                untried="what is left needs a net of its own",
            ),
        ),
        numbers={"copies": float(len(copies)), "features": float(table.shape[1])},
        certain=True,
    )


def _relation(copy: np.ndarray, of: np.ndarray) -> str:
    """How a copy comes of a column, as words before its name."""
    if np.array_equal(copy, of):
        return "the same as "
    slope = float(np.polyfit(of.astype(np.float64), copy.astype(np.float64), 1)[0])
    return f"{slope:.3g} times, but for a constant, "
