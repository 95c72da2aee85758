"""In: Hypothesis' choices. Out: random circuits, with what is needed to run them another way.

`circuits()` is a strategy of `RandomCircuit`s. Each is smooth around the values on its sources: no
gate stands near a kink, and every gate is inside its domain, so all ways of differentiating it
must agree. `RandomCircuit.run` evaluates it by any other reading of its gates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import strategies as st

import pullback as pb
from pullback.core.walk import order

ROWS, COLUMNS = 2, 3
SHAPES = ((), (COLUMNS,), (1,), (ROWS, 1), (ROWS, COLUMNS), (1, COLUMNS))
MARGIN = 0.02  # how far every gate stays from its kinks
LARGE = 20.0  # a wire that grows beyond is squashed

# Gates of elements: all of the registry that a float can flow through.
ELEMENTWISE = sorted(
    name
    for name, gate in pb.GATES.items()
    if gate.partials is not None and any(rule is not None for rule in gate.partials)
)
# Functions of one wire that move, join or reduce elements.
STRUCTURAL: tuple[Callable[[pb.Unit], pb.Unit], ...] = (
    lambda x: pb.sum(x),
    lambda x: pb.sum(x, axis=-1, keepdims=True) if x.ndim else x,
    lambda x: pb.mean(x, axis=0) if x.ndim else x,
    lambda x: pb.mean(x, keepdims=True),
    lambda x: pb.max(x, axis=-1) if x.ndim and _apart(x) else x,
    lambda x: pb.min(x) if _apart(x) else x,
    lambda x: pb.softmax(x) if x.ndim else x,
    lambda x: pb.log_softmax(x, axis=0) if x.ndim else x,
    lambda x: pb.logsumexp(x, axis=-1) if x.ndim else x,
    lambda x: x.T.reshape(*x.shape) if x.ndim == 2 else x,
    lambda x: pb.broadcast_to(x, (ROWS, COLUMNS)) if x.shape in SHAPES else x,
    lambda x: x[..., ::-1] if x.ndim else x,
    lambda x: x[0] if x.ndim else x,
    lambda x: pb.take(x, np.array([0, -1, 0]), axis=-1) if x.shape[-1:] == (COLUMNS,) else x,
    lambda x: pb.concatenate([x, x * 0.5], axis=-1)[..., : x.shape[-1]] if x.ndim else x,
    lambda x: pb.sum(pb.stack([x, -0.5 * x, pb.sin(x)]), axis=0),
    lambda x: pb.pad(x, 1, 0.5)[..., 1:-1][1:-1] if x.ndim == 2 else x,
    lambda x: pb.einsum("...i,...i->...i", x, x) if x.ndim else x,
    lambda x: x @ (x.T @ x) if x.ndim == 2 else x,
)


@dataclass(frozen=True)
class RandomCircuit:
    """A circuit from its `sources`, all that it has, to its `output`."""

    sources: tuple[pb.Unit, ...]
    output: pb.Unit

    @property
    def wires(self) -> list[pb.Unit]:
        """Every wire that the output is made from, inputs first."""
        return order([self.output])

    @property
    def values(self) -> list[Any]:
        """What the sources carry."""
        return [source.value for source in self.sources]

    def run(self, values: Sequence[Any], apply: Callable[..., Any]) -> Any:
        """The output at other values of the sources, where `apply(gate, *xs, **static)` computes.

        For another namespace `m`, such as `jax.numpy` with what it lacks:
        `circuit.run(values, lambda gate, *xs, **static: gate.value(m, *xs, **static))`.
        """
        carried = dict(zip(self.sources, values, strict=True))
        for unit in self.wires:
            if unit.inputs:
                xs = (carried[x] for x in unit.inputs)
                carried[unit] = apply(unit.gate, *xs, **unit.static)
            elif unit not in carried:
                carried[unit] = unit.value
        return carried[self.output]

    def __repr__(self) -> str:
        return str(pb.Circuit(self.output))


def in_namespace(m: SimpleNamespace) -> Callable[..., Any]:
    """How `RandomCircuit.run` computes each gate's `value` in the namespace `m`."""
    return lambda gate, *xs, **static: gate.value(m, *xs, **static)


