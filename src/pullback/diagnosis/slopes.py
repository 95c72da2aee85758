"""In: the circuit of one pass. Out: whether its gradients are right, at the values that occur.

The library's own gates are tested with it; so those of the user are checked here one by one, and
the slope of the loss as a whole in a few directions.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pullback.core.double import doubled, doubled_static
from pullback.core.gate import Gate, constant
from pullback.core.rewrite import rewrite
from pullback.core.unit import Unit
from pullback.core.walk import order
from pullback.diagnosis.flow import Flow
from pullback.diagnosis.lost import inside_loop
from pullback.inspect.check import check_some
from pullback.inspect.check_local import Call
from pullback.inspect.report import GradientReport
from pullback.inspect.slope import Settings

_STEPS = 2  # of a loop, at which its gates are checked


def checked(flow: Flow) -> GradientReport:
    """What is wrong with the user's gates, or else with the loss as a function of the parameters.

    Inputs and labels stand still: no gradient needs to reach them.

    Raises `CircuitError` where nothing can be checked, as where the loss is not finite.
    """
    moving = set(flow.parameters.values())
    still = {
        unit: constant(unit.value)
        for unit in flow.circuit
        if unit.gate is None and unit not in moving
    }
    (loss,) = rewrite([flow.loss], dict(still))
    report = check_some([loss], _is_users)
    settings = Settings(1e-6, 1e-5, 1e-3, "report", np.random.default_rng(0))
    with np.errstate(all="ignore"):
        for call in _in_loops(loss):
            for finding in call.check(settings):
                report.add(finding)
    return report


def _is_users(gate: Gate) -> bool:
    return not gate.is_built_in


def _in_loops(loss: Unit) -> Iterator[Call]:
    """The calls of the user's gates inside loops, at their first steps."""
    for unit in order([loss]):
        body = unit.static.get("body")
        if body is None or not any(x.gate and _is_users(x.gate) for x in body.wires):
            continue
        for made in inside_loop(unit, [x._value for x in unit.inputs]):
            wire, gate = made.unit, made.unit.gate
            if gate is None or not _is_users(gate) or (made.step or 0) >= _STEPS:
                continue
            xs = [doubled(x) for x in made.inputs]
            names = [f"input {k} of {len(xs)}" for k in range(1, len(xs) + 1)]
            static = {name: doubled_static(value) for name, value in wire.static.items()}
            movable = [not x.is_constant for x in wire.inputs]
            yield Call(gate, xs, static, names, movable, wire.label, wire.where)
