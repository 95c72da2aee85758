"""In: numbers, sizes and walks. Out: how Python and NumPy write them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pullback.core.unit import Unit
from pullback.source.dialect import ATOM, SIGN, Shape, Text


def spelled(value: float, dtype: np.dtype, short: bool = False) -> Text:
    """A number as short as its dtype allows; `short`: without a point where it is whole."""
    if isinstance(value, bool):
        return Text(str(value))
    if not math.isfinite(value):
        code = "np.nan" if value != value else "np.inf" if value > 0 else "-np.inf"
    elif isinstance(value, int) or (short and is_whole(value)):
        code = str(int(value))
    else:
        code = str(dtype.type(value)) if dtype.kind == "f" else repr(value)
    return Text(code, SIGN if code.startswith("-") else ATOM)


def is_whole(value: float) -> bool:
    """Whether a number is a small whole one; -0 is not."""
    return abs(value) < 1e6 and value == int(value) and (value != 0 or math.copysign(1, value) > 0)


def typed(dtype: np.dtype) -> str:
    return {"float64": "float", "bool": "bool", "int64": "int"}.get(dtype.name, f"np.{dtype.name}")


def axis_of(unit: Unit, always: bool = False) -> str:
    """What a reduction is extra, as further arguments; nothing where it is about all elements."""
    axis, extra = unit.static["axis"], ""
    if always or axis != tuple(range(unit.inputs[0].ndim)):
        extra = f", axis={one(axis) if isinstance(axis, tuple) else axis}"
    return extra + ", keepdims=True" * bool(unit.static.get("keepdims"))


def one(numbers: Sequence[int]) -> str:
    """One number, an axis or a size, or several."""
    return str(numbers[0]) if len(numbers) == 1 else str(tuple(numbers))


def product_of(a: Shape, b: Shape) -> Shape | None:
    """The shape of a matrix product, or None where there is none."""
    try:
        return np.matmul(np.empty(a), np.empty(b)).shape
    except ValueError:
        return None


def keys_of(walks: Sequence[tuple[int, int, int]], source: Shape, kept: Shape) -> str | None:
    """The walks through an array of shape `source` as an index that gives the shape `kept`.

    >>> keys_of(((0, 3, 1), (1, 1, 1)), (3, 4), (3,)), keys_of(((2, 3, -1),), (3,), (3,))
    (':, 1', '::-1')
    """
    keys, left = [], list(kept)
    for (start, count, step), n in zip(walks, source, strict=True):
        drop = count == 1 and len(walks) - len(keys) > len(left)
        if drop:
            keys.append(str(start))
            continue
        if not left or left.pop(0) != count:
            return None
        end = start + count * step
        low = "" if start == (0 if step > 0 else n - 1) else str(start)
        high = "" if (end >= n if step > 0 else end < 0) else str(end)
        keys.append(f"{low}:{high}" + (f":{step}" if step != 1 else ""))
    while len(keys) > 1 and keys[-1] == ":":
        keys.pop()
    return None if left else ", ".join(keys)


def axes_added(old: Shape, new: Shape) -> str | None:
    """The index that adds axes of size 1, such as ":, None"; None where that is not all."""
    keys, left = [], list(old)
    for n in new:
        if left and left[0] == n:
            keys.append(":")
            left.pop(0)
        elif n == 1:
            keys.append("None")
        else:
            return None
    while keys and keys[-1] == ":":
        keys.pop()
    return None if left or not keys else ", ".join(keys)
