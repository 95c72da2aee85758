"""In: floats. Out: their exp, log, tanh, …, without a branch and without a call.

So many lanes as the numbers have are computed at once. Single precision stays within 2 ulp of the
exact result for every one of the 2^32 arguments, and double precision within 2 ulp; infinities,
NaN, -0, overflow and denormal numbers come out as in NumPy. The coefficients are our own minimax
fits: `tests/engines/native/fit_polynomials.py` finds them again. In double precision log1p and erf,
and sin and cos of arguments beyond FAR, are the C library's, lane by lane; so is what networks
seldom need, see `LIBRARY`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pullback.engines.native.code import Code
from pullback.engines.native.number import SIZES, Number

LOG2_E = 1 / math.log(2)
LIBRARY = {
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "sinh": "sinh",
    "cosh": "cosh",
    "log2": "log2",
    "log10": "log10",
}
"""Functions that are the C library's, and what it calls them."""


@dataclass(frozen=True)
class Precision:
    """What formulas need to know of a kind of float.

    `whole` is the kind of whole number as wide, `digits` the bits behind the point, `bias` that of
    the exponent, `smallest` the least argument whose exp is not 0 and `largest` the first whose exp
    is infinite. `ln2` is ln 2 in two parts, the first short enough to be exact times any exponent;
    below `near` in size expm1 x is x; beyond `flat` expm1 is -1 and tanh is 1. Coefficients stand
    with the lowest power first.
    """

    kind: str
    whole: str
    digits: int
    bias: int
    smallest: float
    largest: float
    ln2: tuple[float, float]
    near: float
    flat: float
    sqrt_half_bits: int
    exp: tuple[float, ...]
    tanh: tuple[float, ...]

    @property
    def rounder(self) -> float:
        """Adding it leaves no room for a fraction: the last bits are a whole number."""
        return 1.5 * 2.0**self.digits

    @property
    def rounder_bits(self) -> int:
        return ((self.bias + self.digits) << self.digits) + (1 << self.digits - 1)


SINGLE = Precision(
    kind="f4", whole="i4", digits=23, bias=127, smallest=-104.0, largest=89.0,
    ln2=(0.693145751953125, math.log(2) - 0.693145751953125), near=2.0**-25, flat=18.0,
    sqrt_half_bits=0x3F3504F3,
    exp=(0.5, 0.16666515171527863, 0.04166658595204353, 0.008369323797523975, 0.001392096048220992),
    tanh=(
        -0.3333328366279602, 0.1333148330450058, -0.053742773830890656, 0.020648062229156494,
        -0.005714063532650471,
    ),
)  # fmt: skip
DOUBLE = Precision(
    kind="f8", whole="i8", digits=52, bias=1023, smallest=-746.0, largest=710.0,
    ln2=(0.6931471803691238, 1.9082149292705877e-10), near=2.0**-54, flat=40.0,
    sqrt_half_bits=0x3FE6A09E667F3BCD,
    exp=(
        0.5, 0.1666666666666667, 0.041666666666666664, 0.00833333333332568, 0.0013888888888894523,
        0.00019841269875626118, 2.4801587262025784e-05, 2.7557255169777386e-06,
        2.755741321748876e-07, 2.5105117803647268e-08, 2.083485420334678e-09,
    ),
    tanh=(
        -0.33333333333332876, 0.13333333333264683, -0.05396825393237376, 0.021869487599475258,
        -0.00886322128661821, 0.0035919913071672856, -0.0014549691216082154, 0.000586348041289362,
        -0.0002286242379589267, 7.720891157937711e-05, -1.6102507078345584e-05,
    ),
)  # fmt: skip

