"""In: an output of one element. Out: values of the sources at which it is higher, three ways.

The three strategies differ in what they pay to learn where to step. Random local search tries steps
and keeps the best; the numerical gradient moves every input a little, one at a time; the analytic
gradient asks the circuit itself, with one backward pass. All of them work on a `DoubleCopy`, so the
circuit that they are given stays as it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.shown import Shown, Table
from pullback.core.text import brief, counted, names, number
from pullback.core.unit import Unit
from pullback.core.values import Value
from pullback.inspect.arguments import at_least_one, positive
from pullback.inspect.double_copy import DoubleCopy


def random_local_search(
    wire: Unit,
    steps: int = 1,
    step_size: float = 0.01,
    tries: int = 100,
    *,
    lower: bool = False,
    seed: int = 0,
    keep: bool = False,
) -> StrategyResult:
    """Raise (or `lower`) an output by random tweaks, of which each step keeps the best.

    x + step_size * u, u uniform in [-1, 1] for every element of every source; `tries` a step. A
    step at which no try is better stays where it is. `keep` leaves the circuit at what was found.

    Raises `CircuitError` where `wire` has not exactly one element, no float source, or is not
    finite, and where a step is so big that it is not finite any more at any try.
    Source: the guide, "Strategy #1: Random Local Search".

    >>> x, y = Unit(-2.0, "x"), Unit(3.0, "y")
    >>> result = random_local_search(x * y)
    >>> result.after > result.before, result.evaluations, x.value
    (True, 101, -2.0)
    """
    at_least_one(tries=tries)
    rng = np.random.default_rng(seed)

    def step(copy: DoubleCopy, now: float) -> float:
        best, start = now, copy.state()
        best_state, outs = start, []
        for _ in range(tries):
            for twin, value in zip(copy.sources.values(), start, strict=True):
                twin._value = value + step_size * _like(value, rng.uniform(-1, 1, twin.shape))
            outs.append(out := copy.output())
            if math.isfinite(out) and (out < best if lower else out > best):
                best, best_state = out, copy.state()
        copy.restore(best_state)
        return best if any(map(math.isfinite, outs)) else outs[-1]

    return _climb("random local search", wire, steps, step_size, step, keep)


def numerical_gradient_ascent(
    wire: Unit,
    steps: int = 1,
    step_size: float = 0.01,
    *,
    eps: float = 1e-4,
    lower: bool = False,
    keep: bool = False,
) -> StrategyResult:
    """Raise (or `lower`) an output along its numerical gradient, which costs 2 passes an element.

    x + step_size * df/dx, all sources at once. `keep` leaves the circuit at what was found.

    Raises `CircuitError` as `random_local_search` does.
    Source: the guide, "Strategy #2: Numerical Gradient".

    >>> x, y = Unit(-2.0, "x"), Unit(3.0, "y")
    >>> result = numerical_gradient_ascent(x * y)
    >>> round(result.after, 2), result.evaluations
    (-5.87, 6)
    """
    positive(eps=eps)

    def step(copy: DoubleCopy, now: float) -> float:
        slopes = [_probe(copy, twin, eps) for twin in copy.sources.values()]
        return _move(copy, slopes, -step_size if lower else step_size)

    return _climb("numerical gradient", wire, steps, step_size, step, keep)


def analytic_gradient_ascent(
    wire: Unit,
    steps: int = 1,
    step_size: float = 0.01,
    *,
    lower: bool = False,
    keep: bool = False,
) -> StrategyResult:
    """Raise (or `lower`) an output along its gradient, which costs one backward pass.

    x + step_size * df/dx, all sources at once. `keep` leaves the circuit at what was found.

    Raises `CircuitError` as `random_local_search` does.
    Source: the guide, "Strategy #3: Analytic Gradient".

    >>> x, y = Unit(-2.0, "x"), Unit(3.0, "y")
    >>> result = analytic_gradient_ascent(x * y)
    >>> round(result.after, 2), result.evaluations, result.backward_passes
    (-5.87, 2, 1)
    """

    def step(copy: DoubleCopy, now: float) -> float:
        copy.backward([1.0])
        slopes = [twin.grad for twin in copy.sources.values()]
        return _move(copy, slopes, -step_size if lower else step_size)

    return _climb("analytic gradient", wire, steps, step_size, step, keep)


def compare_strategies(
    wire: Unit,
    steps: int = 1,
    step_size: float = 0.01,
    tries: int = 100,
    *,
    lower: bool = False,
    seed: int = 0,
) -> StrategyComparison:
    """The three strategies from the same start with the same step size, side by side.

    Raises `CircuitError` as they do. The circuit stays as it is.
    Source: the guide, "The Goal", and the three strategies after it.

    >>> x, y = Unit(-2.0, "x"), Unit(3.0, "y")
    >>> print(compare_strategies(x * y))
    strategy             evaluations  backward passes  output before  output after
    random local search          101                0             -6        -5.957
    numerical gradient             6                0             -6        -5.871
    analytic gradient              2                1             -6        -5.871
    """
    return StrategyComparison(
        random_local_search(wire, steps, step_size, tries, lower=lower, seed=seed),
        numerical_gradient_ascent(wire, steps, step_size, lower=lower),
        analytic_gradient_ascent(wire, steps, step_size, lower=lower),
    )


@overload
def numerical_gradient(wire: Unit, sources: Unit, eps: float = 1e-4) -> Value: ...
@overload
def numerical_gradient(
    wire: Unit, sources: Sequence[Unit] | None = None, eps: float = 1e-4
) -> list[Value]: ...
def numerical_gradient(
    wire: Unit, sources: Unit | Sequence[Unit] | None = None, eps: float = 1e-4
) -> Value | list[Value]:
    """The slope of an output by each element of `sources`, without any rule of calculus.

    (f(x + eps) - f(x - eps)) / (2 eps), one element at a time, in double precision. `sources` is
    one source, several, or None for all that `wire` is made from, in the order they were made.

    Raises `CircuitError` where `wire` has not exactly one element, or a source is none of its
    float sources. Source: the guide, "Strategy #2: Numerical Gradient".

    >>> x, y = Unit(-2.0, "x"), Unit(3.0, "y")
    >>> [round(slope, 6) for slope in numerical_gradient(x * y)]
    [3.0, -2.0]
    """
    positive(eps=eps)
    copy = _copy_of_one(wire)
    wanted = [sources] if isinstance(sources, Unit) else sources
    for x in wanted or ():
        if x not in copy.sources:
            raise CircuitError(f"{x.label} is not a source of numbers that {wire.label} depends on")
    slopes = [_probe(copy, copy.sources[x], eps) for x in wanted or copy.sources]
    return slopes[0] if isinstance(sources, Unit) else slopes


@dataclass(frozen=True, eq=False, repr=False)
class StrategyResult(Shown):
    """What one strategy found: `path[0]` is the output at the start, `path[k]` after step k.

    `values` has each source's value at the end, by its name. `evaluations` counts forward passes,
    the first one at the start included; `backward_passes` counts those.
    """

    strategy: str
    path: tuple[float, ...]
    values: dict[str, Value]
    evaluations: int
    backward_passes: int = 0

    @property
    def before(self) -> float:
        """The output at the start."""
        return self.path[0]

    @property
    def after(self) -> float:
        """The output at the values found."""
        return self.path[-1]

    def _says(self) -> Iterator[str]:
        passes = f"{self.evaluations:,} evaluations"
        if self.backward_passes:
            passes += f" and {self.backward_passes:,} backward pass"
            passes += "" if self.backward_passes == 1 else "es"
        steps = len(self.path) - 1
        found = "\n".join(f"  {name} = {brief(value)}" for name, value in self.values.items())
        yield (
            f"{self.strategy}: {number(self.before)} → {number(self.after)} in "
            f"{counted(steps, 'step')}, {passes}\n{found}"
        )


@dataclass(frozen=True, eq=False, repr=False)
class StrategyComparison(Shown):
    """The three strategies from one start, side by side, as a table."""

    random: StrategyResult
    numerical: StrategyResult
    analytic: StrategyResult

    @property
    def results(self) -> tuple[StrategyResult, StrategyResult, StrategyResult]:
        """The three, in the order of the guide."""
        return self.random, self.numerical, self.analytic

    def _says(self) -> Iterator[Table]:
        head = ("strategy", "evaluations", "backward passes", "output before", "output after")
        cells = [
            (
                result.strategy,
                f"{result.evaluations:,}",
                f"{result.backward_passes:,}",
                number(result.before),
                number(result.after),
            )
            for result in self.results
        ]
        yield Table(head, cells, right=(1, 2, 3, 4))


# Steps -------------------------------------------------------------------------------------------


def _climb(
    strategy: str,
    wire: Unit,
    steps: int,
    step_size: float,
    step: Callable[[DoubleCopy, float], float],
    keep: bool,
) -> StrategyResult:
    """Take `steps` steps from the present values, and tell what was found."""
    at_least_one(steps=steps)
    positive(step_size=step_size, cure="lower=True makes the output fall")
    copy = _copy_of_one(wire)
    path = [copy.output()]
    for k in range(steps):
        with np.errstate(all="ignore"):  # a step that is too big is refused, not warned of
            path.append(step(copy, path[-1]))
        if not math.isfinite(path[-1]):
            raise CircuitError(
                f"step {k + 1} along the {strategy} took {wire.label} to {path[-1]}; "
                "take a smaller step_size"
            )
    named = names(copy.twins, [wire])
    values = {named[x]: _in_dtype(x, twin._value) for x, twin in copy.sources.items()}
    if keep:
        for x, twin in copy.sources.items():
            x.value = _in_dtype(x, twin._value)
        wire.forward()
    return StrategyResult(strategy, tuple(path), values, copy.evaluations, copy.backward_passes)


def _copy_of_one(wire: Unit) -> DoubleCopy:
    """A copy of the circuit of `wire`, which must be one number that a float source changes."""
    if not isinstance(wire, Unit):
        raise CircuitError(f"a strategy raises the value of a Unit, got {type(wire).__name__}")
    if wire.size != 1:
        raise CircuitError(
            f"{wire.label} has shape {wire.shape}, and only one number can be raised; "
            "take its sum or one of its elements"
        )
    copy = DoubleCopy([wire])
    if not copy.sources:
        raise CircuitError(f"{wire.label} depends on no source of numbers that could be changed")
    out = copy.output()
    copy.evaluations = 0
    if not math.isfinite(out):
        raise CircuitError(f"{wire.label} is {out} already; start where it is finite")
    return copy


def _move(copy: DoubleCopy, slopes: Sequence[Value], by: float) -> float:
    for twin, slope in zip(copy.sources.values(), slopes, strict=True):
        twin._value = twin._value + by * slope
    return copy.output()


def _probe(copy: DoubleCopy, twin: Unit, eps: float) -> Value:
    """The central differences of the output by each element of one source, which is put back."""
    start = twin._value
    slopes = np.zeros(twin.shape)
    for at in np.ndindex(twin.shape):
        outputs = []
        for sign in (1.0, -1.0):
            moved = np.array(start, dtype=float)
            moved[at] += sign * eps
            twin._value = _like(start, moved)
            outputs.append(copy.output())
        slopes[at] = (outputs[0] - outputs[1]) / (2.0 * eps)
    twin._value = start
    return _like(start, slopes)


def _like(value: Value, array: Any) -> Value:
    """The array as a Python float where `value` is one."""
    return float(array) if type(value) is float else np.asarray(array)


def _in_dtype(unit: Unit, value: Value) -> Value:
    return value if type(value) is float else value.astype(unit.dtype)
