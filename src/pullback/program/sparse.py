"""In: arithmetic on a table that is zero but for a few rows. Out: the same on these rows alone.

The gradient of an embedding is such a table: scatter_add(0, rows, g). A row that is named twice has
two parts in g, which are first added up, where it is named first: of `compact` parts, each row has
one, and zeros. What makes zero of zero can then be done to the parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from pullback.core.gate import constant
from pullback.core.registry import GATES
from pullback.core.unit import Unit
from pullback.program.patterns import Inputs, Rule, made_by, number_on

_WORTH = 2  # numbers of the table for each pair of rows, from which on it pays to compare them


def sparse_step(table: Unit, step: Unit) -> Unit | None:
    """table - rate * scatter_add(0, rows, g) touches only the rows: scatter_add(table, rows, …).

    The rate may be a product of several numbers, one of which shortens the gradients, say.
    """
    rate: Unit | None = None
    whole = step
    while made_by(whole, "multiply"):
        a, b = whole.inputs if whole.inputs[0].shape == () else whole.inputs[::-1]
        if a.shape != () or b.shape != table.shape:
            return None
        rate, whole = a if rate is None else rate * a, b
    if rate is None or whole.shape != table.shape or not _is_of_rows(whole):
        return None
    _, rows, g = whole.inputs
    return GATES["scatter_add"](table, rows, -(rate * g), **whole.static)


def sparse_sum(table: Unit, step: Unit) -> Unit | None:
    """table + scatter_add(0, rows, g), of a table that is a source, touches only the rows, too."""
    if table.gate is not None or table.is_constant or table.shape != step.shape:
        return None
    if not _is_of_rows(step):
        return None
    _, rows, g = step.inputs
    return GATES["scatter_add"](table, rows, g, **step.static)


def sum_of_rows(a: Unit, b: Unit) -> Unit | None:
    """Two such tables added, as of an embedding that is asked twice, are one of both rows."""
    if not (_is_of_rows(a) and _is_of_rows(b)) or a.shape != b.shape:
        return None
    if a.static["axis"] != 0 or b.static["axis"] != 0:
        return None
    parts = [(_flat(rows), g) for _, rows, g in (a.inputs, b.inputs)]
    width = a.shape[1:]
    rows = GATES["concatenate"](*(rows for rows, _ in parts), axis=0)
    gs = [GATES["reshape"](g, shape=(prod(rows.shape), *width)) for rows, g in parts]
    return GATES["scatter_add"](a.inputs[0], rows, GATES["concatenate"](*gs, axis=0), axis=0)


def _flat(rows: Unit) -> Unit:
    """The numbers of rows in one line, as int64."""
    line = GATES["reshape"](rows, shape=(prod(rows.shape),))
    return GATES["astype"](line, dtype=np.dtype(np.int64))


def sum_of_squares(x: Unit, static: Mapping[str, Any]) -> Unit | None:
    """The sum of all squares of such a table, as in the length of a gradient, is that of its rows.

    It may be taken in another dtype.
    """
    if static["keepdims"] or static["axis"] != tuple(range(len(x.shape))):
        return None
    if not made_by(x, "multiply") or x.inputs[0] is not x.inputs[1]:
        return None
    whole = x.inputs[0]
    table = whole.inputs[0] if made_by(whole, "astype") else whole
    parts = _compact(table)
    if parts is None:
        return None
    parts = parts if table is whole else GATES["astype"](parts, **whole.static)
    return GATES["sum"](parts * parts, axis=(0, 1), keepdims=False)


def _clip(inputs: Inputs, static: Mapping[str, Any]) -> Unit | None:
    """Such a table clipped is the table of its rows clipped, where 0 lies between the limits."""
    table, low, high = inputs
    least, most = number_on(low), number_on(high)
    if low.shape or high.shape or least is None or most is None or not least <= 0.0 <= most:
        return None
    parts = _compact(table)
    if parts is None:
        return None
    zero, rows, g = table.inputs
    kept = GATES["reshape"](GATES["clip"](parts, low, high), shape=g.shape)
    return GATES["scatter_add"](zero, rows, kept, **table.static)


def _is_of_rows(table: Unit) -> bool:
    """Whether a wire is zero but for rows that are added to it."""
    return made_by(table, "scatter_add") and number_on(table.inputs[0]) == 0.0


def _compact(table: Unit) -> Unit | None:
    """The rows' parts (count, numbers of a row), each row's whole where it is named first, else 0.

    None where the wire is no such table, or the rows are so many that this would not pay.
    """
    if not _is_of_rows(table) or table.static["axis"] != 0:
        return None
    _, rows, g = table.inputs
    count, width = prod(rows.shape), prod(table.shape[1:])
    if not 0 < count < table.shape[0] or count * count * _WORTH > table.size:
        return None
    named = _flat(rows)
    below = GATES["less"](named, np.array(0))
    named = GATES["where"](below, named + np.array(table.shape[0]), named)
    across = GATES["reshape"](named, shape=(1, count))
    same = GATES["equal"](GATES["reshape"](named, shape=(count, 1)), across)
    first = GATES["min"](
        GATES["where"](same, np.arange(count), np.array(count)), axis=(1,), keepdims=False
    )
    parts = GATES["reshape"](g, shape=(count, width))
    return GATES["scatter_add"](constant(np.zeros((count, width), g.dtype)), first, parts, axis=0)


RULES: dict[str, Rule] = {"clip": _clip}
