"""In: one element of each input. Out: what a gate makes of it, by the gate's own name.

The elementary functions are in `vector.py`; these are the gates that compare and choose.
"""

from __future__ import annotations

import builtins
import math

import numpy as np

from pullback.engines.native.kernels.lower import kernel, select


@kernel
def where(condition, a, b):
    return select(condition, a, b)


@kernel
def maximum(a, b):
    return select((a >= b) | (a != a), a, b)


@kernel
def minimum(a, b):
    return select((a <= b) | (a != a), a, b)


@kernel
def abs(x):
    return builtins.abs(x)


@kernel
def sign(x):
    return np.sign(x)


@kernel
def sqrt(x):
    return math.sqrt(x)


@kernel
def power(x, n):
    return x**n


@kernel
def logical_and(a, b):
    return a & b


@kernel
def logical_or(a, b):
    return a | b


@kernel
def logical_not(a):
    return not a


FUNCTIONS = {
    function.__name__: function
    for function in (
        where,
        maximum,
        minimum,
        abs,
        sign,
        sqrt,
        power,
        logical_and,
        logical_or,
        logical_not,
    )
}
"""By the name of the gate that they compute."""
