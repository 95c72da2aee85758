"""Groups: parameters that take steps of another length, or by another optimizer, than the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from pullback.core.errors import CircuitError
from pullback.core.patterns import first_match, refuse_hidden, refuse_unknown
from pullback.core.unit import Unit
from pullback.optim.checks import positive
from pullback.optim.optimizer import WRAPPERS, Optimizer, wrapped
from pullback.optim.schedules.schedule import seeks
from pullback.optim.transform import Memory, Next, Parameters, Transform, Wires, made_of, partition


def Groups(optimizer: Optimizer, groups: Mapping[str, float | Optimizer]) -> Optimizer:
    """Parameters by name: those of a group by a factor of the rate, or by an optimizer of its own.

    The keys of `groups` are names, or patterns such as "encoder.*"; of several that name a
    parameter the first one counts, and what none names goes by `optimizer`. A number is a factor of
    the learning rate of `optimizer`, and follows it when it changes. An optimizer keeps its own
    rate or schedule, and its limits on gradients are for its group alone, as those of `optimizer`
    are for all the rest. To leave a layer where it is, freeze it.

    Raises `CircuitError` for what is no optimizer, for factors that are not positive, for an
    optimizer of its own whose rate is to be found, and, before training starts, for patterns that
    name no parameter or none that is not an earlier one's.

    >>> from pullback.optim.sgd import SGD
    >>> optimizer = Groups(SGD(0.1), {"encoder.*": 0.5, "head.*": SGD(1.0)})
    >>> names = "encoder.weight", "middle.weight", "head.weight"
    >>> moved, _ = optimizer.update([Unit(1.0)] * 3, [], {name: Unit(0.0) for name in names})
    >>> [p.value for p in moved]
    [-0.05, -0.1, -1.0]
    """
    if not isinstance(groups, Mapping) or not all(isinstance(key, str) for key in groups):
        raise CircuitError(
            f"groups are factors or optimizers by name, such as {{'head.*': 0.1}}, got {groups!r}"
        )
    plain: dict[str, float | Optimizer] = {
        pattern: own if isinstance(own, Optimizer) else _factor(pattern, own)
        for pattern, own in groups.items()
    }
    for pattern, own in plain.items():
        if isinstance(own, Optimizer) and seeks(own.learning_rate):
            raise CircuitError(
                f"the learning rate of the group {pattern!r} is still to be found, and only that "
                "of the optimizer around the groups can be: give it a number, or a factor"
            )
    patterns, owns = list(plain), list(plain.values())
    apart = [k for k, own in enumerate(owns) if isinstance(own, Optimizer)]

    def which(name: str, parameter: Unit) -> int:
        k = first_match(patterns, name)
        return 1 + apart.index(k) if k in apart else 0

    def factor(name: str) -> float:
        k = first_match(patterns, name)
        own = None if k is None else owns[k]
        return own if isinstance(own, float) else 1.0

    def wrap(step: Transform) -> Transform:
        alone = [_at_its_own_rate(own.step) for own in owns if isinstance(own, Optimizer)]
        beside = partition(which, step, *alone)

        def update(gradients: Wires, memory: Memory, parameters: Parameters) -> Next:
            outer, pairs = parameters.factors, zip(parameters.wires, parameters.names, strict=True)
            factors = {p: factor(name) * outer.get(p, 1.0) for p, name in pairs}
            return beside.update(gradients, memory, replace(parameters, factors=factors))

        whole = made_of([beside], update, beside.slots)
        refusals = partial(refuse_unknown, patterns), partial(refuse_hidden, patterns)
        return replace(whole, refusals=(*refusals, *whole.refusals))

    return wrapped("Groups", optimizer, {"groups": plain}, wrap)


def _factor(pattern: str, given: Any) -> float:
    return positive(f"the factor of {pattern!r}, if it is no optimizer,", given)


def _at_its_own_rate(step: Transform) -> Transform:
    """The step, whatever learning rate is given to others."""

    def update(gradients: Wires, memory: Memory, parameters: Parameters) -> Next:
        return step.update(gradients, memory, replace(parameters, rate=None))

    return made_of([step], update, step.slots)


WRAPPERS.add("Groups", Groups)
