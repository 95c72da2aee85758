"""In: labels and probabilities as people have them. Out: arrays that fit, or a refusal."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.losses.labels import numbers


def of_two(happened: Any, probabilities: Any) -> tuple[np.ndarray, np.ndarray]:
    """Truth values (rows,), and how probable each was held, (rows,).

    Raises `CircuitError` where there are no rows, lengths differ, or a number is neither.
    """
    truth = numbers(happened, "labels", "they must be 0 and 1, or truth values")
    p = numbers(probabilities, "probabilities", "they must be numbers from 0 to 1")
    if truth.ndim != 1 or truth.shape != p.shape or not len(truth):
        raise CircuitError(
            "labels and probabilities need one number each for every row, and one row at least; "
            f"got shapes {truth.shape} and {p.shape}"
        )
    wrong = np.flatnonzero(~np.isin(truth, (0, 1)))
    if len(wrong):
        raise CircuitError(
            f"label {truth[wrong[0]]} (row {wrong[0]}) is neither 0 nor 1; of class numbers, "
            "compare with the class that is asked for: labels == 2"
        )
    refuse_improbable(p)
    return truth.astype(bool), p.astype(np.float64)


def of_classes(truth: Any, by_class: Any) -> tuple[np.ndarray, np.ndarray]:
    """Class numbers (rows,), and a number for each class, (rows, classes).

    Raises `CircuitError` where there are no rows, shapes differ, or a label is no class number.
    """
    found = numbers(truth, "labels", "they must be class numbers 0, 1, 2, ...")
    given = numbers(by_class, "probabilities", "they must be numbers, (rows, classes)")
    if found.ndim != 1 or given.ndim != 2 or len(found) != len(given) or not given.size:
        raise CircuitError(
            "labels (rows,) and probabilities (rows, classes) need as many rows, and one at least; "
            f"got shapes {found.shape} and {given.shape}"
        )
    wrong = np.flatnonzero(~np.isin(found, range(given.shape[1])))
    if len(wrong):
        raise CircuitError(
            f"label {found[wrong[0]]} (row {wrong[0]}) is none of the class numbers 0 to "
            f"{given.shape[1] - 1}"
        )
    wrong = np.flatnonzero(~np.isfinite(given).all(axis=1))
    if len(wrong):
        raise CircuitError(f"{given[wrong[0]]} (row {wrong[0]}) are not all finite numbers")
    return found.astype(np.int64), given.astype(np.float64)


def refuse_improbable(p: np.ndarray) -> None:
    """Raise `CircuitError` at the first number that is no probability."""
    wrong = np.argwhere(~((p >= 0.0) & (p <= 1.0)))
    if len(wrong):
        raise CircuitError(
            f"{p[tuple(wrong[0])]} (row {wrong[0][0]}) is no probability: these are from 0 to 1"
        )
