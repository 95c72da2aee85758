"""In: the declaration of a gate. Out: whether its rules are right, wherever it may be used.

The declaration says at which inputs a gate can be tested. There its rule is held against the slopes
of its value and, to second order, the circuit that its rules build against the slopes of the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pullback.core.backward import backward
from pullback.core.double import doubled, doubled_static
from pullback.core.errors import CircuitError
from pullback.core.gate import Gate
from pullback.core.gradient import gradient
from pullback.core.unit import Unit
from pullback.core.values import as_value, is_differentiable
from pullback.gates.reduction import sum as sum_of
from pullback.inspect.check_local import PEGS, Call, as_one, kink_distance, positional
from pullback.inspect.report import WRONG, GradientFinding, GradientReport
from pullback.inspect.slope import Settings, Slopes, directions, mover, random_signs

Sample = tuple[list[Any], Mapping[str, Any]]
_SHAPES = ((), (5,), (2, 3), (1,), (3, 1, 2), (0,))


def check_gate(
    gate_or_function: Any,
    order: int = 2,
    rng: np.random.Generator | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    on_failure: str = "raise",
) -> GradientReport:
    """Check a gate from its declaration alone, to first or second order, and at its kinks.

    Inputs come from `gate.domain`, in shapes that broadcast, single, odd and empty ones among
    them, or from `gate.samples`. To first order the rule is held against nudges of the value; to
    second order the circuit that `gradient` builds, against nudges of the numeric backward pass. At
    a declared kink a rule must answer a value between the slopes on both sides.

    Raises `GradientError` as `check_gradients` does, and `CircuitError` where the gate declares no
    samples or has no finite value at one. Source: the guide, "Numerical Gradient Check".

    >>> from pullback.core.gate import gate
    >>> @gate(partials=(lambda y, x: 2.0 * x * x,), registry=None)
    ... def cube(m, x):
    ...     return x * x * x
    >>> print(check_gate(cube, on_failure="report").failures[0].input)
    input 1 of 1, 'x'
    """
    gate = getattr(gate_or_function, "gate", gate_or_function)
    if not isinstance(gate, Gate):
        raise CircuitError(f"check_gate checks what @gate declares, got {gate_or_function!r}")
    if order not in (1, 2):
        raise CircuitError(f"order must be 1 or 2, got {order!r}")
    rng = np.random.default_rng(0) if rng is None else rng
    settings = Settings(eps, atol, rtol, on_failure, rng)
    report = GradientReport(gates=1)
    with np.errstate(all="ignore"):  # what overflows is judged, not warned of
        for xs, static in [*_sampled(gate, rng), *_at_kinks(gate, rng)]:
            _refuse_nonfinite(gate, xs, static)
            call = Call(gate, xs, static, _input_names(gate, len(xs)), [True] * len(xs))
            found = call.check(settings)
            if not found and order == 2 and gate not in PEGS:
                found = _check_second_order(call, settings)
            for finding in found:
                report.add(finding)
    return report.settled(on_failure)


def _refuse_nonfinite(gate: Gate, xs: list[Any], static: Mapping[str, Any]) -> None:
    """Refuse a sample at which the gate has no value whose slope could be measured."""
    y = np.asarray(as_one(gate(*xs, **static)))
    lost = ~np.isfinite(y)
    if not lost.any():
        return
    at = tuple(np.argwhere(lost)[0])
    what = "nan" if np.isnan(y[at]) else "infinite"
    if not gate.elementwise:
        raise CircuitError(
            f"gate {gate.name!r} is {what} at one of its samples, where no slope can be measured; "
            "declare samples= at which it is finite"
        )
    names = [*positional(gate.value)[1:], *(f"input {i + 1}" for i in range(len(xs)))]
    values = [np.broadcast_to(x, y.shape)[at] for x in xs]
    shown = ", ".join(f"{name} = {x:.4g}" for name, x in zip(names, values, strict=False))
    raise CircuitError(
        f"gate {gate.name!r} is {what} at {shown}, where no slope can be measured; declare "
        f"domain=((low, high), ...), for each input, where it is finite; it is {gate.domain} now"
    )


def _input_names(gate: Gate, count: int) -> list[str]:
    known = [f", {name!r}" for name in positional(gate.value)[1:]]
    named = [*known, *[""] * count]
    return [f"input {i + 1} of {count}{named[i]}" for i in range(count)]


def _check_second_order(call: Call, settings: Settings) -> list[GradientFinding]:
    """The gradient circuit, and its own gradient, against slopes of the numeric backward pass."""
    gate, floats, rng = call.gate, call.floats, settings.rng
    sources = [Unit(x) for x in call.xs]
    try:
        y = as_one(gate(*sources, **call.static))
        if not is_differentiable(y.value) or not floats or not y.size:
            return []
        force = random_signs(rng, y.shape)
        pull = Unit(float(force) if type(y.value) is float else force)
        firsts = gradient(y, [sources[i] for i in floats], pull)
        weights = [random_signs(rng, first.shape) for first in firsts]
        total: Any = 0.0
        for first, weight in zip(firsts, weights, strict=True):
            total = sum_of(first * weight) + total
        seconds = gradient(total, [*(sources[i] for i in floats), pull])
    except Exception as error:
        detail = f"its rules cannot be wired into a circuit, {type(error).__name__}: {error}; "
        detail += "write them in gates, or check order=1"
        return [call.broken(floats[0], detail)]

    starts = [*call.xs, pull.value]  # the pull is one more input here, and is never at a kink

    def numeric(i: int, moved: Any) -> np.ndarray:
        *xs, pulled = (moved if k == i else x for k, x in enumerate(starts))
        fresh = [Unit(x) for x in xs]
        backward([as_one(gate(*fresh, **call.static))], [pulled])
        pairs = zip(floats, weights, strict=True)
        return np.array([sum(float(np.sum(fresh[i].grad * w)) for i, w in pairs)])

    now = float(numeric(0, starts[0])[0])
    if not np.isclose(now, float(total.value), rtol=1e-6, atol=1e-9, equal_nan=True):
        detail = "the gradient circuit and the backward pass must answer alike; the rule must not "
        detail += "decide by the type of its arguments"
        return [call.finding(floats[0], None, float(total.value), now, WRONG, detail)]
    for i, second in zip([*floats, len(call.xs)], seconds, strict=True):
        for direction in directions(starts[i], rng)[-3:]:
            moved = mover(starts[i], direction.along)
            slopes = Slopes(
                np.array([float(direction.slope(np.ravel(second.value)))]),
                lambda s: numeric(i, moved(s)),
                lambda s: bool(np.any(call.near(i, moved, s))),
                direction.size,
                settings,
                bounded=False,
            )
            for kind, _, a, n in slopes.judge().worst(direction.unit):
                if kind == WRONG:
                    by = [*call.names, "the pull"][i]
                    detail = f"correct the rules of {gate.name!r}: their gradient by {by} is "
                    detail += "wrong (second order); each must be written in gates"
                    at = i if i in floats else floats[0]
                    return [call.finding(at, direction.element, a, n, kind, detail)]
    return []


def _sampled(gate: Gate, rng: np.random.Generator) -> list[Sample]:
    """Inputs at which to test a gate, in double precision."""
    if not gate.elementwise:
        if gate.samples is None:
            raise CircuitError(
                f"gate {gate.name!r} has no samples to be checked at; declare it with "
                "samples=lambda rng: [((x, ...), {static})]"
            )
        return [
            (
                [doubled(as_value(x)) for x in xs],
                {name: doubled_static(given) for name, given in static.items()},
            )
            for xs, static in gate.samples(rng)
        ]
    count = len(gate.domain)
    cases: list[Sample] = []
    for full in _SHAPES:
        for whole in range(count):
            shapes = [full if i == whole else _narrower(full, rng) for i in range(count)]
            cases.append(([_draw(d, n, rng) for d, n in zip(gate.domain, shapes, strict=True)], {}))
    return cases


def _narrower(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
    """A shape that broadcasts to this one: without leading axes, or with axes of size 1."""
    kept = shape[int(rng.integers(len(shape) + 1)) :]
    return tuple(1 if rng.random() < 0.3 else n for n in kept)


def _draw(domain: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    if domain is bool:
        flags = rng.random(shape) < 0.5
        return bool(flags) if shape == () else flags
    drawn = rng.uniform(domain[0], domain[1], shape)
    return float(drawn) if shape == () else drawn


def _at_kinks(gate: Gate, rng: np.random.Generator) -> list[Sample]:
    """Inputs at which a declared kink is met exactly, as far as such are found."""
    if gate.kinks is None:
        return []
    cases: list[Sample] = []
    if not gate.elementwise:
        for xs, static in _sampled(gate, rng):
            for tie in (np.round, np.zeros_like):
                tied = [tie(x) if is_differentiable(x) and np.shape(x) else x for x in xs]
                if np.any(np.abs(kink_distance(gate, tied, static)) < 1e-12):
                    cases.append((tied, static))
                    break
        return cases
    for i, domain in enumerate(gate.domain):
        if domain is not bool:
            xs = [_draw(d, (), rng) for d in gate.domain]
            met = _nearest_kink(gate, xs, i, domain)
            if met is not None:
                cases.append(([*xs[:i], met, *xs[i + 1 :]], {}))
    return cases


def _nearest_kink(gate: Gate, xs: list[Any], i: int, domain: Any) -> float | None:
    """A value of input `i` at which the gate has a kink, the other inputs being what they are."""

    def distance(x: float) -> float:
        return float(kink_distance(gate, [*xs[:i], x, *xs[i + 1 :]], {}))

    here = distance(xs[i])
    candidates = [xs[i] - here, xs[i] + here]  # exact, where the distance is one along this input
    grid = np.linspace(domain[0], domain[1], 201)
    k = int(np.argmin([abs(distance(float(x))) for x in grid]))
    low, high = float(grid[max(k - 1, 0)]), float(grid[min(k + 1, 200)])
    for _ in range(80):
        third = (high - low) / 3.0
        if abs(distance(low + third)) < abs(distance(high - third)):
            high -= third
        else:
            low += third
    candidates.append((low + high) / 2.0)
    return next((x for x in candidates if abs(distance(x)) < 1e-12), None)
