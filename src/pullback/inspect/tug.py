"""In: a wire, and a force to pull it with. Out: how every wire answered, foretold and in truth.

A pull on the output becomes a pull on every source; the sources give way a little, and the whole
circuit moves. The gradient foretells by how much each wire moves, exactly for an infinitely small
step. Where the real answer differs, the step was too big for the circuit's curves.

The prediction is one sweep forward: each wire's tangent is its gate's local gradient applied to the
tangents of its inputs. That takes no second guess at a step size, as a finite difference would.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.circuit import Circuit
from pullback.core import walk
from pullback.core.backward import backward, pull_through
from pullback.core.errors import CircuitError
from pullback.core.gate import OUTPUT
from pullback.core.gradient import gradient
from pullback.core.rewrite import rewrite
from pullback.core.shown import Shown, Table
from pullback.core.text import brief, formula, names, number
from pullback.core.unit import Unit
from pullback.core.values import Value, is_differentiable, zeros_like
from pullback.core.walk import forward, order
from pullback.inspect.arguments import positive
from pullback.inspect.sizes import norm

_CLOSE = 0.1  # how far the real answer may be from the predicted one, as a share of it
_SHOWN = 60  # wires; of a longer circuit the sources and the last gates are printed


@dataclass(frozen=True, eq=False)
class TugRow:
    """How one wire answered: its value before, the change foretold, and the change that came."""

    wire: Unit
    text: str
    before: Value
    predicted: Value
    real: Value
    as_predicted: bool


@dataclass(frozen=True, eq=False, repr=False)
class Tug(Shown):
    """How a circuit answered a pull, as a table. `undo` takes the step back.

    `rows` has every wire that carries numbers, in running order. `predicted` and `real` are the
    changes of the output; of several output elements, those of their sum.
    """

    force: Any
    step: float
    rows: tuple[TugRow, ...]
    outputs: tuple[Unit, ...]
    predicted: float
    real: float
    _before: Mapping[Unit, Value]

    @property
    def small_enough(self) -> bool:
        """Whether every wire answered about as the gradient foretold."""
        return all(row.as_predicted for row in self.rows)

    @property
    def disagreeing(self) -> tuple[Unit, ...]:
        """The wires that did not, in running order."""
        return tuple(row.wire for row in self.rows if not row.as_predicted)

    def undo(self) -> None:
        """Give every wire the value that it had before."""
        now = walk.tick()
        for unit, value in self._before.items():
            unit._value, unit.time = value, now

    def _says(self) -> Iterator[str | Table]:
        cells = []
        for row in _middle_left_out(self.rows):
            if row is None:
                cells.append(("…", "", "", "", ""))
                continue
            changes = (_signed(row.predicted), _signed(row.real))
            mark = "" if row.as_predicted else "← not as predicted"
            cells.append((row.text, brief(row.before), *changes, mark))
        yield Table(("wire", "before", "predicted", "real", ""), cells)
        yield self._in_words()

    def _in_words(self) -> str:
        what = "the output" if sum(unit.size for unit in self.outputs) == 1 else "the outputs' sum"
        if not np.isfinite(self.real):
            came = f"{what} is not finite any more"
        elif self.real == 0.0:
            came = f"{what} did not move"
        else:
            came = f"{what} {'rose' if self.real > 0 else 'fell'} by {number(abs(self.real))}"
        turn = "but" if self.predicted * self.real < 0 else ""
        direction = {1.0: "a rise of ", -1.0: "a fall of "}.get(np.sign(self.predicted), "")
        foretold = f"{direction if turn else ''}{number(abs(self.predicted))} was predicted"
        said = f"{came}, {f'{turn} ' if turn else ''}{foretold}"
        if self.small_enough:
            return f"the step is small enough: {said}"
        first = next(row.text for row in self.rows if not row.as_predicted)
        return f"the step is too big: {said}; the first wire to differ is {first}"


def tug(wire_or_circuit: Unit | Circuit, force: Any = 1.0, step: float = 0.01) -> Tug:
    """Pull on a wire, let the sources give way by a step along their pull, and watch every wire.

    x + step * d(sum(force * wire))/dx for each float source x, then a forward pass. `force` is a
    number or an array that broadcasts to the wire; a negative one asks it to fall. Constants hold.

    Raises `CircuitError` where no source can move, a pull is not finite, or `wire` carries no
    numbers. Source: the guide, "Backpropagation", and "Example: Single Neuron".

    >>> x, y, z = Unit(-2.0, "x"), Unit(5.0, "y"), Unit(-4.0, "z")
    >>> answer = tug((x + y) * z)
    >>> print(answer)
    wire          before  predicted  real
    x             -2      -0.04      -0.04
    y             5       -0.04      -0.04
    z             -4      +0.03      +0.03
    v1 = x + y    3       -0.08      -0.08
    out = v1 * z  -12     +0.41      +0.4076
    the step is small enough: the output rose by 0.4076, 0.41 was predicted
    >>> answer.undo()
    >>> x.value
    -2.0
    """
    single = isinstance(wire_or_circuit, Unit)
    if not single and not isinstance(wire_or_circuit, Circuit):
        kind = type(wire_or_circuit).__name__
        raise CircuitError(f"tug pulls on a Unit or a Circuit, got {kind}")
    outputs = (wire_or_circuit,) if single else wire_or_circuit.outputs
    wires = order(outputs)
    sources = [u for u in wires if u.gate is None and is_differentiable(u.value)]
    if not sources:
        raise CircuitError(f"{outputs[0].label} depends on no source of numbers that could move")
    positive(step=step, cure="a negative force pulls the other way")
    with np.errstate(all="ignore"):  # a step that is too big is told of in the table
        return _pulled(outputs, wires, sources, force, step)


def _pulled(
    outputs: Sequence[Unit], wires: list[Unit], sources: list[Unit], force: Any, step: float
) -> Tug:
    forward(outputs)
    backward(outputs, [force] * len(outputs))
    for x in sources:
        if not np.all(np.isfinite(x.grad)):
            raise CircuitError(
                f"the pull on {x.label} is not finite; pb.check_gradients says where that begins"
            )
    before = {unit: unit.value for unit in wires}
    moves = {x: _scaled(x, step) for x in sources}
    tangents = _tangents(wires, moves)
    named = names(wires, outputs)
    for x, move in moves.items():
        x.value = x.value + move
    forward(outputs)
    rows = []
    expected: dict[Unit, float] = {}
    for unit in wires:
        # At the bottom of a valley a wire hardly answers, and what it does the gradient cannot see:
        # then it is allowed a share of what moved it.
        moved = max((expected[x] for x in _made_of(unit)), default=0.0)
        expected[unit] = norm(tangents[unit]) or moved
        if unit.is_constant or not is_differentiable(unit.value):
            continue
        text = f"{named[unit]} = {formula(unit, named)}" if unit.inputs else named[unit]
        real = unit.value - before[unit]
        agree = _agree(before[unit], tangents[unit], real, expected[unit])
        rows.append(TugRow(unit, text, before[unit], tangents[unit], real, agree))
    return Tug(
        force,
        step,
        tuple(rows),
        tuple(outputs),
        float(sum(np.sum(tangents[unit]) for unit in outputs)),
        float(sum(np.sum(unit.value - before[unit]) for unit in outputs)),
        before,
    )


def _scaled(x: Unit, step: float) -> Value:
    move = x.grad * step
    return move if type(move) is float else np.asarray(move).astype(x.dtype)


def _tangents(wires: list[Unit], moves: Mapping[Unit, Value]) -> dict[Unit, Value]:
    """For each wire, how it moves to first order when the sources make these moves."""
    tangents: dict[Unit, Value] = {}
    moving: set[Unit] = set(moves)
    for unit in wires:
        if unit in moves:
            tangents[unit] = moves[unit]
            continue
        total = zeros_like(unit.value) if is_differentiable(unit.value) else 0.0
        if is_differentiable(unit.value):
            for i, x in enumerate(_made_of(unit)):
                if x in moving:
                    total = total + _carried(unit, i, tangents[x])
                    moving.add(unit)
        tangents[unit] = total
    return tangents


def _made_of(unit: Unit) -> tuple[Unit, ...]:
    """The inputs of the gate that makes a wire, which may be one of several that it makes."""
    return unit.inputs[0].inputs if unit.gate is OUTPUT else unit.inputs


def _carried(unit: Unit, i: int, tangent: Value) -> Value:
    """What the tangent of input `i` adds to the tangent of a gate's output."""
    gate = unit.gate
    assert gate is not None
    if gate.elementwise:
        # An elementwise local gradient is diagonal: forwards and backwards it multiplies alike.
        xs = [x.value for x in unit.inputs]
        try:
            carried = pull_through(gate, i, tangent, unit.value, xs, unit.static)
        except ArithmeticError:  # Python's floats raise where NumPy's give infinity
            xs = [np.float64(x) for x in xs]
            carried = pull_through(gate, i, tangent, np.float64(unit.value), xs, unit.static)
        return 0.0 if carried is None else carried
    # The pull that arrives at the input is linear in the pull on the output, so the gradient of
    # that circuit, by the pull, is the local gradient the other way round.
    inputs = [Unit(np.asarray(x.value)) for x in _made_of(unit)]
    (made,) = rewrite([unit], dict(zip(_made_of(unit), inputs, strict=True)))
    pull = Unit(np.zeros(unit.shape, unit.dtype))
    arrived = gradient(made, inputs[i], pull)
    if arrived.is_constant:
        return 0.0
    backward([arrived], [tangent])
    return 0.0 if pull.grad is None else pull.grad


def _agree(before: Value, predicted: Value, real: Value, expected: float) -> bool:
    """Whether a wire moved as foretold, but for a tenth of that and for the rounding of values."""
    if not np.size(real):
        return True
    if not np.all(np.isfinite(real)):
        return not np.all(np.isfinite(before))
    rounding = 16.0 * float(np.finfo(np.asarray(before).dtype).eps) * norm(before)
    return norm(np.subtract(real, predicted)) <= _CLOSE * expected + rounding


def _middle_left_out(rows: tuple[TugRow, ...]) -> list[TugRow | None]:
    if len(rows) <= _SHOWN:
        return list(rows)
    shown = [row for row in rows[:-10] if row.wire.gate is None or not row.as_predicted]
    return [*shown[: _SHOWN - 10], None, *rows[-10:]]


def _signed(change: Value) -> str:
    text = brief(change)
    return f"+{text}" if not np.ndim(change) and change > 0.0 else text
