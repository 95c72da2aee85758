"""The gates behind `+ - * / **`: NumPy's names, its broadcasting, and one rule for each input.

In a rule, `y` is the output, `a` and `b` are the inputs, all of them wires or all numbers. A rule
gives the derivative of y; the gradient from above is multiplied on, and broadcasting undone,
elsewhere.
"""

from typing import Any

from pullback.core.gate import built_in as gate
from pullback.gates.comparison import equal, where
from pullback.gates.elementary import floor, log

_REAL, _NOT_ZERO, _POSITIVE = (-2.0, 2.0), (0.5, 2.0), (0.1, 2.0)


@gate(partials=(lambda y, a, b: 1.0, lambda y, a, b: 1.0), symbol="+")
def add(m, a, b):
    """a + b, elementwise. Passes the gradient on to both inputs unchanged.

    >>> add(2.0, 3.0)
    5.0
    """
    return m.add(a, b)


@gate(partials=(lambda y, a, b: 1.0, lambda y, a, b: -1.0), symbol="-")
def subtract(m, a, b):
    """a - b, elementwise.

    >>> subtract(2.0, 3.0)
    -1.0
    """
    return m.subtract(a, b)


@gate(partials=(lambda y, a, b: b, lambda y, a, b: a), symbol="*")
def multiply(m, a, b):
    """a * b, elementwise. Each input is pulled with the force of the other's value.

    >>> multiply(-2.0, 3.0)
    -6.0
    """
    return m.multiply(a, b)


@gate(
    partials=(lambda y, a, b: 1.0 / b, lambda y, a, b: -y / b),
    symbol="/",
    domain=(_REAL, _NOT_ZERO),
)
def divide(m, a, b):
    """a / b, elementwise; infinite or nan where b is 0, as in NumPy.

    >>> divide(1.0, 4.0), divide(1.0, 0.0)
    (0.25, inf)
    """
    return m.divide(a, b)


def _from_whole_quotient(a: Any, b: Any) -> Any:
    """How far a / b is from the nearest whole number, where the remainder jumps."""
    return a / b - floor(a / b + 0.5)


@gate(
    partials=(lambda y, a, b: 1.0, lambda y, a, b: -floor(a / b)),
    symbol="%",
    domain=(_REAL, _NOT_ZERO),
    kinks=_from_whole_quotient,
)
def mod(m, a, b):
    """a - b * floor(a / b), elementwise: the remainder, of the sign of b; nan where b is 0.

    It jumps where a is a multiple of b; the gradient there is that on the side of the remainder.

    >>> mod(5.5, 2.0), mod(-1.0, 3.0)
    (1.5, 2.0)
    """
    return m.mod(a, b)


@gate(partials=(lambda y, x: -1.0,), symbol="-")
def negative(m, x):
    """-x, elementwise.

    >>> negative(2.0)
    -2.0
    """
    return m.negative(x)


@gate(
    partials=(
        # At n = 0 the slope is 0 also where x is 0, so the exponent must not become -1 there.
        lambda y, x, n: n * power(x, where(equal(n, 0.0), 1.0, n - 1.0)),
        # x**n answers n with y log x; at x = 0 that limit is 0, where log alone is infinite.
        lambda y, x, n: y * log(where(equal(x, 0.0), 1.0, x)),
    ),
    symbol="**",
    domain=(_POSITIVE, _REAL),
)
def power(m, x, n):
    """x to the power n, elementwise; nan where x is negative and n is not whole, as in NumPy.

    >>> power(2.0, 3.0), power(-8.0, 0.5)
    (8.0, nan)
    """
    return m.power(x, n)
