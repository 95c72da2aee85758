"""In: numbers in double precision. Out: their exp, log, tanh, …, without a branch and a call.

The formulas are those of `functions32` with longer polynomials; see there. Within 2 ulp. sin, cos,
log1p and erf are the C library's, lane by lane.
"""

from __future__ import annotations

import math

from pullback.engines.native.code import Code, Number
from pullback.engines.native.functions32 import bound, polynomial

LOG2_E = 1 / math.log(2)
LN2_HIGH = 0.6931471803691238  # ln 2 cut to 32 bits
LN2_LOW = 1.9082149292705877e-10
ROUNDER = 1.5 * 2.0**52
ROUNDER_BITS = 0x4338000000000000
SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
SMALLEST_NORMAL = 2.0**-1022

EXP = (
    0.5, 0.1666666666666667, 0.041666666666666664, 0.00833333333332568, 0.0013888888888894523,
    0.00019841269875626118, 2.4801587262025784e-05, 2.7557255169777386e-06, 2.755741321748876e-07,
    2.5105117803647268e-08, 2.083485420334678e-09,
)  # fmt: skip
LOG = (
    0.6666666666666734, 0.3999999999941664, 0.28571428742028154, 0.22222198605062085,
    0.1818356285048546, 0.15314084876357265, 0.14795632824750082,
)  # fmt: skip
TANH = (
    -0.33333333333332876, 0.13333333333264683, -0.05396825393237376, 0.021869487599475258,
    -0.00886322128661821, 0.0035919913071672856, -0.0014549691216082154, 0.000586348041289362,
    -0.0002286242379589267, 7.720891157937711e-05, -1.6102507078345584e-05,
)  # fmt: skip


def _power_of_two(k: Code, n: Number) -> Number:
    """2^n for a whole n from -1022 to 1023, made of its bits."""
    return k.bits((n + 1023) << 52, "f8")


def _split_exp(k: Code, x: Number) -> tuple[Number, Number]:
    """x = n ln 2 + r with |r| <= ln 2 / 2; gives n, whole, and e^r - 1."""
    shifted = k.muladd(x, LOG2_E, ROUNDER)
    n = shifted - ROUNDER
    r = k.muladd(n, -LN2_LOW, k.muladd(n, -LN2_HIGH, x))
    return k.bits(shifted, "i8") - ROUNDER_BITS, k.muladd(r * r, polynomial(k, r, EXP), r)


def exp(k: Code, x: Number) -> Number:
    """e^x = 2^n e^r."""
    n, y = _split_exp(k, bound(k, x, -746.0, 710.0))
    first = n >> 1
    return (y + 1.0) * _power_of_two(k, first) * _power_of_two(k, n - first)


def expm1(k: Code, x: Number) -> Number:
    """e^x - 1."""
    n, y = _split_exp(k, bound(k, x, -40.0, 710.0))
    half = _power_of_two(k, n - 1)
    y = 2.0 * k.muladd(half, y, half - 0.5)
    return k.select(k.intrinsic("fabs", x) < 2.0**-54, x, y)


def log(k: Code, x: Number) -> Number:
    """log x = e ln 2 + log(1 + f), with log(1 + f) = 2 artanh s, s = f / (2 + f)."""
    small = x < SMALLEST_NORMAL
    lifted = k.bits(k.select(small, x * 2.0**54, x), "i8")
    e = (lifted - SQRT_HALF_BITS) >> 52
    f = k.bits(lifted - (e << 52), "f8") - 1.0
    exponent = k.convert(e, "f8") - k.select(small, k.like(54.0, x), 0.0)
    s = f / (f + 2.0)
    square = s * s
    half = 0.5 * f * f
    rest = k.muladd(s, k.muladd(square, polynomial(k, square, LOG), half), exponent * LN2_LOW)
    y = k.muladd(exponent, LN2_HIGH, f - (half - rest))
    y = k.select(x < math.inf, y, x)
    return k.select(x > 0.0, y, k.select(x == 0.0, -math.inf, x - x + math.nan))


def tanh(k: Code, x: Number) -> Number:
    """x + x³ P(x²) below 0.625, 1 - 2 / (1 + e^(2|x|)) above."""
    a = k.intrinsic("fabs", x)
    square = a * a
    near = k.muladd(a * square, polynomial(k, square, TANH), a)
    n, y = _split_exp(k, bound(k, a + a, 0.0, 40.0))
    power = _power_of_two(k, n)
    far = 1.0 - 2.0 / (k.muladd(power, y, power) + 1.0)
    return k.intrinsic("copysign", k.select(a < 0.625, near, far), x)


def sigmoid(k: Code, x: Number) -> Number:
    """1 / (1 + e^-x), as e^x / (1 + e^x) for x < 0, and as e^x - e^x q below -1."""
    n, y = _split_exp(k, bound(k, -k.intrinsic("fabs", x), -746.0, 0.0))
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


def sin(k: Code, x: Number) -> Number:
    return k.each("sin", x)


def cos(k: Code, x: Number) -> Number:
    return k.each("cos", x)


def log1p(k: Code, x: Number) -> Number:
    return k.each("log1p", x)


def erf(k: Code, x: Number) -> Number:
    return k.each("erf", x)
