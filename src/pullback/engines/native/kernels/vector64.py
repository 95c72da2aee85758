"""In: one float64. Out: its exp, log, tanh, …, computed without a branch and without a call.

The formulas are those of `vector32` with longer polynomials; see there. Within 2 ulp.
"""

from __future__ import annotations

import math

import numpy as np

from pullback.engines.native.kernels.lower import (
    absolute,
    bits,
    copysign,
    from_bits,
    kernel,
    muladd,
    polynomial,
    select,
)

LOG2_E = 1 / math.log(2)
LN2_HIGH = 0.6931471803691238  # ln 2 cut to 32 bits
LN2_LOW = 1.9082149292705877e-10
ROUNDER = 1.5 * 2.0**52
ROUNDER_BITS = 0x4338000000000000
SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
SMALLEST_NORMAL = 2.0**-1022
LIFT, LIFT_EXPONENT = 2.0**54, 54.0

_exp_rest = polynomial(
    0.5,
    0.1666666666666667,
    0.041666666666666664,
    0.00833333333332568,
    0.0013888888888894523,
    0.00019841269875626118,
    2.4801587262025784e-05,
    2.7557255169777386e-06,
    2.755741321748876e-07,
    2.5105117803647268e-08,
    2.083485420334678e-09,
)
_log_rest = polynomial(
    0.6666666666666734,
    0.3999999999941664,
    0.28571428742028154,
    0.22222198605062085,
    0.1818356285048546,
    0.15314084876357265,
    0.14795632824750082,
)
_tanh_rest = polynomial(
    -0.33333333333332876,
    0.13333333333264683,
    -0.05396825393237376,
    0.021869487599475258,
    -0.00886322128661821,
    0.0035919913071672856,
    -0.0014549691216082154,
    0.000586348041289362,
    -0.0002286242379589267,
    7.720891157937711e-05,
    -1.6102507078345584e-05,
)


@kernel
def _power_of_two(n):
    """2^n for an int64 n from -1022 to 1023, made of its bits."""
    return from_bits((n + 1023) << 52)


@kernel
def _split_exp(x):
    """x = n ln 2 + r with |r| <= ln 2 / 2; gives n as int64 and e^r - 1."""
    shifted = muladd(x, LOG2_E, ROUNDER)
    n = shifted - ROUNDER
    r = muladd(n, -LN2_LOW, muladd(n, -LN2_HIGH, x))
    return bits(shifted) - ROUNDER_BITS, muladd(r * r, _exp_rest(r), r)


@kernel
def _bound(x, low, high):
    """x, or the bound that it passes; a NaN stays."""
    return select(x < low, low, select(x > high, high, x))


@kernel
def exp64(x):
    """e^x = 2^n e^r."""
    n, y = _split_exp(_bound(x, -746.0, 710.0))
    first = n >> 1
    return (y + 1.0) * _power_of_two(first) * _power_of_two(n - first)


@kernel
def expm1_64(x):
    """e^x - 1."""
    n, y = _split_exp(_bound(x, -40.0, 710.0))
    half = _power_of_two(n - 1)
    y = 2.0 * muladd(half, y, half - 0.5)
    return select(absolute(x) < 2.0**-54, x, y)


@kernel
def log64(x):
    """log x = e ln 2 + log(1 + f), with log(1 + f) = 2 artanh s, s = f / (2 + f)."""
    small = x < SMALLEST_NORMAL
    lifted = bits(select(small, x * LIFT, x))
    e = (lifted - SQRT_HALF_BITS) >> 52
    f = from_bits(lifted - (e << 52)) - 1.0
    exponent = np.float64(e) - select(small, LIFT_EXPONENT, 0.0)
    s = f / (2.0 + f)
    square = s * s
    half = 0.5 * f * f
    rest = muladd(s, muladd(square, _log_rest(square), half), exponent * LN2_LOW)
    y = muladd(exponent, LN2_HIGH, f - (half - rest))
    y = select(x < np.inf, y, x)
    return select(x > 0.0, y, select(x == 0.0, -np.inf, x - x + np.nan))


@kernel
def tanh64(x):
    """x + x³ P(x²) below 0.625, 1 - 2 / (1 + e^(2|x|)) above."""
    a = absolute(x)
    square = a * a
    near = muladd(a * square, _tanh_rest(square), a)
    n, y = _split_exp(_bound(a + a, 0.0, 40.0))
    power = _power_of_two(n)
    far = 1.0 - 2.0 / (muladd(power, y, power) + 1.0)
    return copysign(select(a < 0.625, near, far), x)


@kernel
def sigmoid64(x):
    """1 / (1 + e^-x), as e^x / (1 + e^x) for x < 0, and as e^x - e^x q below -1."""
    n, y = _split_exp(_bound(-absolute(x), -746.0, 0.0))
    first = n >> 1
    second = _power_of_two(n - first)
    e = y + 1.0
    lost = y - (e - 1.0)
    power = _power_of_two(first) * second
    q = select(x < 0.0, e * power, 1.0) / muladd(e, power, 1.0)
    small = (e + muladd(-e, q, lost)) * _power_of_two(first) * second
    return select(x < -1.0, small, q)
