"""Finds the coefficients in `pullback.engines.native.elementary`: not a test.

    python tests/engines/native/fit_polynomials.py

Each is the best polynomial in the sense of the largest weighted error (Remez's exchange: solve
for the polynomial whose error alternates at the nodes, move the nodes to the extremes of the
error, repeat), in 60 digits. After each fit the leading coefficient that is left is rounded to the
working precision and the rest are fitted again, so that rounding is paid for by the next ones.
"""

import importlib
from typing import Any

import numpy as np

mp: Any = None
if __name__ == "__main__":  # mpmath is needed for this alone
    mp = importlib.import_module("mpmath")
    mp.mp.dps = 60


def remez(target, weight, powers, low, high, rounds=8, grid=1500):
    """The coefficients c that minimize max |weight(x) (target(x) - sum_j c_j x**powers_j)|."""
    count = len(powers) + 1
    angles = [mp.pi * (2 * i + 1) / (2 * count) for i in range(count)]
    nodes = [(low + high) / 2 - (high - low) / 2 * mp.cos(a) for a in angles]
    fine = [
        (low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * (i + 0.5) / grid) for i in range(grid)
    ]
    values = [(x, target(x), weight(x)) for x in fine]
    best, least = None, mp.inf
    for _ in range(rounds):
        rows = [[x**p for p in powers] + [(-1) ** i / weight(x)] for i, x in enumerate(nodes)]
        solution = mp.lu_solve(mp.matrix(rows), mp.matrix([target(x) for x in nodes]))
        c = list(solution)[:-1]
        error = [
            w * (t - mp.fsum(a * x**p for a, p in zip(c, powers, strict=True)))
            for x, t, w in values
        ]
        worst = max(abs(e) for e in error)
        if worst < least:
            best, least = c, worst
        peaks = [0]
        for i in range(1, grid):
            if (error[i] > 0) != (error[peaks[-1]] > 0):
                peaks.append(i)
            elif abs(error[i]) > abs(error[peaks[-1]]):
                peaks[-1] = i
        while len(peaks) > count:
            peaks.pop(0 if abs(error[peaks[0]]) < abs(error[peaks[-1]]) else -1)
        if len(peaks) < count:
            break
        nodes = [fine[i] for i in peaks]
    return best, least


def fit(name, target, weight, powers, low, high, dtype):
    """Print the rounded coefficients, lowest power first, and the largest weighted error."""
    low, high = mp.mpf(low), mp.mpf(high)
    fixed, left = [], list(powers)
    while left:

        def rest(x, fixed=tuple(fixed)):
            return target(x) - mp.fsum(a * x**p for a, p in fixed)

        c, worst = remez(rest, weight, left, low, high)
        number = dtype(mp.nstr(c[0], 40))
        fixed.append((mp.mpf(float(number)), left.pop(0)))
    print(f"{name} {np.dtype(dtype).name}: error {mp.nstr(worst, 3)}")
    for a, p in fixed:
        print(f"    x^{p}: {float(dtype(float(a)))!r}")


def main():
    f4, f8 = np.float32, np.float64
    half = mp.log(2) / 2 * mp.mpf("1.0001")

    def exp_rest(r):
        return (mp.expm1(r) - r) / r**2 if r else mp.mpf(1) / 2

    def log_rest(f):
        return (mp.log1p(f) - f + f**2 / 2) / f**3 if f else mp.mpf(1) / 3

    def log_s(z):  # log((1+s)/(1-s)) = 2 s + s**3 R(s**2)
        s = mp.sqrt(z)
        return (mp.log((1 + s) / (1 - s)) - 2 * s) / s**3 if z else mp.mpf(2) / 3

    def tanh_rest(z):
        a = mp.sqrt(z)
        return (mp.tanh(a) - a) / a**3 if z else -mp.mpf(1) / 3

    def sin_rest(z):
        a = mp.sqrt(z)
        return (mp.sin(a) - a) / a**3 if z else -mp.mpf(1) / 6

    def cos_rest(z):
        a = mp.sqrt(z)
        return (mp.cos(a) - 1 + z / 2) / z**2 if z else mp.mpf(1) / 24

    def erf_rest(z):
        a = mp.sqrt(z)
        return mp.erf(a) / a - 1 if z else 2 / mp.sqrt(mp.pi) - 1

    def erfc_exponent(a):  # erfc(a) = exp(-a E(a))
        return -mp.log(mp.erfc(a)) / a

    tiny = mp.mpf("1e-12")
    fit("exp", exp_rest, lambda r: r**2 + tiny, range(5), -half, half, f4)
    low, high = mp.sqrt(0.5) - 1, mp.sqrt(2) - 1
    fit("log", log_rest, lambda f: abs(f) ** 2 + tiny, range(8), low, high, f4)
    fit("tanh", tanh_rest, lambda z: z + tiny, range(5), 0, 0.625**2, f4)
    quarter = (mp.pi / 4) ** 2 * mp.mpf("1.001")
    fit("sin", sin_rest, lambda z: z + tiny, range(3), 0, quarter, f4)
    fit("cos", cos_rest, lambda z: z**2 + tiny, range(3), 0, quarter, f4)
    fit("erf", erf_rest, lambda z: mp.mpf(1), range(7), 0, 1, f4)
    fit("erfc", erfc_exponent, lambda a: a * mp.erfc(a), range(9), 0.95, 4, f4)
    fit("exp", exp_rest, lambda r: r**2 + tiny, range(11), -half, half, f8)
    fit("tanh", tanh_rest, lambda z: z + tiny, range(11), 0, mp.mpf("0.625") ** 2, f8)
    fit("sin", sin_rest, lambda z: z + tiny, range(6), 0, quarter, f8)
    fit("cos", cos_rest, lambda z: z**2 + tiny, range(6), 0, quarter, f8)
    s = (mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)
    fit("log", log_s, lambda z: z + tiny, range(7), 0, s**2, f8)


if __name__ == "__main__":
    main()
