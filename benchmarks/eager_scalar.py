"""Scalar circuits run eagerly: built from numbers, and pulled on for their gradients.

Compared: the same expressions with micrograd's objects. It is fair because both are plain Python
that builds and differentiates the same circuit to the same gradients; both run in turn in one
process, on the processor's own clock, so that whatever slows one slows the other.
"""

from __future__ import annotations

import gc
import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from micrograd.engine import Value

import pullback as pb
from benchmarks.measure import Line, Times, lines_of

GOAL = 1 / 1.2  # ours may cost 1.2 times micrograd's, at most

Wires = Callable[[float], Any]  # what makes a source of a number: pb.Unit or micrograd's Value
Circuit = Callable[[Wires, Callable[[Any], Any]], tuple[list[Any], Any]]


def neuron(wire: Wires, relu: Callable[[Any], Any]) -> tuple[list[Any], Any]:
    """The guide's neuron of two inputs, with the rectifier that micrograd has."""
    a, b, c, x, y = sources = [wire(v) for v in (1.0, 2.0, -3.0, -1.0, 3.0)]
    return sources, relu(a * x + b * y + c)


def readme(wire: Wires, relu: Callable[[Any], Any]) -> tuple[list[Any], Any]:
    """The expression of micrograd's README: sums, products, powers, rectifiers, a division."""
    a, b = sources = [wire(-4.0), wire(2.0)]
    c = a + b
    d = a * b + b**3
    c = c + (c + 1.0)
    c = c + (1.0 + c + (-a))
    d = d + (d * 2.0 + relu(b + a))
    d = d + (3.0 * d + relu(b - a))
    e = c - d
    f = e**2
    g = f / 2.0
    g = g + 10.0 / f
    return sources, g


def network(wire: Wires, relu: Callable[[Any], Any]) -> tuple[list[Any], Any]:
    """The guide's two-layer network of three hidden neurons, and the hinge loss of three points."""
    rng = random.Random(0)
    hidden = [[wire(rng.uniform(-0.5, 0.5)) for _ in range(3)] for _ in range(3)]
    out = [wire(rng.uniform(-0.5, 0.5)) for _ in range(4)]
    loss = 0.0
    for x, y, label in [(1.2, 0.7, 1.0), (-0.3, -0.5, -1.0), (3.0, 0.1, 1.0)]:
        n = [relu(a * x + b * y + c) for a, b, c in hidden]
        score = out[0] * n[0] + out[1] * n[1] + out[2] * n[2] + out[3]
        loss = loss + relu(score * -label + 1.0)
    return [p for row in (*hidden, out) for p in row], loss


def chain(wire: Wires, relu: Callable[[Any], Any]) -> tuple[list[Any], Any]:
    """A thousand gates in a row: times w and plus b, five hundred times."""
    x, w, b = sources = [wire(0.5), wire(0.999), wire(0.001)]
    y = x
    for _ in range(500):
        y = y * w + b
    return sources, y


CIRCUITS: tuple[Circuit, ...] = (neuron, readme, network, chain)


def ours(circuit: Circuit) -> tuple[list[float], float]:
    """Build and pull with pullback; returns the gradients and the output."""
    sources, y = circuit(pb.Unit, pb.relu)
    y.backward()
    return [unit.grad for unit in sources], y.value


def theirs(circuit: Circuit) -> tuple[list[float], float]:
    """Build and pull with micrograd, which recurses; returns the gradients and the output."""
    sources, y = circuit(Value, Value.relu)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000)
    y.backward()
    sys.setrecursionlimit(limit)
    return [value.grad for value in sources], y.data


def _seconds(run: Callable[[Circuit], Any], circuit: Circuit, times: int) -> float:
    """Processor time for one run; the clock on the wall would count our neighbours' work too."""
    start = time.process_time()
    for _ in range(times):
        run(circuit)
    return (time.process_time() - start) / times


def _same(a: list[float], b: list[float]) -> bool:
    return all(abs(x - y) <= 1e-9 * max(1.0, abs(y)) for x, y in zip(a, b, strict=True))


def measure(quick: bool) -> list[Line]:
    """Two lines for each circuit, from rounds of about a hundredth of a second a side.

    Raises `AssertionError` where the two libraries do not compute the same numbers.
    """
    rounds, budget = (5 if quick else 61), 0.01
    lines: list[Line] = []
    for circuit in CIRCUITS:
        (our_grads, our_value), (their_grads, their_value) = ours(circuit), theirs(circuit)
        assert _same([our_value, *our_grads], [their_value, *their_grads]), circuit.__name__
        _, y = circuit(pb.Unit, pb.relu)
        times = max(1, int(budget / _seconds(ours, circuit, 3)))
        gc.collect()
        spent: dict[Callable[..., Any], list[float]] = {ours: [], theirs: []}
        for k in range(rounds):
            for run in (ours, theirs) if k % 2 else (theirs, ours):
                spent[run].append(_seconds(run, circuit, times))
        mine, other = (Times(statistics.median(s), min(s)) for s in spent.values())
        case = f"{circuit.__name__}, {len(pb.Circuit(y)):,} gates"
        lines += lines_of(case, {"pullback": mine, "micrograd": other}, {"micrograd": GOAL})
    return lines
