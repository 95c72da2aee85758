"""In: one number. Out: its exp, log, tanh, …, computed without a branch and without a call.

A loop that calls these becomes vector code, because LLVM sees nothing but arithmetic, which no
call into the C library allows. float32 stays within 2 ulp of the exact result for every one of
the 2^32 arguments; infinities, NaN, -0, overflow and denormal numbers come out as in NumPy. The
coefficients are our own minimax fits: `tests/engines/kernels/fit_polynomials.py` finds them again.

>>> import numpy as np
>>> exp32(np.float32(0.0))
1.0
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
    rint,
    select,
)

F, I = np.float32, np.int32

ZERO, HALF, ONE, TWO = F(0), F(0.5), F(1), F(2)
INFINITY, NAN = F(np.inf), F(np.nan)
LOG2_E = F(1 / math.log(2))
LN2_HIGH = F(0.693145751953125)  # ln 2 cut to 16 bits: times any exponent it is exact
LN2_LOW = F(math.log(2) - 0.693145751953125)
ROUNDER = F(1.5 * 2**23)  # adding it leaves no room for a fraction: the last bits are an integer
ROUNDER_BITS = I(0x4B400000)
SQRT_HALF_BITS = I(0x3F3504F3)
SMALLEST_NORMAL = F(2.0**-126)
LIFT, LIFT_EXPONENT = F(2.0**25), F(25)

_exp_rest = polynomial(
    0.5, 0.16666515171527863, 0.04166658595204353, 0.008369323797523975, 0.001392096048220992
)
_log_rest = polynomial(
    0.33333316445350647,
    -0.25000810623168945,
    0.2000231146812439,
    -0.16624568402767181,
    0.14180651307106018,
    -0.13127881288528442,
    0.12885832786560059,
    -0.07868688553571701,
)
_tanh_rest = polynomial(
    -0.3333328366279602,
    0.1333148330450058,
    -0.053742773830890656,
    0.020648062229156494,
    -0.005714063532650471,
)
_erf_rest = polynomial(
    0.12837916612625122,
    -0.3761262893676758,
    0.11283618211746216,
    -0.02685512602329254,
    0.005190733354538679,
    -0.0008030750323086977,
    7.920303323771805e-05,
)
_erfc_exponent = polynomial(
    1.1284712553024292,
    0.6360663175582886,
    0.1042274758219719,
    -0.021315662190318108,
    0.001840848010033369,
    0.0004966430133208632,
    -0.00021277429186739028,
    3.348848258610815e-05,
    -2.08194228434877e-06,
)


@kernel
def _power_of_two(n):
    """2^n for an int32 n from -126 to 127, made of its bits."""
    return from_bits(I((n + I(127)) << I(23)))


@kernel
def _split_exp(x):
    """x = n ln 2 + r with |r| <= ln 2 / 2; gives n as int32 and e^r - 1."""
    shifted = muladd(x, LOG2_E, ROUNDER)
    n = shifted - ROUNDER
    r = muladd(n, -LN2_LOW, muladd(n, -LN2_HIGH, x))
    return I(bits(shifted) - ROUNDER_BITS), muladd(r * r, _exp_rest(r), r)


@kernel
def _bound(x, low, high):
    """x, or the bound that it passes; a NaN stays."""
    return select(x < low, low, select(x > high, high, x))


@kernel
def exp32(x):
    """e^x = 2^n e^r; 2^n enters as two factors, so that denormal results are rounded once."""
    n, y = _split_exp(_bound(x, F(-104), F(89)))
    first = I(n >> I(1))
    return (y + ONE) * _power_of_two(first) * _power_of_two(I(n - first))


@kernel
def expm1_32(x):
    """e^x - 1 = 2 (2^(n-1) (e^r - 1) + (2^(n-1) - 1/2)), exact to the last bit near 0."""
    n, y = _split_exp(_bound(x, F(-18), F(89)))
    half = _power_of_two(I(n - I(1)))
    y = TWO * muladd(half, y, half - HALF)
    return select(absolute(x) < F(2.0**-25), x, y)


@kernel
def _split_log(x):
    """x = 2^e m with m from sqrt(1/2) to sqrt(2), for a normal x > 0; e as int32."""
    whole = bits(x)
    e = I(I(whole - SQRT_HALF_BITS) >> I(23))
    return e, from_bits(I(whole - I(e << I(23))))


@kernel
def _join_log(e, f):
    """e ln 2 + log(1 + f), where log(1 + f) = f - f²/2 + f³ P(f)."""
    square = f * f
    rest = muladd(f * square, _log_rest(f), e * LN2_LOW)
    return muladd(e, LN2_HIGH, f + muladd(-HALF, square, rest))


@kernel
def log32(x):
    """log x; -inf at 0, NaN below."""
    small = x < SMALLEST_NORMAL
    e, m = _split_log(select(small, x * LIFT, x))
    y = _join_log(F(e) - select(small, LIFT_EXPONENT, ZERO), m - ONE)
    y = select(x < INFINITY, y, x)
    return select(x > ZERO, y, select(x == ZERO, -INFINITY, x - x + NAN))


@kernel
def log1p32(x):
    """log(1 + x): what 1 + x loses by rounding is kept and added to the mantissa."""
    u = ONE + x
    lost = x - (u - ONE)
    e, m = _split_log(u)
    f = (m - ONE) + select(e < I(64), lost * _power_of_two(I(-e)), ZERO)
    y = select(x < INFINITY, _join_log(F(e), f), x)
    y = select(x > -ONE, y, select(x == -ONE, -INFINITY, x - x + NAN))
    return select(absolute(x) < F(2.0**-25), x, y)


@kernel
def tanh32(x):
    """x + x³ P(x²) below 0.625, 1 - 2 / (1 + e^(2|x|)) above."""
    a = absolute(x)
    square = a * a
    near = muladd(a * square, _tanh_rest(square), a)
    n, y = _split_exp(_bound(a + a, ZERO, F(20)))
    power = _power_of_two(n)
    far = ONE - TWO / (muladd(power, y, power) + ONE)
    return copysign(select(a < F(0.625), near, far), x)


@kernel
def sigmoid32(x):
    """1 / (1 + e^-x), as e^x / (1 + e^x) for x < 0: small results keep all their digits.

    Below -1 the rounding errors of e^x and of the division would add up, so there the result is
    e^x - e^x q, where the quotient q is small and its error smaller still.
    """
    n, y = _split_exp(_bound(-absolute(x), F(-104), ZERO))
    first = I(n >> I(1))
    second = _power_of_two(I(n - first))
    e = y + ONE
    lost = y - (e - ONE)
    power = _power_of_two(first) * second
    q = select(x < ZERO, e * power, ONE) / muladd(e, power, ONE)
    small = (e + muladd(-e, q, lost)) * _power_of_two(first) * second
    return select(x < -ONE, small, q)


@kernel
def softplus32(x):
    """log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)."""
    return log1p32(exp32(-absolute(x))) + select(x < ZERO, ZERO, x)


@kernel
def erf32(x):
    """The error function: x + x P(x²) below 1, 1 - e^(-x Q(x)) above."""
    a = absolute(x)
    near = muladd(a, _erf_rest(a * a), a)
    b = _bound(a, ZERO, F(4))
    n, y = _split_exp(-b * _erfc_exponent(b))
    power = _power_of_two(n)
    far = ONE - muladd(power, y, power)
    return copysign(select(a < ONE, near, far), x)


# 2/pi in pieces of 28 bits, each times a float32 is exact in double precision.
_DIGITS = (0xA2F9836, 0xE4E4415, 0x29FC275, 0x7D1F534, 0xDDC0DB6, 0x295993C, 0x439041F)
P0, P1, P2, P3, P4, P5, P6 = (d * 2.0 ** (-28 * (k + 1)) for k, d in enumerate(_DIGITS))
HALF_PI = math.pi / 2

_sin_rest = polynomial(-0.16666655242443085, 0.008332191035151482, -0.00019518598855938762)
_cos_rest = polynomial(0.04166664555668831, -0.00138873013202101, 2.4430670237052254e-05)


@kernel
def _turns(x):
    """x = (q + f) pi/2 with |f| <= 1/2 and q from 0 to 3 (as float64): quarter turns, any x.

    A product of x and a piece of 2/pi that is a multiple of 4 for the size of x counts whole
    turns, so only four pieces in a row matter (Payne and Hanek 1983).
    """
    a = absolute(x)
    medium, large, huge = a >= F(2.0**53), a >= F(2.0**81), a >= F(2.0**109)
    wide = np.float64(x)
    first = wide * select(huge, P3, select(large, P2, select(medium, P1, P0)))
    second = wide * select(huge, P4, select(large, P3, select(medium, P2, P1)))
    third = wide * select(huge, P5, select(large, P4, select(medium, P3, P2)))
    fourth = wide * select(huge, P6, select(large, P5, select(medium, P4, P3)))
    q = rint(first)
    f = (first - q) + (second - 4.0 * rint(0.25 * second))
    more = rint(f)
    f = (f - more) + (third + fourth)
    last = rint(f)
    q = (q - 4.0 * rint(0.25 * q)) + more + last
    return q - 4.0 * np.floor(0.25 * q), F((f - last) * HALF_PI)


@kernel
def _quarter(q, r):
    """The sine of q quarter turns and r."""
    square = r * r
    sine = muladd(r * square, _sin_rest(square), r)
    cosine = muladd(square * square, _cos_rest(square), muladd(-HALF, square, ONE))
    y = select((q == 1.0) | (q == 3.0), cosine, sine)
    return select(q >= 2.0, -y, y)


@kernel
def sin32(x):
    """sin x, for arguments of any size; NaN at the infinities."""
    q, r = _turns(x)
    return select(absolute(x) < F(2.0**-13), x, _quarter(q, r))


@kernel
def cos32(x):
    """cos x, for arguments of any size; NaN at the infinities."""
    q, r = _turns(x)
    return _quarter(select(q == 3.0, 0.0, q + 1.0), r)
