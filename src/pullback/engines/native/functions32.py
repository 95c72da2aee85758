"""In: numbers in single precision. Out: their exp, log, tanh, …, without a branch and a call.

So many lanes as the numbers have are computed at once. Results stay within 2 ulp of the exact ones
for every one of the 2^32 arguments; infinities, NaN, -0, overflow and denormal numbers come out as
in NumPy. The coefficients are our own minimax fits: `tests/engines/native/fit_polynomials.py` finds
them again.
"""

from __future__ import annotations

import math
from typing import Any

from pullback.engines.native.code import Code, Number

LOG2_E = 1 / math.log(2)
LN2_HIGH = 0.693145751953125  # ln 2 cut to 16 bits: times any exponent it is exact
LN2_LOW = math.log(2) - LN2_HIGH
ROUNDER = 1.5 * 2**23  # adding it leaves no room for a fraction: the last bits are an integer
ROUNDER_BITS = 0x4B400000
SQRT_HALF_BITS = 0x3F3504F3
SMALLEST_NORMAL = 2.0**-126

EXP = (0.5, 0.16666515171527863, 0.04166658595204353, 0.008369323797523975, 0.001392096048220992)
LOG = (
    0.33333316445350647, -0.25000810623168945, 0.2000231146812439, -0.16624568402767181,
    0.14180651307106018, -0.13127881288528442, 0.12885832786560059, -0.07868688553571701,
)  # fmt: skip
TANH = (
    -0.3333328366279602, 0.1333148330450058, -0.053742773830890656, 0.020648062229156494,
    -0.005714063532650471,
)  # fmt: skip
ERF = (
    0.12837916612625122, -0.3761262893676758, 0.11283618211746216, -0.02685512602329254,
    0.005190733354538679, -0.0008030750323086977, 7.920303323771805e-05,
)  # fmt: skip
ERFC_EXPONENT = (
    1.1284712553024292, 0.6360663175582886, 0.1042274758219719, -0.021315662190318108,
    0.001840848010033369, 0.0004966430133208632, -0.00021277429186739028, 3.348848258610815e-05,
    -2.08194228434877e-06,
)  # fmt: skip


def polynomial(k: Code, x: Number, coefficients: tuple[float, ...]) -> Number:
    """sum(c * x**i), lowest power first."""
    y: Any = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        y = k.muladd(x, y, c)
    return y


def bound(k: Code, x: Number, low: float, high: float) -> Number:
    """x, or the bound that it passes; a NaN stays."""
    return k.select(x < low, low, k.select(x > high, high, x))


def _power_of_two(k: Code, n: Number) -> Number:
    """2^n for a whole n from -126 to 127, made of its bits."""
    return k.bits((n + 127) << 23, "f4")


def _split_exp(k: Code, x: Number) -> tuple[Number, Number]:
    """x = n ln 2 + r with |r| <= ln 2 / 2; gives n, whole, and e^r - 1."""
    shifted = k.muladd(x, LOG2_E, ROUNDER)
    n = shifted - ROUNDER
    r = k.muladd(n, -LN2_LOW, k.muladd(n, -LN2_HIGH, x))
    return k.bits(shifted, "i4") - ROUNDER_BITS, k.muladd(r * r, polynomial(k, r, EXP), r)


def exp(k: Code, x: Number) -> Number:
    """e^x = 2^n e^r; 2^n enters as two factors, so that denormal results are rounded once."""
    n, y = _split_exp(k, bound(k, x, -104, 89))
    first = n >> 1
    return (y + 1.0) * _power_of_two(k, first) * _power_of_two(k, n - first)


def expm1(k: Code, x: Number) -> Number:
    """e^x - 1 = 2 (2^(n-1) (e^r - 1) + (2^(n-1) - 1/2)), exact to the last bit near 0."""
    n, y = _split_exp(k, bound(k, x, -18, 89))
    half = _power_of_two(k, n - 1)
    y = 2.0 * k.muladd(half, y, half - 0.5)
    return k.select(k.intrinsic("fabs", x) < 2.0**-25, x, y)


def _split_log(k: Code, x: Number) -> tuple[Number, Number]:
    """x = 2^e m with m from sqrt(1/2) to sqrt(2), for a normal x > 0; e is whole."""
    whole = k.bits(x, "i4")
    e = (whole - SQRT_HALF_BITS) >> 23
    return e, k.bits(whole - (e << 23), "f4")


def _join_log(k: Code, e: Number, f: Number) -> Number:
    """e ln 2 + log(1 + f), where log(1 + f) = f - f²/2 + f³ P(f)."""
    square = f * f
    rest = k.muladd(f * square, polynomial(k, f, LOG), e * LN2_LOW)
    return k.muladd(e, LN2_HIGH, f + k.muladd(square, -0.5, rest))


def log(k: Code, x: Number) -> Number:
    """log x; -inf at 0, NaN below."""
    small = x < SMALLEST_NORMAL
    e, m = _split_log(k, k.select(small, x * 2.0**25, x))
    y = _join_log(k, k.convert(e, "f4") - k.select(small, k.like(25.0, x), 0.0), m - 1.0)
    y = k.select(x < math.inf, y, x)
    return k.select(x > 0.0, y, k.select(x == 0.0, -math.inf, x - x + math.nan))


