"""A scalar formula of 1,000 gates and its gradient by 8 inputs, at 100,000 points.

Compared: value and gradient at all points. It is fair because everyone gets the same formula
(written once here, for any library's functions) and the same points, and makes the same nine
arrays. pullback and JAX compile one loop over the points. CasADi maps its compiled function over
two threads; it computes in double precision only.
"""

from __future__ import annotations

import importlib.util
import math
import os
import tempfile
import time
from functools import partial
from typing import Any

import numpy as np

from benchmarks.measure import Line, Work, compare, native, threads

GATES, INPUTS, POINTS = 1000, 8, 100_000


def measure(quick: bool) -> list[Line]:
    lines = []
    points = 10_000 if quick else POINTS
    for dtype, tolerance in (("float64", 1e-9), ("float32", 2e-3)):
        peers = {"JAX jit": partial(jax_jit, dtype, points)}
        if dtype == "float64" and importlib.util.find_spec("casadi"):
            peers["CasADi"] = partial(casadi, points)
        lines += compare(
            f"{points:,} points, {dtype}",
            partial(ours, dtype, points),
            peers,
            {"JAX jit": 1.0, "CasADi": 1.0},
            quick=quick,
            tolerance=tolerance,
            seconds=1.0,
        )
        seconds = compile_seconds(dtype)
        lines.append(Line(f"compiling the loop, {dtype}", "pullback", seconds))
    return lines


def formula(m: Any, xs: list[Any]) -> Any:
    """A thousand gates: sums, products, differences, and among every five a function."""
    rng = np.random.default_rng(0)
    v, count = list(xs), 0
    while count + 5 <= GATES - INPUTS:
        i, j, k, l = rng.permutation(INPUTS)[:4]  # noqa: E741
        inner = v[i] * v[j] + v[k] - v[l]
        name = ("tanh", "sin", "exp", "cos")[rng.integers(4)]
        v[i] = getattr(m, name)(inner)
        count += 4
        if name == "exp":  # nothing may grow without bound
            v[i] = m.tanh(v[i])
            count += 1
    total = v[0]
    for x in v[1:]:
        total = total + x
    count += INPUTS - 1
    while count < GATES:
        total = m.tanh(total)
        count += 1
    return total


def points_of(dtype: str, count: int) -> list[np.ndarray]:
    return list(np.random.default_rng(1).uniform(-1, 1, (INPUTS, count)).astype(dtype))


def program(dtype: str, count: int) -> Any:
    import pullback as pb

    xs = [pb.Unit(x, f"x{k}") for k, x in enumerate(points_of(dtype, count))]
    y = formula(pb, xs)
    slopes = pb.gradient(y, xs)
    outputs = {"y": y, **{f"d{x.name}": d for x, d in zip(xs, slopes, strict=True)}}
    return pb.Program({x.name: x for x in xs}, outputs, {})


def ours(dtype: str, count: int) -> Work:

    step = native(program(dtype, count))
    inputs = {f"x{k}": x for k, x in enumerate(points_of(dtype, count))}
    return Work(lambda: step(**inputs), 1, lambda: np.stack(list(step(**inputs).values())))


def jax_jit(dtype: str, count: int) -> Work:
    import jax
    from jax import numpy as jnp

    jax.config.update("jax_enable_x64", True)
    xs = [jnp.array(x) for x in points_of(dtype, count)]

    @jax.jit
    def run(xs: Any) -> Any:
        y, back = jax.vjp(lambda xs: formula(jnp, xs), xs)
        return y, back(jnp.ones_like(y))[0]

    def answer() -> np.ndarray:
        y, slopes = run(xs)
        return np.stack([y, *slopes])

    return Work(lambda: jax.block_until_ready(run(xs)), 1, answer)


def casadi(count: int) -> Work:
    import casadi as ca

    os.chdir(tempfile.mkdtemp())  # its compiler writes where it stands
    x = ca.SX.sym("x", INPUTS)
    y = formula(ca, [x[k] for k in range(INPUTS)])
    options = {
        "jit": True,
        "compiler": "shell",
        "jit_options": {"compiler": "gcc", "flags": ["-O3", "-march=native", "-ffast-math"]},
    }
    f = ca.Function("f", [x], [ca.vertcat(y, ca.gradient(y, x))], options)
    run = f.map(count, "thread", threads())
    points = ca.DM(np.stack(points_of("float64", count)))
    return Work(lambda: run(points), 1, lambda: np.array(run(points)))


def compile_seconds(dtype: str) -> float:
    """From the wires to the first result, in a process and a cache of its own."""
    from benchmarks.compile_time import fresh

    return fresh(f"from benchmarks.formula import first; first({dtype!r})")["seconds"]


def first(dtype: str) -> None:
    """Print how long the first run takes, with everything that is compiled for it."""
    from pullback.engines.native import Native

    wires = program(dtype, 64)
    start = time.perf_counter()
    values = Native(wires)()
    seconds = time.perf_counter() - start
    assert math.isfinite(float(values["y"][0]))
    print({"seconds": seconds})
