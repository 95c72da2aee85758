"""In: how long each sequence of a padded batch is. Out: which of its steps count."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pullback.core.abstract import Abstract
from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import less
from pullback.gates.shape import reshape


def steps_that_count(lengths: Sequence[Unit], x: Unit, layer: str) -> Unit | None:
    """Whether step t of row i of x counts, t < lengths[i], (rows, steps); None where all do.

    x is of shape (rows, steps, n). `lengths` are what a layer was called with behind its other
    inputs: nothing, or one wire (rows,). Raises `CircuitError`, in the name of the layer, for more
    than one, and for lengths that are no whole numbers, not one for each row, or, where the numbers
    are known, not from 0 to the number of steps.

    >>> x, lengths = Unit(np.zeros((2, 3, 1))), Unit(np.array([2, 0]))
    >>> steps_that_count([lengths], x, "attention").value
    array([[ True,  True, False],
           [False, False, False]])
    """
    if not lengths:
        return None
    if len(lengths) > 1:
        raise CircuitError(
            f"layer {layer!r} takes one input of lengths behind the others, got {len(lengths)}"
        )
    (given,), (rows, steps) = lengths, x.shape[:2]
    if given.dtype.kind not in "iu" or given.shape != (rows,):
        raise CircuitError(
            f"layer {layer!r} expects lengths of shape ({rows},), an array of integers; got "
            f"{given.dtype} of shape {given.shape}"
        )
    if type(given._value) is not Abstract:
        numbers = np.asarray(given.value)
        outside = numbers[(numbers < 0) | (numbers > steps)]
        if outside.size:
            raise CircuitError(
                f"layer {layer!r} takes lengths from 0 to {steps}, the number of steps, got "
                f"{outside[0]}"
            )
    return less(np.arange(steps), reshape(given, (rows, 1)))
