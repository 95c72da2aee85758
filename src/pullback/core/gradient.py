"""In: wires `y` and `xs`. Out: the derivatives of `y` by `xs`, as wires of a circuit again.

Because gates' rules are written in gates, walking a circuit backwards with its wires in place of
their numbers builds the circuit that computes the gradient. It can be drawn, compiled, and
differentiated again, to any order.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from pullback.core.backward import fit, pull_through, pull_through_all, refuse_stale, seed
from pullback.core.errors import CircuitError
from pullback.core.gate import OUTPUT, constant, outputs_of
from pullback.core.registry import GATES
from pullback.core.unit import Unit, scope
from pullback.core.values import is_differentiable, zeros
from pullback.core.walk import leading_to, order


@overload
def gradient(y: Unit, xs: Unit, pull: Any = 1.0) -> Unit: ...
@overload
def gradient(y: Unit, xs: Sequence[Unit], pull: Any = 1.0) -> list[Unit]: ...
def gradient(y: Unit, xs: Unit | Sequence[Unit], pull: Any = 1.0) -> Unit | list[Unit]:
    """The derivative of `y`, pulled with force `pull`, by each of `xs`, as wires.

    d(sum(pull * y)) / dx, of the shape of x, for any wires x of the circuit, not sources alone;
    zero where y does not depend on x. `pull` is a number, array or wire that broadcasts to y.

    Raises `CircuitError` where y or an x is no wire, or carries truth values or integers, and
    `StaleError` where a source has changed since y was computed.
    Source: the chain rule; the guide, "Becoming a Backprop Ninja".

    >>> x = Unit(2.0)
    >>> dx = gradient(x**3, x)
    >>> ddx = gradient(dx, x)
    >>> dx.value, ddx.value
    (12.0, 12.0)
    """
    wanted = [xs] if isinstance(xs, Unit) else list(xs)
    for x in (y, *wanted):
        if not isinstance(x, Unit):
            raise CircuitError(f"a gradient is of a wire by wires, got {x!r}")
    wires = order([y])
    refuse_stale(wires)
    for x in wanted:
        if not is_differentiable(x._value):
            raise CircuitError(f"{x.label} carries {x.dtype} values; only floats have a gradient")
    first = pull if isinstance(pull, Unit) else constant(seed(y, pull))
    if first.shape != y.shape:
        first = GATES["broadcast_to"](first, shape=y.shape)
    flow = gradients_of_all([y], [first], wanted)
    # Each is a wire of its own, to be named: none that was there before, and not the same twice.
    taken = {*wires, first}
    gradients = []
    for x in wanted:
        found = flow[x] if x in flow else constant(zeros(x.shape, x.dtype))
        gradients.append(found * 1.0 if found in taken else found)
        taken.add(gradients[-1])
    return gradients[0] if isinstance(xs, Unit) else gradients


def gradients_of_all(
    ys: Sequence[Unit], pulls: Sequence[Unit], xs: Sequence[Unit]
) -> dict[Unit, Unit]:
    """The gradient of every wire on the way from `xs` to `ys`, as wires, in backward order.

    d(sum over all y of sum(pull * y)) / d wire; each pull is a wire of its y's shape. A wire that
    no gradient reaches is left out.

    >>> x = Unit(2.0)
    >>> q = x * 3.0
    >>> flow = gradients_of_all([q * q], [Unit(1.0)], [x])
    >>> flow[q].value, flow[x].value
    (12.0, 36.0)
    """
    path = leading_to(ys, xs)
    on_path = set(path)
    flow: dict[Unit, Unit] = {}
    for y, pull in zip(ys, pulls, strict=True):
        flow[y] = flow[y] + pull if y in flow else pull
    pulled: dict[Unit, list[Unit]] = {}  # for a gate of several outputs, those of them in `flow`
    for unit in reversed(path):
        if unit.gate is None or (unit not in flow and unit not in pulled):
            continue
        if unit.gate is OUTPUT:
            pulled.setdefault(unit.inputs[0], []).append(unit)
            continue
        with scope(f"∂{unit.scope}" if unit.scope else ""):
            found = _arriving_at_all(unit, pulled[unit], flow) if unit in pulled else None
            for i, x in enumerate(unit.inputs):
                if x not in on_path or not is_differentiable(x._value):
                    continue
                d = _arriving(unit, i, flow[unit]) if found is None else found[i]
                if d is not None:
                    d = fit(d, x.shape, x.dtype)
                    flow[x] = flow[x] + d if x in flow else d
    return flow


def _arriving(unit: Unit, i: int, g: Unit) -> Any:
    """The gradient at input i of the gate that makes a wire, as a wire."""
    gate = unit.gate
    assert gate is not None
    rule = gate.rule(i)
    try:
        if rule is not None and gate.elementwise:
            return _times(g, rule(unit, *unit.inputs))
        return pull_through(gate, i, g, unit, unit.inputs, unit.static)
    except (TypeError, AttributeError) as error:
        raise _not_of_wires(f"the rule of {gate.name!r} for its input {i + 1}", error) from error


def _times(g: Unit, local: Any) -> Any:
    """`g * local`, where neither is 1: a circuit that people read needs no gate for that."""
    if not isinstance(local, Unit):
        return g if np.ndim(local) == 0 and local == 1.0 else g * local
    if g.shape == local.shape and g.dtype == local.dtype and _is_one(g):
        return local
    return g if not local.shape and local.dtype == g.dtype and _is_one(local) else g * local


def _is_one(unit: Unit) -> bool:
    """Whether this wire carries ones, whatever happens."""
    return unit.is_constant and bool(np.all(unit._value == 1.0))


def _arriving_at_all(unit: Unit, pulled: Sequence[Unit], flow: dict[Unit, Unit]) -> Sequence[Any]:
    """The gradients at the inputs of a gate, of which some outputs are pulled, as wires."""
    gate = unit.gate
    assert gate is not None
    ys = list(outputs_of(unit))
    gs: list[Unit | None] = [None] * len(ys)
    for y in pulled:
        k = y.static["index"]
        g = gs[k]
        ys[k], gs[k] = y, flow[y] if g is None else g + flow[y]
    try:
        return pull_through_all(gate, gs, ys, unit.inputs, unit.static)
    except (TypeError, AttributeError) as error:
        raise _not_of_wires(f"the rule of {gate.name!r}", error) from error


def _not_of_wires(rule: str, error: Exception) -> CircuitError:
    return CircuitError(
        f"{rule} cannot be run on wires, as a gradient that is a circuit needs: {error}; write it "
        "in gates (pb.cos, not np.cos)"
    )


def jacobian(y: Unit, x: Unit) -> Unit:
    """The derivative of every element of `y` by every element of `x`: shape (*y.shape, *x.shape).

    One backward circuit for each element of y, so meant for small y.

    >>> x = Unit([1.0, 2.0])
    >>> jacobian(x * x, x).value
    array([[2., 0.],
           [0., 4.]])
    """
    one_hot = np.eye(y.size).reshape(y.size, *y.shape)
    rows = [gradient(y, x, pull) for pull in one_hot]
    if not rows:
        return constant(np.zeros(y.shape + x.shape, x.dtype))
    return GATES["reshape"](GATES["stack"](*rows, axis=0), shape=y.shape + x.shape)


def hessian(y: Unit, x: Unit) -> Unit:
    """The second derivatives of a one-element `y` by `x`: shape (*x.shape, *x.shape).

    Raises `CircuitError` where y has more than one element.

    >>> x = Unit([1.0, 2.0])
    >>> hessian(x[0] * x[1], x).value
    array([[0., 1.],
           [1., 0.]])
    """
    if y.size != 1:
        raise CircuitError(f"a Hessian is of one number; {y.label} has shape {y.shape}")
    return jacobian(gradient(y, x), x)


def hessian_vector_product(y: Unit, xs: Unit | Sequence[Unit], vectors: Any) -> Unit | list[Unit]:
    """The Hessian of sum(y) by `xs`, times `vectors`, without building the Hessian.

    `vectors` has a number, array or wire of the shape of each x; for one wire, one. Costs about two
    backward passes. Raises `CircuitError` where the shapes do not fit.
    Source: Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6 (1994).

    >>> x = Unit([1.0, 2.0])
    >>> hessian_vector_product(x**3, x, [1.0, 1.0]).value
    array([ 6., 12.])
    """
    wires, vectors = _paired(xs, vectors)
    products = gradient(_along(gradient(y, wires), vectors), wires)
    return products[0] if isinstance(xs, Unit) else products


def jacobian_vector_product(y: Unit, xs: Unit | Sequence[Unit], vectors: Any) -> Unit:
    """How `y` answers when each x moves along its vector: J @ v, of the shape of y.

    `vectors` as in `hessian_vector_product`.
    Source: two backward passes, as in J. Townsend, "A new trick for calculating Jacobian vector
    products" (2017): the gradient is linear in its pull, so its own gradient by the pull is J.

    >>> x = Unit([1.0, 2.0])
    >>> jacobian_vector_product(x * x, x, [1.0, 0.5]).value
    array([2., 2.])
    """
    wires, vectors = _paired(xs, vectors)
    pull = Unit(seed(y, 0.0), "pull")
    return gradient(_along(gradient(y, wires, pull), vectors), pull)


def _paired(xs: Unit | Sequence[Unit], vectors: Any) -> tuple[list[Unit], list[Any]]:
    """Wires and a vector for each, where one wire and one vector may stand alone."""
    wires, along = ([xs], [vectors]) if isinstance(xs, Unit) else (list(xs), list(vectors))
    if len(wires) != len(along):
        raise CircuitError(f"{len(wires)} wires need as many vectors, got {len(along)}")
    for x, v in zip(wires, along, strict=True):
        if np.shape(v) != x.shape:
            raise CircuitError(f"{x.label} of shape {x.shape} cannot move along {np.shape(v)}")
    return wires, along


def _along(gradients: Sequence[Unit], vectors: Sequence[Any]) -> Unit:
    """The sum of all gradients times their vectors, one number."""
    terms = [GATES["sum"].function(g * v) for g, v in zip(gradients, vectors, strict=True)]
    return functools.reduce(operator.add, terms)
