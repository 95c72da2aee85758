"""Limits on gradients, against a single bad batch that would throw the parameters far away."""

from __future__ import annotations

import numpy as np

from pullback.core.unit import Unit
from pullback.gates.comparison import clip as clipped
from pullback.gates.comparison import maximum
from pullback.gates.elementary import sqrt
from pullback.gates.shape import astype
from pullback.optim.checks import positive
from pullback.optim.transform import Memory, Next, Parameters, Transform, Wires


def clip(value: float) -> Transform:
    """Each element of each gradient kept between -value and value.

    Raises `CircuitError` for a value that is not positive and finite.
    Source: Mikolov, "Statistical language models based on neural networks" (2012).

    >>> p = Parameters([Unit(0.0)], weights=[])
    >>> clip(1.0).update([Unit(-3.0)], [], p)[0][0].value
    -1.0
    """
    value = positive("clip_value", value)
    return Transform(
        lambda directions, memory, parameters: ([clipped(d, -value, value) for d in directions], [])
    )


def clip_norm(norm: float) -> Transform:
    """g * norm / maximum(|g|, norm), where |g| is the length of all gradients as one vector.

    All parameters' gradients are shortened by the same factor, so their direction stays. The
    length is computed in double precision, where no square of a float32 overflows.

    Raises `CircuitError` for a norm that is not positive and finite.
    Source: Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks"
    (ICML 2013).

    >>> p = Parameters([Unit(0.0), Unit(0.0)], weights=[])
    >>> shortened, _ = clip_norm(1.0).update([Unit(3.0), Unit(4.0)], [], p)
    >>> [round(d.value, 3) for d in shortened]
    [0.6, 0.8]
    """
    limit = positive("clip_norm", norm)

    def update(directions: Wires, memory: Memory, parameters: Parameters) -> Next:
        if not directions:
            return [], []
        factor = limit / maximum(length(directions), limit)
        return [like(factor, d) * d for d in directions], []

    return Transform(update)


def length(wires: Wires) -> Unit:
    """The Euclidean length of all wires, at least one, as one vector, in double precision.

    >>> float(length([Unit(3.0), Unit([4.0, 0.0])]).value)
    5.0
    """
    total, *squares = [(x * x).sum() for x in map(_double, wires)]
    for square in squares:
        total = total + square
    return sqrt(total)


def like(number: Unit, x: Unit) -> Unit:
    """The number in the dtype of x."""
    return number if number.dtype == x.dtype else astype(number, x.dtype)


def _double(x: Unit) -> Unit:
    return x if x.dtype == np.float64 else astype(x, np.float64)
