"""The elementary functions: one number in, one number out, and a derivative given the output.

`arctan2` alone takes two, the sides of a triangle.

The values are written so that they neither overflow nor cancel where the function itself does not.
"""

import math
from typing import Any

from pullback.core.gate import built_in as gate
from pullback.gates.comparison import equal, greater, maximum, where

_POSITIVE, _REAL, _WITHIN_ONE = (0.1, 2.0), (-2.0, 2.0), (-0.9, 0.9)


@gate(partials=(lambda y, x: y,))
def exp(m, x):
    """e to the power x, elementwise.

    >>> exp(0.0), exp(1000.0)
    (1.0, inf)
    """
    return m.exp(x)


@gate(partials=(lambda y, x: y + 1.0,))
def expm1(m, x):
    """exp(x) - 1, elementwise, exact also for small x.

    >>> expm1(1e-20)
    1e-20
    """
    return m.expm1(x)


@gate(partials=(lambda y, x: 1.0 / x,), domain=(_POSITIVE,))
def log(m, x):
    """The natural logarithm of x, elementwise; -inf at 0, nan below.

    >>> log(1.0), log(0.0)
    (0.0, -inf)
    """
    return m.log(x)


@gate(partials=(lambda y, x: 1.0 / (1.0 + x),), domain=((-0.9, 2.0),))
def log1p(m, x):
    """log(1 + x), elementwise, exact also for small x.

    >>> log1p(1e-20)
    1e-20
    """
    return m.log1p(x)


@gate(partials=(lambda y, x: 1.0 / (math.log(2.0) * x),), domain=(_POSITIVE,))
def log2(m, x):
    """The logarithm of x to base 2, elementwise; -inf at 0, nan below.

    >>> log2(8.0)
    3.0
    """
    return m.log2(x)


@gate(partials=(lambda y, x: 1.0 / (math.log(10.0) * x),), domain=(_POSITIVE,))
def log10(m, x):
    """The logarithm of x to base 10, elementwise; -inf at 0, nan below.

    >>> log10(1000.0)
    3.0
    """
    return m.log10(x)


@gate(partials=(lambda y, x: x + x,))
def square(m, x):
    """x * x, elementwise.

    >>> square(-3.0)
    9.0
    """
    return m.multiply(x, x)


@gate(partials=(lambda y, x: 0.5 / y,), symbol="√", domain=(_POSITIVE,))
def sqrt(m, x):
    """The square root of x, elementwise; nan below 0. Its slope is infinite at 0.

    >>> sqrt(9.0)
    3.0
    """
    return m.sqrt(x)


@gate(partials=(lambda y, x: sign(x),), symbol="|·|", kinks=lambda x: x)
def abs(m, x):
    """The absolute value of x, elementwise. At the kink x = 0 the gradient is 0.

    >>> abs(-3.0)
    3.0
    """
    return m.abs(x)


@gate(partials=(None,), kinks=lambda x: x)
def sign(m, x):
    """-1, 0 or 1 as x is negative, zero or positive, elementwise. No gradient flows.

    >>> sign(-3.0)
    -1.0
    """
    return m.sign(x)


def _from_whole(x: Any) -> Any:
    """How far x is from the nearest whole number."""
    return x - floor(x + 0.5)


@gate(partials=(None,), kinks=_from_whole)
def floor(m, x):
    """The largest whole number that is at most x, elementwise. No gradient flows.

    >>> floor(-2.5), floor(3.0)
    (-3.0, 3.0)
    """
    return m.floor(x)


@gate(partials=(lambda y, x: cos(x),))
def sin(m, x):
    """The sine of x in radians, elementwise.

    >>> sin(0.0)
    0.0
    """
    return m.sin(x)


@gate(partials=(lambda y, x: -sin(x),))
def cos(m, x):
    """The cosine of x in radians, elementwise.

    >>> cos(0.0)
    1.0
    """
    return m.cos(x)


# (1 - x)(1 + x) has all of its digits where x is near 1, and 1 - x² has not.


@gate(partials=(lambda y, x: 1.0 / sqrt((1.0 - x) * (1.0 + x)),), domain=(_WITHIN_ONE,))
def arcsin(m, x):
    """The angle from -π/2 to π/2 whose sine is x, elementwise; nan beyond -1 and 1.

    Its slope is infinite at -1 and 1.

    >>> round(arcsin(1.0), 4)
    1.5708
    """
    return m.arcsin(x)


