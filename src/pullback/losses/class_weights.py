"""In: a weight for each class. Out: a weight for each row, by its label.

A class that is rare, or costly to miss, can count for more: a row's cost is multiplied by the
weight of its class, and the mean over the rows becomes the weighted mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import where
from pullback.losses.labels import flat, numbers
from pullback.losses.rows import are_rows, in_dtype_of, is_class

ClassWeights = Sequence[float] | Mapping[int, float] | None


def checked(
    given: ClassWeights, classes: Sequence[int] | None = None
) -> tuple[float, ...] | dict[int, float] | None:
    """Class weights as losses keep them: plain numbers, all positive and finite.

    Raises `CircuitError` for the first weight or class number that cannot be one and, where the
    classes are known already, as `weight_of_each` does.
    """
    plain = _plain(given)
    if classes is not None:
        weight_of_each(plain, classes)
    return plain


def _plain(given: ClassWeights) -> tuple[float, ...] | dict[int, float] | None:
    if given is None:
        return None
    if isinstance(given, str):
        raise CircuitError(
            f"class_weights are numbers, got {given!r}; balanced ones depend on the labels: "
            "give balanced_class_weights(labels, classes)"
        )
    if isinstance(given, Mapping):
        for number in given:
            if isinstance(number, bool) or not isinstance(number, int | np.integer):
                raise CircuitError(f"class_weights are by class number, got the key {number!r}")
        return {int(number): _weight(number, weight) for number, weight in given.items()}
    try:
        pairs = list(enumerate(given))
    except TypeError:
        raise CircuitError(f"class_weights need one number for each class, got {given!r}") from None
    return tuple(_weight(k, w) for k, w in pairs)


def _weight(place: Any, weight: Any) -> float:
    """One weight, positive and finite."""
    if isinstance(weight, int | float | np.number) and 0.0 < weight < np.inf:
        return float(weight)
    raise CircuitError(f"class_weights must be positive and finite, got {weight!r} at {place}")


def weight_of_each(given: ClassWeights, classes: Sequence[int]) -> np.ndarray | None:
    """The weights in the order of these classes, 1 where a mapping names none; None: no weights.

    Raises `CircuitError` where a sequence has not one for each, or a mapping names another class.
    """
    if given is None:
        return None
    if not isinstance(given, Mapping):
        if len(given) != len(classes):
            raise CircuitError(f"{len(classes)} classes need as many weights, got {len(given)}")
        return np.array(given)
    for number in given:
        if number not in classes:
            named = ", ".join(map(str, classes))
            raise CircuitError(f"class_weights name a class {number}; the classes are {named}")
    return np.array([given.get(number, 1.0) for number in classes])


def of_two_classes(
    given: ClassWeights, classes: tuple[int, int], share: Unit, scores: Unit
) -> Unit | None:
    """The weight of each row, whose label is the second of two classes by this share from 0 to 1.

    In the precision of the scores; None where no class has a weight.
    """
    weights = weight_of_each(given, classes)
    if weights is None:
        return None
    first, second = weights.tolist()
    return first + (second - first) * in_dtype_of(share, scores)


def of_classes(given: ClassWeights, labels: Unit, scores: Unit) -> Unit | None:
    """The weight of each row by its class number or, of a soft row, sum(label * weight).

    In the precision of the scores (batch, classes); None where no class has a weight.
    """
    weights = weight_of_each(given, range(scores.shape[1]))
    if weights is None:
        return None
    weights = weights.astype(scores.dtype)
    if are_rows(labels, scores):
        return (in_dtype_of(labels, scores) * weights).sum(axis=1)
    return where(is_class(labels, scores), weights, 0.0).sum(axis=1)


def balanced_class_weights(labels: Any, classes: int | Sequence[int]) -> tuple[float, ...]:
    """Weights that let every class count as much in all: rows / (classes * rows of the class).

    labels (rows,) are class numbers; `classes` is how many there are, from 0 on, or names them in
    order, as (-1, 1) for `Hinge`. Raises `CircuitError` where a class has no row, or a label is
    none of the classes.
    Source: King and Zeng, "Logistic regression in rare events data" (2001); scikit-learn's
    "balanced".

    >>> balanced_class_weights([0, 0, 0, 1], 2)
    (0.6666666666666666, 2.0)
    """
    named = range(classes) if isinstance(classes, int | np.integer) else tuple(classes)
    array = numbers(labels, "labels", "they must be class numbers; encode them first")
    if len(flat(array.shape)) != 1:
        raise CircuitError(
            f"class numbers are one a row, got labels of shape {array.shape}; "
            "of one-hot rows, take argmax(axis=1)"
        )
    array = array.ravel()
    wrong = np.flatnonzero(~np.isin(array, named))
    if len(wrong):
        raise CircuitError(
            f"label {array[wrong[0]]} (row {wrong[0]}) is none of the classes "
            f"{', '.join(map(str, named))}"
        )
    counts = [int((array == number).sum()) for number in named]
    for number, count in zip(named, counts, strict=True):
        if not count:
            raise CircuitError(f"class {number} has no row, so no weight would balance it")
    return tuple(balance(np.array(counts)).tolist())


def balance(totals: np.ndarray) -> np.ndarray:
    """The weight of each class by which all weigh the same, from how much each weighs in all.

    As scikit-learn has it, but that a row of weight 5 is the row five times. Of a class that weighs
    nothing it is 0.

    >>> balance(np.array([1.0, 3.0, 0.0]))
    array([2.        , 0.66666667, 0.        ])
    """
    there = totals > 0
    weights = np.zeros(len(totals))
    weights[there] = totals.sum() / (there.sum() * totals[there])
    return weights
