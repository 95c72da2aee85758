"""In: labels as people have them. Out: arrays that losses compute with, or a clear refusal.

Each kind of label has one function here. It is told the shape of the scores, names the first row
that does not fit, and says what to do about it. Labels that it has made pass through unchanged.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.values import plain_array

Shape = tuple[int, ...]
_SUM = 1e-5  # how far from 1 the probabilities of a row may add up


def numbers(given: Any, what: str, cure: str) -> np.ndarray:
    """An array of real numbers, or a refusal that names `what` was given and the cure."""
    try:
        array = plain_array(given, what)
    except CircuitError:
        raise
    except ValueError:
        raise CircuitError(f"{what} are a ragged list; {cure}, in rows of equal lengths") from None
    if array.dtype.kind not in "fiub":
        raise CircuitError(f"{what} are {array.dtype} values; {cure}")
    return array


def signs(labels: Any, shape: Shape, loss: str) -> np.ndarray:
    """Labels +1 and -1, one a row, as integers."""
    array = _one_a_row(labels, shape, loss, "they must be +1 and -1; encode them first")
    wrong = np.flatnonzero(~np.isin(array, (-1, 1)) | (array.dtype.kind == "b"))
    if len(wrong):
        raise CircuitError(
            f"{loss} needs labels +1 and -1, got {array[wrong[0]]} (row {wrong[0]}); "
            "of labels 0 and 1, make 2 * labels - 1"
        )
    return array.astype(np.int64)


def probabilities(labels: Any, shape: Shape, loss: str) -> np.ndarray:
    """Labels from 0 to 1, or truth values, one a row, as floats."""
    array = _one_a_row(labels, shape, loss, "they must be 0 and 1; encode them first")
    wrong = np.flatnonzero(~((array >= 0) & (array <= 1)))
    if len(wrong):
        raise CircuitError(
            f"{loss} needs labels from 0 to 1, got {array[wrong[0]]} (row {wrong[0]}); "
            "of labels -1 and +1, make (labels + 1) / 2"
        )
    return _as_floats(array)


def classes(labels: Any, shape: Shape, loss: str, *, soft: bool = False) -> np.ndarray:
    """Class numbers (batch,), as integers; of one-hot rows (batch, classes) the same.

    With `soft`, rows of probabilities that are not one-hot stay as they are, as floats.
    """
    if len(shape) != 2:
        steps = ": of each step, take SequenceCrossEntropy" if len(shape) == 3 else ""
        raise CircuitError(f"{loss} needs scores of shape (batch, classes), got {shape}{steps}")
    array = numbers(labels, "labels", "they must be class numbers 0, 1, 2, ...; encode them first")
    if array.ndim == 2 and array.shape == shape:
        return _classes_of_rows(array, soft)
    if array.shape != shape[:1]:
        raise CircuitError(
            f"{shape[0]} rows of scores need as many labels, got {array.shape}; "
            f"they are class numbers ({shape[0]},) or rows {shape}"
        )
    wrong = np.flatnonzero(~np.isfinite(array) | (np.floor(array) != array))
    if len(wrong):
        raise CircuitError(
            f"label {array[wrong[0]]} (row {wrong[0]}) is none of the class numbers 0, 1, 2, ...; "
            "encode labels first"
        )
    wrong = np.flatnonzero((array < 0) | (array >= shape[1]))
    if len(wrong):
        raise CircuitError(
            f"label {array[wrong[0]]:.0f} (row {wrong[0]}) is not among the {shape[1]} classes "
            f"0 to {shape[1] - 1} that the model scores"
        )
    return array.astype(np.int64)


def _classes_of_rows(rows: np.ndarray, soft: bool) -> np.ndarray:
    one_hot = np.isin(rows, (0, 1)).all(axis=1) & (rows.sum(axis=1) == 1)
    if one_hot.all():
        return rows.argmax(axis=1)
    if not soft:
        row = int(np.flatnonzero(~one_hot)[0])
        raise CircuitError(
            f"label {rows[row]} (row {row}) is not one-hot: a single 1 among zeros; "
            "take the class numbers with argmax(axis=1)"
        )
    wrong = np.flatnonzero(~((rows >= 0) & (rows <= 1)).all(axis=1))
    if len(wrong):
        raise CircuitError(
            f"label {rows[wrong[0]]} (row {wrong[0]}) has a number that is no probability; "
            "each must be from 0 to 1"
        )
    wrong = np.flatnonzero(~(np.abs(rows.sum(axis=1) - 1.0) <= _SUM))
    if len(wrong):
        raise CircuitError(
            f"label {rows[wrong[0]]} (row {wrong[0]}) adds up to {rows[wrong[0]].sum():.6g}, not "
            "1; divide each row by its sum"
        )
    return _as_floats(rows)


def targets(labels: Any, shape: Shape, loss: str) -> np.ndarray:
    """Finite numbers to come near to, as floats: of the scores' shape, (batch,) for (batch, 1)."""
    array = numbers(labels, "labels", "they must be numbers to come near to")
    wanted = flat(shape)
    if not shape or flat(array.shape) != wanted:
        raise CircuitError(
            f"{loss} needs a label for each score: scores of shape {shape} "
            f"need labels of shape {wanted}, got {array.shape}"
        )
    array = array.reshape(wanted)
    refuse_not_finite(array)
    return _as_floats(array)


def refuse_not_finite(array: np.ndarray) -> None:
    """Raise `CircuitError` for the first label that is nan or infinite."""
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        raise CircuitError(
            f"label {array[tuple(wrong[0])]} (row {wrong[0][0]}) is not finite; "
            "fill or drop such rows first"
        )


def refuse_smoothing(smoothing: float) -> None:
    """Raise `CircuitError` for a label smoothing that is no share, or leaves nothing of labels."""
    if not 0.0 <= smoothing < 1.0:
        raise CircuitError(f"label_smoothing must be at least 0 and less than 1, got {smoothing}")


def flat(shape: Shape) -> Shape:
    """A shape without the axis of a single output: (batch, 1) is (batch,)."""
    return shape[:1] if shape[1:] == (1,) else shape


def _one_a_row(labels: Any, shape: Shape, loss: str, cure: str) -> np.ndarray:
    if len(flat(shape)) != 1:
        raise CircuitError(f"{loss} needs one score a row, got scores of shape {shape}")
    array = numbers(labels, "labels", cure)
    if flat(array.shape) != shape[:1]:
        raise CircuitError(f"{shape[0]} rows of scores need as many labels, got {array.shape}")
    return array.reshape(shape[:1])


def _as_floats(array: np.ndarray) -> np.ndarray:
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