def log1p(k: Code, x: Number) -> Number:
    """log(1 + x): what 1 + x loses by rounding is kept and added to the mantissa."""
    u = x + 1.0
    lost = x - (u - 1.0)
    e, m = _split_log(k, u)
    f = (m - 1.0) + k.select(e < 64, lost * _power_of_two(k, -e), 0.0)
    y = k.select(x < math.inf, _join_log(k, k.convert(e, "f4"), f), x)
    y = k.select(x > -1.0, y, k.select(x == -1.0, -math.inf, x - x + math.nan))
    return k.select(k.intrinsic("fabs", x) < 2.0**-25, x, y)


def tanh(k: Code, x: Number) -> Number:
    """x + x³ P(x²) below 0.625, 1 - 2 / (1 + e^(2|x|)) above."""
    a = k.intrinsic("fabs", x)
    square = a * a
    near = k.muladd(a * square, polynomial(k, square, TANH), a)
    n, y = _split_exp(k, bound(k, a + a, 0.0, 20.0))
    power = _power_of_two(k, n)
    far = 1.0 - 2.0 / (k.muladd(power, y, power) + 1.0)
    return k.intrinsic("copysign", k.select(a < 0.625, near, far), x)


def sigmoid(k: Code, x: Number) -> Number:
    """1 / (1 + e^-x), as e^x / (1 + e^x) for x < 0: small results keep all their digits.

    Below -1 the rounding errors of e^x and of the division would add up, so there the result is
    e^x - e^x q, where the quotient q is small and its error smaller still.
    """
    n, y = _split_exp(k, bound(k, -k.intrinsic("fabs", x), -104.0, 0.0))
    first = n >> 1
    second = _power_of_two(k, n - first)
    e = y + 1.0
    lost = y - (e - 1.0)
    power = _power_of_two(k, first) * second
    q = k.select(x < 0.0, e * power, 1.0) / k.muladd(e, power, 1.0)
    small = (e + k.muladd(-e, q, lost)) * _power_of_two(k, first) * second
    return k.select(x < -1.0, small, q)


def softplus(k: Code, x: Number) -> Number:
    """log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)."""
    rest = log1p(k, exp(k, -k.intrinsic("fabs", x)))
    return rest + k.select(x < 0.0, 0.0, x)


def erf(k: Code, x: Number) -> Number:
    """The error function: x + x P(x²) below 1, 1 - e^(-x Q(x)) above."""
    a = k.intrinsic("fabs", x)
    near = k.muladd(a, polynomial(k, a * a, ERF), a)
    b = bound(k, a, 0.0, 4.0)
    n, y = _split_exp(k, -b * polynomial(k, b, ERFC_EXPONENT))
    power = _power_of_two(k, n)
    far = 1.0 - k.muladd(power, y, power)
    return k.intrinsic("copysign", k.select(a < 1.0, near, far), x)


# 2/pi in pieces of 28 bits, each times a float32 is exact in double precision.
_DIGITS = (0xA2F9836, 0xE4E4415, 0x29FC275, 0x7D1F534, 0xDDC0DB6, 0x295993C, 0x439041F)
PIECES = tuple(d * 2.0 ** (-28 * (i + 1)) for i, d in enumerate(_DIGITS))
HALF_PI = math.pi / 2
SIN = (-0.16666655242443085, 0.008332191035151482, -0.00019518598855938762)
COS = (0.04166664555668831, -0.00138873013202101, 2.4430670237052254e-05)


def _turns(k: Code, x: Number) -> tuple[Number, Number]:
    """x = (q + f) pi/2 with |f| <= 1/2 and q from 0 to 3, in double: quarter turns, any x.

    A product of x and a piece of 2/pi that is a multiple of 4 for the size of x counts whole
    turns, so only four pieces in a row matter (Payne and Hanek 1983).
    """
    a, wide = k.intrinsic("fabs", x), k.convert(x, "f8")
    medium, large, huge = a >= 2.0**53, a >= 2.0**81, a >= 2.0**109

    def piece(i: int) -> Number:
        far = k.select(huge, k.like(PIECES[i + 3], wide), PIECES[i + 2])
        return wide * k.select(large, far, k.select(medium, k.like(PIECES[i + 1], wide), PIECES[i]))

    def rint(y: Number) -> Number:
        return k.intrinsic("rint", y)

    first, second, third, fourth = (piece(i) for i in range(4))
    q = rint(first)
    f = (first - q) + (second - 4.0 * rint(0.25 * second))
    more = rint(f)
    f = (f - more) + (third + fourth)
    last = rint(f)
    q = (q - 4.0 * rint(0.25 * q)) + more + last
    q = q - 4.0 * k.intrinsic("floor", 0.25 * q)
    return q, k.convert((f - last) * HALF_PI, "f4")


def _quarter(k: Code, q: Number, r: Number) -> Number:
    """The sine of q quarter turns and r."""
    square = r * r
    sine = k.muladd(r * square, polynomial(k, square, SIN), r)
    rest = k.muladd(square, -0.5, 1.0)
    cosine = k.muladd(square * square, polynomial(k, square, COS), rest)
    y = k.select((q == 1.0) | (q == 3.0), cosine, sine)
    return k.select(q >= 2.0, -y, y)


def sin(k: Code, x: Number) -> Number:
    """sin x, for arguments of any size; NaN at the infinities."""
    q, r = _turns(k, x)
    return k.select(k.intrinsic("fabs", x) < 2.0**-13, x, _quarter(k, q, r))


def cos(k: Code, x: Number) -> Number:
    """cos x, for arguments of any size; NaN at the infinities."""
    q, r = _turns(k, x)
    return _quarter(k, k.select(q == 3.0, 0.0, q + 1.0), r)