@st.composite
def circuits(
    draw: st.DrawFn,
    *,
    gates: int = 10,
    dtype: Any = np.float64,
    scalar: bool | None = None,
) -> RandomCircuit:
    """Random circuits of at most about `gates` chosen gates, and a few that keep them in bounds.

    Sources have shapes that broadcast, and are Python floats now and then where they are numbers.
    `scalar` asks for an output of one number, or of whatever shape it has; None: either.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sources = []
    for k in range(draw(st.integers(1, 4))):
        shape = draw(st.sampled_from(SHAPES))
        value = np.asarray(rng.uniform(-2.0, 2.0, shape), dtype)
        plain = not shape and draw(st.booleans())
        sources.append(pb.Unit(value.item() if plain else value, f"x{k}"))
    wires = list(sources)
    for _ in range(draw(st.integers(min(3, gates), gates))):
        x = wires[draw(st.integers(0, len(wires) - 1))]
        if draw(st.integers(0, 2)):
            wires.append(_elementwise(draw, draw(st.sampled_from(ELEMENTWISE)), x, wires))
        else:
            wires.append(_bounded(draw(st.sampled_from(STRUCTURAL))(x)))
    used = {x for unit in wires for x in unit.inputs}
    ends = [unit for unit in wires if unit not in used and unit.inputs] or wires[-1:]
    output = pb.sum(ends[0]) if scalar or (scalar is None and draw(st.booleans())) else ends[0]
    for end in ends[1:]:
        output = output + pb.mean(end)
    reached = set(order([output]))
    return RandomCircuit(tuple(unit for unit in sources if unit in reached), output)


def _elementwise(draw: st.DrawFn, name: str, x: pb.Unit, wires: list[pb.Unit]) -> pb.Unit:
    """The gate of this name of x and other wires that broadcast with it, all in its domain."""
    gate = pb.GATES[name]
    inputs = []
    shape = x.shape
    for k, span in enumerate(gate.domain):
        fitting = [unit for unit in wires if _broadcasts(unit.shape, shape)]
        wire = fitting[draw(st.integers(0, len(fitting) - 1))] if k else x
        inputs.append(_truth(wire) if span is bool else _within(wire, *span))
        shape = np.broadcast_shapes(shape, wire.shape)
    if gate.kinks is not None:
        gap = gate.kinks(*(unit.value for unit in inputs))
        if np.any(np.abs(gap) < MARGIN):
            return _bounded(pb.sin(x) + 0.25)
    return _bounded(gate.function(*inputs))


def _broadcasts(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    pairs = zip(reversed(a), reversed(b), strict=False)
    return all(1 in (m, n) or m == n for m, n in pairs)


def _within(x: pb.Unit, low: float, high: float) -> pb.Unit:
    """x where all of it is well inside the interval, else x squashed into it."""
    inside = np.all((x.value > low + MARGIN) & (x.value < high - MARGIN))
    return x if inside else low + MARGIN + (high - low - 2.0 * MARGIN) * pb.sigmoid(x)


def _truth(x: pb.Unit) -> pb.Unit:
    """x compared to a number from which all of its elements keep away."""
    ordered = np.sort(np.append(np.ravel(x.value), [-LARGE, LARGE]))
    widest = int(np.argmax(np.diff(ordered)[:-1])) if ordered.size > 2 else 0
    return x > float(ordered[widest] + ordered[widest + 1]) / 2.0


def _apart(x: pb.Unit) -> bool:
    """Whether no two elements nearly tie."""
    return bool(np.all(np.diff(np.sort(np.ravel(x.value))) > MARGIN))


def _bounded(x: pb.Unit) -> pb.Unit:
    return x if np.all(np.abs(x.value) < LARGE) else pb.tanh(x * (1.0 / LARGE))
