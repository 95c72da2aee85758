"""In: a circuit and a pull on its outputs. Out: the gradient of every wire.

A gate tells only its local gradient: how its own output answers to each of its inputs. The chain
rule is the one multiplication (or, for a structural gate, the one call) in `pull_through`. It is
used twice. `backward`, here, walks a circuit with the numbers on its wires and writes `.grad`;
`gradient`, in `gradient.py`, walks it with the wires themselves, so its result is a circuit again.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core import floats
from pullback.core.abstract import Abstract, refuse_abstract
from pullback.core.errors import CircuitError, StaleError
from pullback.core.registry import GATES
from pullback.core.values import (
    as_value,
    is_differentiable,
    is_number,
    read_only,
    shape_of,
    zeros_like,
)
from pullback.core.walk import age

if TYPE_CHECKING:
    from pullback.core.gate import Gate
    from pullback.core.unit import Unit


def pull_through(gate: Gate, i: int, g: Any, y: Any, xs: Sequence[Any], static: Any) -> Any:
    """The gradient that arrives at input `i` of a gate when `g` arrives at its output `y`.

    `g`, `y` and `xs` are all numbers or all wires. Returns None where no gradient flows. The
    result may still have the shape to which the gate broadcast this input; see `fit`.
    """
    rule = gate.rule(i)
    if rule is None:
        return None
    return g * rule(y, *xs) if gate.elementwise else rule(g, y, *xs, **static)


def pull_through_all(
    gate: Gate, gs: Sequence[Any], ys: Sequence[Any], xs: Sequence[Any], static: Any
) -> Sequence[Any]:
    """`pull_through` for a gate of several outputs: what arrives at all of its inputs at once.

    `gs` has None for an output at which nothing arrives.
    """
    rule: Any = gate.pullback
    found = rule(gs, ys, *xs, **static)
    if not isinstance(found, tuple | list) or len(found) != len(xs):
        raise CircuitError(
            f"the rule of {gate.name!r} must answer a tuple of {len(xs)} gradients, one for each "
            f"input and None where none flows, got {found!r}"
        )
    return found


def fit(g: Any, shape: tuple[int, ...], dtype: np.dtype) -> Any:
    """`g` summed over the axes along which its wire was broadcast, and in the wire's dtype.

    This is the one place where broadcasting, and NumPy's promotion of dtypes, are undone.
    """
    if g.shape != shape:
        g = GATES["sum_to"](g, shape=shape)
    return g if g.dtype == dtype else GATES["astype"](g, dtype=dtype)


def seed(output: Unit, pull: Any) -> Any:
    """The pull on an output as a value of the output's shape and dtype."""
    if type(output._value) is float and type(pull) is float:
        return pull
    if not is_differentiable(output._value):
        raise CircuitError(
            f"{output.label} carries {output.dtype} values, on which no force can pull"
        )
    pull = as_value(pull, "a pull")
    try:
        pull = np.broadcast_to(pull, output.shape).astype(output.dtype)
    except ValueError:
        raise CircuitError(
            f"a pull of shape {shape_of(pull)} does not fit {output.label} of shape {output.shape}"
        ) from None
    return pull.item() if is_number(output._value) else pull


def backward(outputs: Sequence[Unit], pulls: Sequence[Any]) -> None:
    """Write the gradient of sum(pull * output) to `.grad` of every wire of the circuit."""
    for unit in outputs:
        if type(unit._value) is not float:
            refuse_abstract(unit)
    seeds = [seed(unit, pull) for unit, pull in zip(outputs, pulls, strict=True)]
    untouched = object()  # the `.grad` of a wire that has been found, and at which none arrived yet
    wires, pending, changed = [], list(outputs), False
    while pending:
        unit = pending.pop()
        if unit.grad is untouched:
            continue
        unit.grad = untouched
        wires.append(unit)
        if unit.inputs:
            pending += unit.inputs
        elif unit.gate is None and unit.time > unit.index:
            changed = True
    wires.sort(key=age, reverse=True)
    done = False
    try:
        if changed:
            refuse_stale(wires[::-1])
        for unit, g in zip(outputs, seeds, strict=True):
            unit.grad = g if unit.grad is untouched else unit.grad + g
        for unit in wires:
            g = unit.grad
            if g is untouched or not unit.inputs:
                continue
            if type(g) is not float or not floats.pull(unit, g, untouched):
                with np.errstate(all="ignore"):
                    _pull(unit, untouched)
        done = True
    finally:
        for unit in wires:
            if type(unit.grad) is dict:  # of several outputs, which have theirs
                unit.grad = None
            elif unit.grad is untouched:
                moves = done and not unit.is_constant and is_differentiable(unit._value)
                unit.grad = zeros_like(unit._value) if moves else None
            elif type(unit.grad) is not float:
                read_only(unit.grad)  # wires may share one array


def refuse_stale(wires: Sequence[Unit]) -> None:
    """Raise `StaleError` where a wire was computed before a source it is made from was set."""
    set_later = {unit: unit for unit in wires if unit.gate is None and unit.time > unit.index}
    if not set_later:
        return
    newest: dict[Unit, Unit] = set_later  # for each wire, the source below it that was set last
    for unit in wires:
        below = [newest[x] for x in unit.inputs if x in newest]
        if not below:
            continue
        source = newest[unit] = max(below, key=attrgetter("time"))
        if source.time > unit.time and type(unit._value) is not Abstract:
            raise StaleError(
                f"{source.label} was given a new value after {unit.label} was last computed; "
                "run forward() before backward() or gradient()"
            )


def _pull(unit: Unit, untouched: object) -> None:
    """Pass the gradient that has arrived at a wire on to the wires it is made from."""
    gate, inputs, static = unit.gate, unit.inputs, unit.static
    assert gate is not None
    if type(inputs[0]._value) is tuple:  # it is one of the outputs of a gate that has several
        (made,), k = inputs, static["index"]
        made.grad = {} if made.grad is untouched else made.grad
        made.grad[k] = made.grad[k] + unit.grad if k in made.grad else unit.grad
        return
    g: Any = unit.grad
    y: Any = unit._value
    xs: list[Any] = [x._value for x in inputs]
    if gate.pullback is not None:  # structural rules ask for shapes and dtypes
        xs = [np.asarray(x) for x in xs]
    found = None
    if gate.several:
        gs = [np.asarray(g[k]) if k in g else None for k in range(len(y))]
        found = pull_through_all(gate, gs, [np.asarray(v) for v in y], xs, static)
    elif gate.pullback is not None:
        g, y = np.asarray(g), np.asarray(y)
    for i, x in enumerate(inputs):
        value: Any = x._value
        is_number = type(value) is float
        if x.is_constant or (not is_number and not is_differentiable(value)):
            continue
        try:
            d = pull_through(gate, i, g, y, xs, static) if found is None else found[i]
        except ArithmeticError:  # Python's floats raise where NumPy's give infinity
            d = pull_through(gate, i, g, np.float64(y), [np.float64(x) for x in xs], static)
        except CircuitError as error:  # a rule knows numbers, and not whose
            raise CircuitError(f"the gradient of {unit.label} by {x.label}: {error}") from error
        if d is None:
            continue
        if is_number:
            d = d if type(d) is float else float(np.sum(d))
        else:
            d = fit(np.asarray(d), x.shape, x.dtype)
        x.grad = d if x.grad is untouched else x.grad + d