@gate(partials=(lambda y, x: -1.0 / sqrt((1.0 - x) * (1.0 + x)),), domain=(_WITHIN_ONE,))
def arccos(m, x):
    """The angle from 0 to π whose cosine is x, elementwise; nan beyond -1 and 1.

    Its slope is infinite at -1 and 1.

    >>> arccos(1.0)
    0.0
    """
    return m.arccos(x)


@gate(partials=(lambda y, x: 1.0 / (1.0 + x * x),))
def arctan(m, x):
    """The angle from -π/2 to π/2 whose tangent is x, elementwise.

    >>> round(arctan(1.0), 4)
    0.7854
    """
    return m.arctan(x)


def _by_square(side: Any, a: Any, b: Any) -> Any:
    """A side over the square of the distance of (a, b) from the origin; 0 at the origin."""
    square = a * a + b * b
    return side / where(equal(square, 0.0), 1.0, square)


@gate(
    partials=(lambda y, a, b: _by_square(b, a, b), lambda y, a, b: _by_square(-a, a, b)),
    domain=(_REAL, _POSITIVE),
    kinks=lambda a, b: maximum(abs(a), b),
)
def arctan2(m, a, b):
    """The angle from -π to π of the point (b, a): that whose tangent is a / b, elementwise.

    It jumps by a full turn where a changes its sign and b is negative. At the origin, which has no
    angle, the value is 0 and so are the gradients.

    >>> round(arctan2(1.0, -1.0), 4)
    2.3562
    """
    return m.arctan2(a, b)


@gate(partials=(lambda y, x: cosh(x),))
def sinh(m, x):
    """(exp(x) - exp(-x)) / 2, elementwise: the hyperbolic sine.

    >>> sinh(0.0)
    0.0
    """
    return m.sinh(x)


@gate(partials=(lambda y, x: sinh(x),))
def cosh(m, x):
    """(exp(x) + exp(-x)) / 2, elementwise: the hyperbolic cosine, the form of a hanging chain.

    >>> cosh(0.0)
    1.0
    """
    return m.cosh(x)


@gate(partials=(lambda y, x: 1.0 - y * y,))
def tanh(m, x):
    """The hyperbolic tangent of x, elementwise: squashes to between -1 and 1.

    >>> tanh(0.0)
    0.0
    """
    return m.tanh(x)


@gate(partials=(lambda y, x: y * (1.0 - y),), symbol="σ")
def sigmoid(m, x):
    """1 / (1 + exp(-x)), elementwise: squashes to between 0 and 1.

    Source: the guide, "Example: Single Neuron".

    >>> round(sigmoid(2.0), 4)
    0.8808
    """
    z = m.exp(m.multiply(m.abs(x), -1.0))  # at most 1: nothing overflows, nor do bytes wrap around
    return m.divide(m.where(m.greater_equal(x, 0.0), 1.0, z), m.add(z, 1.0))


@gate(partials=(lambda y, x: sigmoid(x),))
def softplus(m, x):
    """log(1 + exp(x)), elementwise: a smooth `relu`.

    >>> round(softplus(0.0), 4), softplus(1000.0)
    (0.6931, 1000.0)
    """
    return m.add(m.maximum(x, 0.0), m.log1p(m.exp(m.multiply(m.abs(x), -1.0))))


@gate(partials=(lambda y, x: (2.0 / math.sqrt(math.pi)) * exp(-x * x),))
def erf(m, x):
    """The error function of x, elementwise.

    >>> round(erf(1.0), 4)
    0.8427
    """
    return m.erf(x)


@gate(partials=(lambda y, x: greater(x, 0.0),), kinks=lambda x: x)
def relu(m, x):
    """max(x, 0), elementwise: the rectified linear unit. At the kink x = 0 the gradient is 0.

    Source: the guide, "Becoming a Backprop Ninja".

    >>> relu(-3.0), relu(3.0)
    (0.0, 3.0)
    """
    return m.maximum(x, 0.0)


@gate(partials=(None,), symbol="⊣")
def stop_gradient(m, x):
    """x, elementwise, through which no gradient flows: the wire is a fixed peg to what is below it.

    >>> stop_gradient(3.0)
    3.0
    """
    return x
