"""A scalar formula of 1,000 gates and its gradient by 8 inputs, at 100,000 points.

Compared: value and gradient at all points. It is fair because everyone gets the same formula
(written once here, for any library's functions) and the same points, and makes the same nine
arrays. pullback compiles one loop over the points. So would JAX, but XLA's fusion computes a wire
again for each that reads it, and takes seconds; that is measured at 1,000 points and scaled. JAX
also runs with fusion switched off, and its best counts. CasADi maps its function, compiled by GCC,
over the threads; it computes in double precision only.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.measure import Line, Work, compare, native, threads

GATES, INPUTS, POINTS = 1000, 8, 100_000
CHECKED = 1000  # points at which all are compared
UNFUSED = "JAX jit without fusion"


def measure(quick: bool) -> list[Line]:
    lines = []
    points = 10_000 if quick else POINTS
    for dtype, tolerance in (("float64", 1e-9), ("float32", 2e-3)):
        peers = {
            "JAX jit": partial(jax_jit, dtype, points),
            UNFUSED: partial(jax_jit, dtype, points, fusion=False),
        }
        if dtype == "float64" and importlib.util.find_spec("casadi"):
            peers["CasADi"] = partial(casadi, points)
        lines += compare(
            f"{points:,} points, {dtype}",
            partial(ours, dtype, points),
            peers,
            {f"JAX jit or {UNFUSED}": 4.0, "CasADi": 4.0},
            quick=quick,
            tolerance=tolerance,
            seconds=0.5,
        )
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
    """The coordinates of so many points; fewer are the first of more."""
    return list(np.random.default_rng(1).uniform(-1, 1, (count, INPUTS)).T.astype(dtype, order="C"))


def program(dtype: str, count: int) -> Any:
    import pullback as pb

    xs = [pb.Unit(x, f"x{k}") for k, x in enumerate(points_of(dtype, count))]
    y = formula(pb, xs)
    slopes = pb.gradient(y, xs)
    outputs = {"y": y, **{f"d{x.name}": d for x, d in zip(xs, slopes, strict=True)}}
    return pb.Program({x.name: x for x in xs}, outputs, {})


def ours(dtype: str, count: int) -> Work:
    def runner(count: int) -> Callable[[], dict[str, Any]]:
        step = native(program(dtype, count))
        inputs = {f"x{k}": x for k, x in enumerate(points_of(dtype, count))}
        return lambda: step(**inputs)

    return Work(runner(count), 1, lambda: np.stack(list(runner(CHECKED)().values())))


def jax_jit(dtype: str, count: int, fusion: bool = True) -> Work:
    if not fusion:
        os.environ["XLA_FLAGS"] += " --xla_disable_hlo_passes=fusion,cpu-instruction-fusion"
    import jax
    from jax import numpy as jnp

    jax.config.update("jax_enable_x64", True)

    @jax.jit
    def value_and_slopes(xs: Any) -> Any:
        y, back = jax.vjp(lambda xs: formula(jnp, xs), xs)
        return [y, *back(jnp.ones_like(y))[0]]

    few = [jnp.array(x) for x in points_of(dtype, CHECKED)]
    xs = few if fusion else [jnp.array(x) for x in points_of(dtype, count)]

    def run() -> None:
        jax.block_until_ready(value_and_slopes(xs))

    return Work(run, CHECKED / count if fusion else 1, lambda: np.stack(value_and_slopes(few)))


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

    def runner(count: int) -> Callable[[], Any]:
        run = f.map(count, "thread", threads())
        points = ca.DM(np.stack(points_of("float64", count)))
        return lambda: run(points)

    return Work(runner(count), 1, lambda: np.array(runner(CHECKED)()))
