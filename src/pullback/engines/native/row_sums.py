"""In: a Program. Out: the same, in which a total over rows, and over more, is made of each row's.

Threads can then share the rows, which they cannot where all rows are added up at once; and the
result does not depend on how many threads there are. Sums over rows lie in memory while they grow,
and do so in double precision.
"""

from __future__ import annotations

import numpy as np

from pullback.core.registry import GATES
from pullback.core.unit import Unit
from pullback.program.program import Program

ROWS, ELEMENTS = 8, 1 << 14
"""Fewer rows than these are not worth sharing, nor are fewer elements in all."""


def with_row_sums(program: Program) -> Program:
    """The same Program, whose large totals go by way of each row's, and in double precision.

    >>> import pullback as pb
    >>> x = pb.Unit(np.ones((8, 64, 64)))
    >>> print([unit.static for unit in with_row_sums(Program.of([pb.sum(x)])).wires[1:]])
    [{'axis': (1, 2), 'keepdims': True}, {'axis': (0, 1, 2), 'keepdims': False}]
    """

    def become(unit: Unit, inputs: tuple[Unit, ...]) -> Unit | None:
        gate = unit.gate
        if gate is None or not gate.reduces:
            return None
        (x,), axis = inputs, unit.static["axis"]
        if axis[:1] != (0,) or x.size < ELEMENTS:
            return None
        made = x
        if (
            gate is GATES["sum"] and x.dtype == np.float32
        ):  # in memory, as many do not fit registers
            made = GATES["astype"](x, dtype=np.dtype(np.float64))
        if len(axis) > 1 and x.shape[0] >= ROWS and x.shape[0] < x.size:
            made = gate(made, axis=axis[1:], keepdims=True)
        if made is x:
            return None
        made = gate(made, **unit.static)
        return made if made.dtype == unit.dtype else GATES["astype"](made, dtype=unit.dtype)

    return program.rewritten(become)
