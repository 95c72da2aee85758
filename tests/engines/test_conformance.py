"""Every engine gives the same results for every gate of the registry, and for its gradients.

A Program holds all cases of a family of gates in one precision, so that the native engine compiles
a few times rather than a few thousand. Inputs are sources: what is made of constants is folded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from tests.gates.cases import ELEMENTWISE, STRUCTURAL, draw, generator, narrowed

import pullback as pb
from pullback.engines.eager import Eager
from pullback.engines.jax import Jax
from pullback.engines.native.engine import Native
from pullback.inspect.check_local import as_one

ENGINES: dict[str, Callable[[pb.Program], Any]] = {"native": Native, "jax": Jax}
TOLERANCE = {"float32": {"rtol": 1.3e-6, "atol": 1e-5}, "float64": {"rtol": 1e-7, "atol": 1e-12}}
SHAPES = ((7,), (0,), (2, 1, 3), (1,), (5, 3), ())
FAMILIES = {"elementwise": ELEMENTWISE, "structural": STRUCTURAL}


def test_every_gate_is_in_a_family():
    assert sorted(name for family in FAMILIES.values() for name in family) == sorted(pb.GATES)


class Sources:
    """Sources of one precision. Gates share them, so that compiled loops have few arguments."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.made: dict[Any, pb.Unit] = {}

    def of(self, value: Any) -> pb.Unit:
        """A source of this value, floating-point arrays in this precision."""
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            value = value.astype(self.dtype)
        return pb.Unit(value)

    def within(self, k: int, span: Any, shape: tuple[int, ...] | None) -> pb.Unit:
        """The k-th input of gates with this interval; a number of Python without a shape."""
        key = k, span, shape
        if key not in self.made:
            value = draw(generator(str(key)), span, shape or ())
            self.made[key] = self.of(value.item() if shape is None else value)
        return self.made[key]


def cases(name: str, sources: Sources) -> Iterator[tuple[list[pb.Unit], dict[str, Any]]]:
    """A gate's inputs: samples; or Python's numbers, shapes, broadcasting, and numbers between."""
    gate, rng = pb.GATES[name], generator(name)
    if not gate.elementwise:
        assert gate.samples is not None
        for inputs, static in gate.samples(rng):
            yield [sources.of(x) for x in inputs], static
        return
    at = ELEMENTWISE.index(name) % len(SHAPES)
    for shape in (None, SHAPES[at], SHAPES[at - 1]):
        yield [sources.within(k, span, shape) for k, span in enumerate(gate.domain)], {}
    if len(gate.domain) > 1:
        shapes: list[tuple[int, ...] | None] = [narrowed(rng, (4, 1, 3)) for _ in gate.domain]
        shapes[rng.integers(len(shapes))] = (4, 1, 3)
        yield [sources.within(k, span, shapes[k]) for k, span in enumerate(gate.domain)], {}
        shapes[rng.integers(len(shapes))] = None
        yield [sources.within(k, span, shapes[k]) for k, span in enumerate(gate.domain)], {}


def pull_on(y: pb.Unit) -> np.ndarray:
    """A random pull, always the same on outputs of one shape."""
    return generator(str(y.shape)).normal(size=y.shape)


def results(name: str, xs: list[pb.Unit], static: dict, dtype: str) -> Iterator[tuple]:
    """A gate's value, its gradients, and in double precision their gradients."""
    y = as_one(pb.GATES[name](*xs, **static))
    yield "value", y
    floats = [x for x in xs if x.dtype.kind == "f"]
    if y.dtype.kind != "f" or not floats:
        return
    firsts = pb.gradient(y, floats, pull_on(y))
    yield from ((f"gradient {k}", first) for k, first in enumerate(firsts))
    if dtype == "float64":
        pulled: Any = 0.0
        for first in firsts:
            pulled = pulled + pb.sum(first * pull_on(first))
        seconds = pb.gradient(pulled, floats) if isinstance(pulled, pb.Unit) else []
        yield from ((f"second {k}", second) for k, second in enumerate(seconds))


@cache
def program(family: str, dtype: str) -> pb.Program:
    """All results of all cases of a family of gates."""
    sources = Sources(dtype)
    outputs = {
        f"{name} {k} {what}": unit
        for name in FAMILIES[family]
        for k, (xs, static) in enumerate(cases(name, sources))
        for what, unit in results(name, xs, static, dtype)
    }
    return pb.Program({}, outputs, {})


def disagreements(
    expected: dict[str, Any],
    found: dict[str, Any],
    dtype: str,
    tolerances: dict[str, dict[str, float]] = TOLERANCE,
) -> list[str]:
    """What differs in kind, dtype, shape or value, a line each."""
    assert expected.keys() == found.keys()
    lines = []
    for name, value in expected.items():
        kinds = [
            (type(x) if type(x) in (float, bool) else "array", np.asarray(x).dtype, np.shape(x))
            for x in (value, found[name])
        ]
        tolerance = tolerances["float32" if kinds[0][1] == np.float32 else dtype]
        if kinds[0] != kinds[1]:
            lines.append(f"{name}: {kinds[0]} and {kinds[1]}")
        elif not np.allclose(found[name], value, equal_nan=True, **tolerance):
            lines.append(f"{name}:\n{value}\n{found[name]}")
    return lines


def special(dtype: str, denormal: bool) -> pb.Program:
    """Every elementwise gate where floating-point numbers are odd: all pairs of odd numbers."""
    numbers = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -2.0, np.finfo(dtype).max], dtype)
    if denormal:
        tiny = np.finfo(dtype).smallest_subnormal
        numbers = np.append(numbers, [tiny, -tiny])
    first, second = (grid.ravel() for grid in np.meshgrid(numbers, numbers))
    floats = [pb.Unit(x) for x in (first, second, np.roll(first, 3))]
    truths = [pb.Unit(x > 0.0) for x in (first, second)]
    outputs = {}
    for name in ELEMENTWISE:
        domain = pb.GATES[name].domain
        chosen = (truths if span is bool else floats for span in domain)
        xs = [units[k] for k, units in enumerate(chosen)]
        outputs[name] = pb.GATES[name](*xs)
    return pb.Program({}, outputs, {})


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("engine", ENGINES)
def test_special_values(engine, dtype):
    step = special(dtype, denormal=engine != "jax")  # XLA takes denormal numbers for zero
    expected, found = Eager(step)(), ENGINES[engine](step)()
    tolerance = {**TOLERANCE[dtype], "atol": np.finfo(dtype).tiny}
    different = [
        f"{name}({', '.join(str(x.value[k]) for x in unit.inputs)}): "
        f"{expected[name][k]} and {found[name][k]}"
        for name, unit in step.outputs.items()
        for k in np.flatnonzero(
            ~np.isclose(found[name], expected[name], equal_nan=True, **tolerance)
        )
    ]
    assert not different, "\n".join(different)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("engine", ENGINES)
def test_engines_agree(engine, family, dtype):
    step = program(family, dtype)
    found = disagreements(Eager(step)(), ENGINES[engine](step)(), dtype)
    assert not found, "\n".join(found)
