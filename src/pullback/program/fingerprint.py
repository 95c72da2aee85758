"""In: a Program. Out: a text that says all that decides what it compiles to, and nothing else.

Two Programs have the same one where they are made of the same gates, wired in the same way, from
sources of the same shapes, in this process or another. What is on their sources does not matter.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from pullback.core.gate import CONSTANT, Gate
from pullback.core.unit import Unit
from pullback.core.values import dtype_of, kind_of
from pullback.core.walk import with_inside
from pullback.gates.body import Body
from pullback.program.program import Program


def numbered(program: Program) -> list[Unit]:
    """All wires of a Program, those inside its loops as well, and state that nothing reads.

    They stand in an order that is the same for all Programs of one fingerprint.
    """
    found: dict[Unit, None] = {}
    for unit in with_inside(program.wires):
        found[unit] = None
        for value in unit.static.values():
            found |= dict.fromkeys(value.sources if isinstance(value, Body) else ())
    return list(found | dict.fromkeys(program.updates))


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
    digest.update(repr([name for name in program.outputs if name in program.seldom]).encode())
    for given in (program.inputs, program.outputs):
        named = [(name, numbers.get(unit)) for name, unit in given.items()]
        digest.update(repr(named).encode())
    updates = [(numbers[state], numbers[new]) for state, new in program.updates.items()]
    digest.update(repr(updates).encode())
    # Whole numbers may be indices out of bounds, and then a refusal names wires.
    if any(dtype_of(x._value).kind in "iu" for unit in wires for x in unit.inputs):
        digest.update(repr([unit.label for unit in wires]).encode())
    return digest.hexdigest()


class _Foreign(Exception):
    """Something of a wire is not the library's own."""


def _said(unit: Unit, numbers: dict[Unit, int]) -> tuple[Any, ...]:
    """What decides what a wire compiles to: its gate, what goes in, and what it carries."""
    gate = unit.gate
    if gate is not None and not _is_ours(gate):
        raise _Foreign
    static = [(name, _plain(value, numbers)) for name, value in unit.static.items()]
    kind = kind_of(unit._value), type(unit._value).__name__ if unit.is_constant else ""
    return gate and gate.name, [numbers[x] for x in unit.inputs], static, kind


def _is_ours(gate: Gate) -> bool:
    """Whether a gate is the library's own, and not put into its registry by somebody else."""
    module = getattr(gate.value, "__module__", None) or ""
    return gate is CONSTANT or (gate.is_built_in and module.split(".")[0] == "pullback")


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
