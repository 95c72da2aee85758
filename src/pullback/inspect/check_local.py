"""In: one gate, at some inputs. Out: where its rule and what the gate does differ.

The rule is held against the slopes that are measured by moving one input at a time. An elementwise
gate tells all its slopes in one measurement; of any other, the pulls that arrive at an input are
the slopes of the output along the forces that pulled.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.backward import backward, fit, pull_through
from pullback.core.gate import Gate
from pullback.core.unit import Unit
from pullback.core.values import is_differentiable
from pullback.gates.elementary import stop_gradient
from pullback.gates.shape import concatenate, reshape
from pullback.inspect.report import WRONG, GradientFinding
from pullback.inspect.sizes import largest
from pullback.inspect.slope import (
    FEW,
    Settings,
    Slopes,
    apart,
    directions,
    index,
    kink_within,
    mover,
    random_signs,
    step_lengths,
)

PEGS = (stop_gradient.gate,)  # through these the gradient is meant to be wrong


@dataclass(frozen=True)
class Call:
    """A gate at some inputs, and how messages name it. Only inputs that can move are checked."""

    gate: Gate
    xs: Sequence[Any]
    static: Mapping[str, Any]
    names: Sequence[str]
    movable: Sequence[bool]
    wire: str = "the gate alone"
    where: str = ""

    def check(self, settings: Settings) -> list[GradientFinding]:
        """The worst disagreement by each input, and of each kind."""
        y = as_one(self.gate(*self.xs, **self.static))
        if not is_differentiable(y) or self.gate in PEGS:
            return []
        check = _check_elementwise if self.gate.elementwise else _check_structural
        return check(self, y, settings)

    @property
    def floats(self) -> list[int]:
        """The inputs that gradients flow into."""
        return [i for i, x in enumerate(self.xs) if is_differentiable(x)]

    def at(self, i: int, moved: Any) -> list[Any]:
        """The inputs, with input `i` at another value."""
        return [moved if k == i else x for k, x in enumerate(self.xs)]

    def value(self, i: int, moved: Any) -> np.ndarray:
        """The output with input `i` at another value, as a flat array."""
        y = as_one(self.gate(*self.at(i, moved), **self.static))
        return np.ravel(np.asarray(y, dtype=float))

    def near(self, i: int, moved: Callable[[float], Any], s: float) -> np.ndarray:
        """Whether a declared kink lies within a step s of input `i`: a flag, or one an element."""
        if self.gate.kinks is None:
            return np.array(False)
        at = [kink_distance(self.gate, self.at(i, moved(t)), self.static) for t in (0.0, s, -s)]
        return kink_within(at[0], at[1:])

    def finding(
        self, i: int, element: Any, a: float, n: float, kind: str, detail: str = ""
    ) -> GradientFinding:
        """What was found by moving input `i`."""
        named = (self.gate.name, self.wire, self.where, self.names[i])
        return GradientFinding(*named, element, a, n, kind, detail)

    def broken(self, i: int, detail: str) -> GradientFinding:
        """That the rule of input `i` answers no number at all."""
        return self.finding(i, None, np.nan, np.nan, WRONG, detail)


def as_one(made: Any) -> Any:
    """What a gate makes; of several outputs, all that are floats behind one another."""
    if not isinstance(made, tuple):
        return made
    values = (x.value if isinstance(x, Unit) else x for x in made)
    moving = [x for x, value in zip(made, values, strict=True) if is_differentiable(value)]
    return concatenate([reshape(x, -1) for x in moving]) if moving else made[0]


def kink_distance(gate: Gate, xs: Sequence[Any], static: Mapping[str, Any]) -> np.ndarray:
    """How far inputs are from the kinks that a gate declares."""
    assert gate.kinks is not None
    return np.asarray(gate.kinks(*xs, **static), dtype=float)


def positional(function: Any) -> list[str]:
    """The names of the arguments that a function takes by position, as far as it tells."""
    try:
        known = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in known if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def _check_elementwise(call: Call, y: Any, settings: Settings) -> list[GradientFinding]:
    """Each output element hangs on one element of each input, so all are moved at once."""
    findings = []
    shape = np.shape(y)
    for i in call.floats:
        x = call.xs[i]
        if not call.movable[i]:
            continue
        try:
            partial = _partial(call, i, y)
        except Exception as error:
            findings.append(call.broken(i, _raised(error)))
            continue
        if np.shape(partial) != shape:
            detail = f"the partial must broadcast to the output's shape {shape}; with it the "
            detail += f"gradient has shape {np.shape(partial)}"
            findings.append(call.broken(i, detail))
            continue
        if not np.size(y):
            continue
        lengths = step_lengths(x)
        moved = mover(x, lengths)
        units = np.ravel(np.broadcast_to(lengths, shape))
        slopes = Slopes(
            np.ravel(partial) * units,
            lambda s: call.value(i, moved(s)),
            lambda s: np.ravel(np.broadcast_to(call.near(i, moved, s), shape)),
            units,
            settings,
        )
        for kind, k, a, n in slopes.judge().worst(units):
            findings.append(call.finding(i, index(k, shape), a, n, kind))
    return findings


def _partial(call: Call, i: int, y: Any) -> Any:
    """The local gradient by input `i` for every output element."""
    one = 1.0 if type(y) is float else np.ones(np.shape(y))
    try:
        d = pull_through(call.gate, i, one, y, call.xs, call.static)
    except ArithmeticError:  # Python's floats raise where NumPy's give infinity
        xs = [np.asarray(x) for x in call.xs]
        d = pull_through(call.gate, i, one, np.asarray(y), xs, call.static)
    return np.zeros(np.shape(y)) if d is None else np.asarray(d, dtype=float)


def _check_structural(call: Call, y: Any, settings: Settings) -> list[GradientFinding]:
    """All slopes of all outputs where there are few, else projections on random forces."""
    n_out = np.size(y)
    if not n_out:
        return []
    forces = np.eye(n_out) if n_out <= FEW else random_signs(settings.rng, (4, n_out))
    sources = [Unit(np.array(x) if is_differentiable(x) else x) for x in call.xs]
    pulled: list[list[Any]] = []
    try:
        out = as_one(call.gate(*sources, **call.static))
        for force in forces:
            backward([out], [force.reshape(np.shape(y))])
            pulled.append([x.grad for x in sources])
    except Exception as error:
        return [call.broken(_raising_input(call, y), _raised(error))]
    findings = []
    for i in call.floats:
        x = call.xs[i]
        if not call.movable[i] or not np.size(x):
            continue
        grads = np.array([np.ravel(row[i]) for row in pulled])
        worst: dict[str, tuple[float, GradientFinding]] = {}
        for direction in directions(x, settings.rng):
            moved = mover(x, direction.along)
            slopes = Slopes(
                direction.slope(grads),
                lambda s: call.value(i, moved(s)),
                lambda s: bool(np.any(call.near(i, moved, s))),
                direction.size,
                settings,
                None if n_out <= FEW else forces,
                largest=largest(grads) * direction.size,
            )
            for kind, _, a, n in slopes.judge().worst(direction.unit):
                if kind not in worst or apart(a, n) > worst[kind][0]:
                    worst[kind] = apart(a, n), call.finding(i, direction.element, a, n, kind)
        findings += [finding for _, finding in worst.values()]
    return findings


def _raised(error: Exception) -> str:
    return f"the rule raised {type(error).__name__}: {error}"


def _raising_input(call: Call, y: Any) -> int:
    """The input whose rule raises, or answers in a shape that does not fit the input."""
    xs = [np.asarray(x) for x in call.xs]
    for i in call.floats if not call.gate.several else []:
        try:
            d = pull_through(call.gate, i, np.ones(np.shape(y)), np.asarray(y), xs, call.static)
            if d is not None:
                fit(np.asarray(d), xs[i].shape, xs[i].dtype)
        except Exception:
            return i
    return call.floats[0]
