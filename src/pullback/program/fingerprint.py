"""In: a Program. Out: a text that says all that decides what it compiles to, and nothing else.

Two Programs have the same one where they are made of the same gates, wired in the same way, from
sources of the same shapes, in this process or another. What is on their sources does not matter.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from pullback.core.unit import Unit
from pullback.core.values import dtype_of, kind_of
from pullback.core.walk import with_inside
from pullback.gates.body import Body
from pullback.program.program import Program


def numbered(program: Program) -> list[Unit]:
    """All wires of a Program, those inside its loops as well, and state that nothing reads.

    They stand in an order that is the same for all Programs of one fingerprint.
    """
    return list(dict.fromkeys([*with_inside(program.wires), *program.updates]))


def fingerprint(program: Program) -> str | None:
    """The fingerprint of a Program; None where a gate is not the library's own.

    What a gate of somebody else's computes may change without a change of its name.

    >>> def program(value, name="x"):
    ...     x = Unit(value, name)
    ...     return Program({"x": x}, {"y": x * 2.0}, {})
    >>> fingerprint(program(1.0)) == fingerprint(program(3.0))
    True
    >>> fingerprint(program(1.0)) == fingerprint(program([3.0]))
    False
    """
    wires = numbered(program)
    numbers = {unit: k for k, unit in enumerate(wires)}
    digest = hashlib.sha256()
    try:
        for unit in wires:
            digest.update(repr(_said(unit, numbers)).encode())
            if unit.is_constant:
                digest.update(np.asarray(unit.value).tobytes())
    except _Foreign:
        return None
    for given in (program.inputs, program.outputs):
        named = [(name, numbers.get(unit)) for name, unit in given.items()]
        digest.update(repr(named).encode())
    updates = [(numbers[state], numbers[new]) for state, new in program.updates.items()]
    digest.update(repr(updates).encode())
    return digest.hexdigest()


class _Foreign(Exception):
    """Something of a wire is not the library's own."""


def _said(unit: Unit, numbers: dict[Unit, int]) -> tuple[Any, ...]:
    """What decides what a wire compiles to: its gate, what goes in, and what it carries.

    Where whole numbers go in, which may be indices out of bounds, also how a refusal names it.
    """
    gate = unit.gate
    if gate is not None and not gate.value.__module__.startswith("pullback."):
        raise _Foreign
    static = [(name, _plain(value, numbers)) for name, value in unit.static.items()]
    inputs = [numbers[x] for x in unit.inputs]
    indices = any(dtype_of(x._value).kind in "iu" for x in unit.inputs)
    labels = [x.label for x in (unit, *unit.inputs)] if indices else []
    return gate and gate.name, inputs, static, kind_of(unit._value), labels


def _plain(value: Any, numbers: dict[Unit, int]) -> Any:
    """A static argument as something whose `repr` says all of it."""
    if value is None or value is Ellipsis or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.dtype):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(x, numbers) for x in value]
    if isinstance(value, slice):
        return "slice", *(_plain(x, numbers) for x in (value.start, value.stop, value.step))
    if isinstance(value, Body):
        parts = value.carries, value.elements, value.parameters
        parts += value.nexts, value.outputs, value.sums
        return [[numbers[unit] for unit in part] for part in parts]
    raise _Foreign
