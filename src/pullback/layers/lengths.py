"""In: a batch of sequences, and maybe how long each is. Out: both, checked, and which steps count.

Sequences of different lengths stand in one array, padded behind their ends. A layer that must know
where they end takes `lengths`, a whole number for each row, as its second input: its class says
`takes = None` and `takes_lengths = True`. What stands behind an end then changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.abstract import Abstract
from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import less
from pullback.gates.shape import expand_dims, reshape

if TYPE_CHECKING:
    from pullback.layers.layer import Layer


def with_lengths(layer: Layer, inputs: Sequence[Unit], axes: int = 3) -> tuple[Unit, Unit | None]:
    """The sequences, which have at least so many `axes`, and their lengths if they were given.

    Raises `CircuitError` for any other inputs.
    """
    if len(inputs) not in (1, 2):
        raise CircuitError(
            f"layer {layer.called!r} takes sequences, and maybe their lengths: 1 or 2 inputs, got "
            f"{len(inputs)}"
        )
    x = inputs[0]
    if x.ndim < axes:
        features = ", features" * (axes - 2)
        raise CircuitError(
            f"layer {layer.called!r} expects sequences (rows, steps{features}), got {x.shape}"
        )
    if len(inputs) == 1:
        return x, None
    lengths = inputs[1]
    if lengths.dtype.kind not in "iu" or lengths.shape != x.shape[:1]:
        raise CircuitError(
            f"layer {layer.called!r} expects lengths, an array of integers of shape "
            f"({x.shape[0]},), got {lengths.dtype} of shape {lengths.shape}"
        )
    if type(lengths._value) is not Abstract:
        refuse_lengths(layer, x, np.asarray(lengths.value))
    return x, lengths


def refuse_lengths(layer: Layer, x: Any, lengths: Any = None) -> None:
    """Raise `CircuitError` for the first row with more steps than there are, or less than none.

    Of `x` the shape alone is asked for. Lengths that nobody knows yet are not refused.
    """
    if not isinstance(lengths, np.ndarray):
        return
    odd = np.flatnonzero((lengths < 0) | (lengths > x.shape[1]))
    if odd.size:
        raise CircuitError(
            f"layer {layer.called!r} got sequences of {x.shape[1]} steps, and was told of "
            f"{lengths[odd[0]]} (row {odd[0]})"
        )


def counting(lengths: Unit, steps: int) -> Unit:
    """Which steps count: truth values (rows, steps).

    >>> counting(Unit(np.array([2, 0])), 3).value
    array([[ True,  True, False],
           [False, False, False]])
    """
    return less(np.arange(steps), expand_dims(lengths, 1))


def along(few: Unit, x: Unit) -> Unit:
    """A wire of the first axes of x, to stand beside it."""
    return reshape(few, (*few.shape, *[1] * (x.ndim - few.ndim)))


def which_count(layer: Layer, *inputs: Unit) -> Unit | None:
    """Which steps of sequences count, (rows, steps), by the lengths behind them; None: all do.

    Raises `CircuitError` for other inputs than `with_lengths` takes.
    """
    x, lengths = with_lengths(layer, inputs)
    return None if lengths is None else counting(lengths, x.shape[1])