LOG_SINGLE = (
    0.33333316445350647, -0.25000810623168945, 0.2000231146812439, -0.16624568402767181,
    0.14180651307106018, -0.13127881288528442, 0.12885832786560059, -0.07868688553571701,
)  # fmt: skip
LOG_DOUBLE = (
    0.6666666666666734, 0.3999999999941664, 0.28571428742028154, 0.22222198605062085,
    0.1818356285048546, 0.15314084876357265, 0.14795632824750082,
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


def from_library(k: Code, name: str, *xs: Number) -> Number:
    """A function of the C library, which knows most of them in double precision alone."""
    y = k.each(LIBRARY[name], *(k.convert(x, "f8") for x in xs))
    return k.convert(y, xs[0].kind)


def precision_of(x: Number) -> Precision:
    return SINGLE if x.kind == "f4" else DOUBLE


def polynomial(k: Code, x: Number, coefficients: tuple[float, ...]) -> Number:
    """sum(c * x**i), lowest power first."""
    y = k.like(coefficients[-1], x)
    for c in reversed(coefficients[:-1]):
        y = k.muladd(x, y, c)
    return y


def size(k: Code, x: Number) -> Number:
    """|x|."""
    return k.intrinsic("fabs", x)


def _bound(k: Code, x: Number, low: float, high: float) -> Number:
    """x, or the bound that it passes; a NaN stays."""
    return k.select(x < low, low, k.select(x > high, high, x))


def _power_of_two(k: Code, n: Number, p: Precision) -> Number:
    """2^n for a whole n that is a normal number's exponent, made of its bits."""
    return k.bits((n + p.bias) << p.digits, p.kind)


def _split_exp(k: Code, x: Number, p: Precision) -> tuple[Number, Number]:
    """x = n ln 2 + r with |r| <= ln 2 / 2; gives n, whole, and e^r - 1."""
    shifted = k.muladd(x, LOG2_E, p.rounder)
    n = shifted - p.rounder
    r = k.muladd(n, -p.ln2[1], k.muladd(n, -p.ln2[0], x))
    return k.bits(shifted, p.whole) - p.rounder_bits, k.muladd(r * r, polynomial(k, r, p.exp), r)


def exp(k: Code, x: Number) -> Number:
    """e^x = 2^n e^r; 2^n enters as two factors, so that denormal results are rounded once.

    What becomes 0 is not multiplied down to it: a product that underflows takes many times as long,
    and a softmax is full of them where it is masked.
    """
    p = precision_of(x)
    vanishes = x < p.smallest
    n, y = _split_exp(k, k.select(vanishes, 0.0, k.select(x > p.largest, p.largest, x)), p)
    first = n >> 1
    y = (y + 1.0) * _power_of_two(k, first, p) * _power_of_two(k, n - first, p)
    return k.select(vanishes, 0.0, y)


def expm1(k: Code, x: Number) -> Number:
    """e^x - 1 = 2 (2^(n-1) (e^r - 1) + (2^(n-1) - 1/2)), exact to the last bit near 0."""
    p = precision_of(x)
    n, y = _split_exp(k, _bound(k, x, -p.flat, p.largest), p)
    half = _power_of_two(k, n - 1, p)
    y = 2.0 * k.muladd(half, y, half - 0.5)
    return k.select(size(k, x) < p.near, x, y)


def tanh(k: Code, x: Number) -> Number:
    """x + x³ P(x²) below 0.625, 1 - 2 / (1 + e^(2|x|)) above."""
    p, a = precision_of(x), size(k, x)
    square = a * a
    near = k.muladd(a * square, polynomial(k, square, p.tanh), a)
    n, y = _split_exp(k, _bound(k, a + a, 0.0, p.flat + 2.0), p)
    power = _power_of_two(k, n, p)
    far = 1.0 - 2.0 / (k.muladd(power, y, power) + 1.0)
    return k.intrinsic("copysign", k.select(a < 0.625, near, far), x)


def sigmoid(k: Code, x: Number) -> Number:
    """1 / (1 + e^-x), as e^x / (1 + e^x) for x < 0: small results keep all their digits.

    Below -1 the rounding errors of e^x and of the division would add up, so there the result is
    e^x - e^x q, where the quotient q is small and its error smaller still.
    """
    p = precision_of(x)
    n, y = _split_exp(k, _bound(k, -size(k, x), p.smallest, 0.0), p)
    first = n >> 1
    second = _power_of_two(k, n - first, p)
    e = y + 1.0
    lost = y - (e - 1.0)
    power = _power_of_two(k, first, p) * second
    q = k.select(x < 0.0, e * power, 1.0) / k.muladd(e, power, 1.0)
    small = (e + k.muladd(-e, q, lost)) * _power_of_two(k, first, p) * second
    return k.select(x < -1.0, small, q)


def softplus(k: Code, x: Number) -> Number:
    """log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)."""
    return log1p(k, exp(k, -size(k, x))) + k.select(x < 0.0, 0.0, x)


# Logarithms --------------------------------------------------------------------------------------


def _split_log(k: Code, x: Number, p: Precision) -> tuple[Number, Number]:
    """x = 2^e m with m from sqrt(1/2) to sqrt(2), for a normal x > 0; e is whole."""
    whole = k.bits(x, p.whole)
    e = (whole - p.sqrt_half_bits) >> p.digits
    return e, k.bits(whole - (e << p.digits), p.kind)


def _join_log(k: Code, e: Number, f: Number) -> Number:
    """e ln 2 + log(1 + f)."""
    high, low = precision_of(f).ln2
    if f.kind == "f4":  # f - f²/2 + f³ P(f)
        square = f * f
        rest = k.muladd(f * square, polynomial(k, f, LOG_SINGLE), e * low)
        return k.muladd(e, high, f + k.muladd(square, -0.5, rest))
    s = f / (f + 2.0)  # log(1 + f) = 2 artanh s
    square, half = s * s, 0.5 * f * f
    rest = k.muladd(s, k.muladd(square, polynomial(k, square, LOG_DOUBLE), half), e * low)
    return k.muladd(e, high, f - (half - rest))


def _ends(k: Code, x: Number, y: Number, zero: float) -> Number:
    """y = log(x - zero), with what it is at 0, below, at infinity and at NaN."""
    y = k.select(x < math.inf, y, x)
    return k.select(x > zero, y, k.select(x == zero, -math.inf, x - x + math.nan))


def log(k: Code, x: Number) -> Number:
    """log x; -inf at 0, NaN below. A denormal x is lifted into the normal numbers first."""
    p = precision_of(x)
    small, lift = x < 2.0 ** (1 - p.bias), p.digits + 2.0
    e, m = _split_log(k, k.select(small, x * 2.0**lift, x), p)
    exponent = k.convert(e, p.kind) - k.select(small, k.like(lift, x), 0.0)
    return _ends(k, x, _join_log(k, exponent, m - 1.0), 0.0)


def log1p(k: Code, x: Number) -> Number:
    """log(1 + x): what 1 + x loses by rounding is kept and added to the mantissa."""
    if x.kind == "f8":
        return k.each("log1p", x)
    u = x + 1.0
    lost = x - (u - 1.0)
    e, m = _split_log(k, u, SINGLE)
    f = (m - 1.0) + k.select(e < 64, lost * _power_of_two(k, -e, SINGLE), 0.0)
    y = _ends(k, x, _join_log(k, k.convert(e, "f4"), f), -1.0)
    return k.select(size(k, x) < SINGLE.near, x, y)


def erf(k: Code, x: Number) -> Number:
    """The error function: x + x P(x²) below 1, 1 - e^(-x Q(x)) above."""
    if x.kind == "f8":
        return k.each("erf", x)
    a = size(k, x)
    near = k.muladd(a, polynomial(k, a * a, ERF), a)
    b = _bound(k, a, 0.0, 4.0)
    n, y = _split_exp(k, -b * polynomial(k, b, ERFC_EXPONENT), SINGLE)
    power = _power_of_two(k, n, SINGLE)
    far = 1.0 - k.muladd(power, y, power)
    return k.intrinsic("copysign", k.select(a < 1.0, near, far), x)


# Angles ------------------------------------------------------------------------------------------

# 2/pi in pieces of 28 bits, each times a float32 is exact in double precision.
_DIGITS = (0xA2F9836, 0xE4E4415, 0x29FC275, 0x7D1F534, 0xDDC0DB6, 0x295993C, 0x439041F)
PIECES = tuple(d * 2.0 ** (-28 * (i + 1)) for i, d in enumerate(_DIGITS))
HALF_PI = math.pi / 2
SIN_SINGLE = (-0.16666655242443085, 0.008332191035151482, -0.00019518598855938762)
COS_SINGLE = (0.04166664555668831, -0.00138873013202101, 2.4430670237052254e-05)
SIN_DOUBLE = (
    -0.16666666666666632, 0.008333333333322472, -0.0001984126982983565, 2.7557313697315496e-06,
    -2.505075848352576e-08, 1.589679589723415e-10,
)  # fmt: skip
COS_DOUBLE = (
    0.0416666666666666, -0.0013888888888874457, 2.4801587289652865e-05, -2.7557314393872473e-07,
    2.0875728111810005e-09, -1.1359865059130612e-11,
)  # fmt: skip

# pi/2 in pieces, of which the first two have 38 bits: exact times a whole number of 15 bits.
QUARTER = (1.5707963267923333, 2.5633441515839558e-12, 1.0562999066987428e-23)
FAR = 2.0**15  # as large an argument is not so many quarter turns


def _turns(k: Code, x: Number) -> tuple[Number, Number]:
    """x = (q + f) pi/2 with |f| <= 1/2 and q whole, up to whole turns, in double, for any x.

    A product of x and a piece of 2/pi that is a multiple of 4 for the size of x counts whole
    turns, so only four pieces in a row matter (Payne and Hanek 1983).
    """
    a, wide = size(k, x), k.convert(x, "f8")
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
    return k.convert(k.bits(q + DOUBLE.rounder, "i8"), "i4"), k.convert((f - last) * HALF_PI, "f4")


def _with_quarters(k: Code, q: Number, sine: Number, cosine: Number) -> tuple[Number, Number]:
    """Sine and cosine of q quarter turns and an angle, q whole, from those of the angle."""
    p = precision_of(sine)
    sign = 1 << 8 * SIZES[p.whole] - 1
    odd = (q & 1) != 0

    def turned(y: Number, q: Number) -> Number:
        """y, or -y where bit 1 of q is set, which is moved to the sign."""
        moved = q << 8 * SIZES[p.whole] - 2
        return k.bits(k.bits(y, p.whole) ^ (moved & sign), p.kind)

    return turned(k.select(odd, cosine, sine), q), turned(k.select(odd, sine, cosine), q + 1)


def sin_cos(k: Code, x: Number) -> tuple[Number, Number]:
    """sin x and cos x, for arguments of any size; NaN at the infinities.

    What computes one of them has nearly computed the other, and the gradient of one is the other.
    """
    return _sin_cos_double(k, x) if x.kind == "f8" else _sin_cos_single(k, x)


def _sin_cos_single(k: Code, x: Number) -> tuple[Number, Number]:
    q, r = _turns(k, x)
    square = r * r
    sine = k.muladd(r * square, polynomial(k, square, SIN_SINGLE), r)
    rest = k.muladd(square, -0.5, 1.0)
    cosine = k.muladd(square * square, polynomial(k, square, COS_SINGLE), rest)
    sine, cosine = _with_quarters(k, q, sine, cosine)
    return k.select(size(k, x) < 2.0**-13, x, sine), cosine


def _sin_cos_double(k: Code, x: Number) -> tuple[Number, Number]:
    """x = n pi/2 + r + rest, |r| <= pi/4 (Cody and Waite 1980); beyond FAR the C library's.

    Whether or not a product is rounded before it is added, r and rest are the same numbers.
    """
    a = size(k, x)
    shifted = k.muladd(x, 1 / HALF_PI, DOUBLE.rounder)
    n = shifted - DOUBLE.rounder
    before = k.muladd(n, -QUARTER[0], x)
    r = k.muladd(n, -QUARTER[1], before)
    rest = k.muladd(n, -QUARTER[2], k.muladd(n, -QUARTER[1], before - r))
    square = r * r
    sine = r + k.muladd(r * square, polynomial(k, square, SIN_DOUBLE), rest)
    most = k.muladd(square, -0.5, 1.0)
    lost = k.muladd(square, -0.5, 1.0 - most)
    cosine = most + k.muladd(
        square * square, polynomial(k, square, COS_DOUBLE), k.muladd(r, -rest, lost)
    )
    sine, cosine = _with_quarters(k, k.bits(shifted, "i8"), sine, cosine)
    sine = k.select(a < DOUBLE.near, x, sine)
    far = a > FAR
    cells = k.cell(sine), k.cell(cosine)
    with k.when(k.any(far)):
        for name, cell in zip(("sin", "cos"), cells, strict=True):
            library = k.apart(f"far_{name}", lambda k, x, name=name: k.each(name, x), x)
            cell.set(k.select(far, library, cell.value))
    return cells[0].value, cells[1].value
