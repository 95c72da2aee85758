"""In: a fused loop, and where what it makes belongs. Out: its loop code, and the sizes that it has.

The code is written without sizes: those stand beside it, as are strides that are not 0, 1 or -1.
Loops that differ in nothing else are therefore one record, which is compiled once however many
layers there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.core.values import promoting
from pullback.engines.native.access import Access, AccessTable, row_major
from pullback.engines.native.functions import KIND_OF
from pullback.engines.native.ir import (
    SHORT,
    Literal,
    Loop,
    Operand,
    Operation,
    Reduction,
    Store,
    Stride,
    Walked,
)
from pullback.engines.native.parts import Fused, is_reduction
from pullback.program.patterns import number_on

IDENTITY = {"sum": 0.0, "prod": 1.0, "max": -np.inf, "min": np.inf}


@dataclass(frozen=True)
class Written:
    """A loop's code, the sizes of its axes, its named strides, and its arrays' first elements."""

    code: Loop
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    arrays: tuple[Access, ...]


def kind_of(unit: Unit) -> str:
    """The kind of number that a wire's elements are.

    Raises `CircuitError` for one that the native engine does not run.
    """
    kind = KIND_OF.get(unit.dtype, "u4")
    if kind == "u4":  # it is within the gate of random numbers alone
        raise CircuitError(
            f"{unit.label} carries {unit.dtype}, which the native engine does not run; "
            "make it one of float32, float64, int64, bool"
        )
    return kind


def write_loop(loop: Fused, stores: Sequence[tuple[Unit, Access]], table: AccessTable) -> Written:
    """The code of a loop, which stores these of its gates' values where they belong."""
    return _Writer(loop, stores, table).write()


def folded(
    shape: Sequence[int], walks: Sequence[Sequence[int]]
) -> tuple[list[int], list[list[int]]]:
    """The same loop over fewer axes: neighbours merge where every array walks them as one.

    >>> folded((2, 3, 4), [(12, 4, 1), (0, 0, 1)])
    ([6, 4], [[4, 1], [0, 1]])
    """
    sizes: list[int] = []
    steps: list[list[int]] = [[] for _ in walks]
    for axis, n in enumerate(shape):
        if n == 1:
            continue
        here = [walk[axis] for walk in walks]
        if sizes and all(s[-1] == step * n for s, step in zip(steps, here, strict=True)):
            sizes[-1] *= n
            for s, step in zip(steps, here, strict=True):
                s[-1] = step
        else:
            sizes.append(n)
            for s, step in zip(steps, here, strict=True):
                s.append(step)
    return sizes, steps


def write_copy(source: Access, target: Access) -> Written:
    """The loop that copies elements from where they lie to where they should."""
    assert source.shape == target.shape, "one shape walks both"
    arrays = {"x": source, "y": target}
    sizes, steps = folded(source.shape, [where.strides for where in arrays.values()])
    named: list[int] = []
    walked = _walked(arrays, steps, named)
    body = (Store(Operand("x", walked[0].kind), "y"),)
    code = Loop(len(sizes), 0 if sizes else None, walked, body, short=_short(sizes, 0))
    return Written(code, tuple(sizes), tuple(named), (source, target))


def _short(sizes: Sequence[int], shared: int | None) -> int | None:
    """The size of the innermost of several axes, where it is small and no threads share it."""
    last = len(sizes) - 1
    return sizes[last] if last > 0 and last != shared and sizes[last] <= SHORT else None


def _stride(by: int, named: list[int]) -> Stride:
    """A stride as the code has it: itself where every loop may have it, else its name."""
    if by in (-1, 0, 1):
        return by
    if by not in named:
        named.append(by)
    return f"s{named.index(by)}"


def _walked(
    arrays: Mapping[str, Access], steps: Sequence[Sequence[int]], named: list[int]
) -> tuple[Walked, ...]:
    """The arrays as the code has them; what it calls by name is added to `named`."""
    return tuple(
        Walked(name, kind_of(where.root), tuple(_stride(by, named) for by in walk))
        for (name, where), walk in zip(arrays.items(), steps, strict=False)
    )


class _Writer:
    """Writes one loop: what it reads, what it makes of that, and what it stores."""

    def __init__(
        self, loop: Fused, stores: Sequence[tuple[Unit, Access]], table: AccessTable
    ) -> None:
        self.loop = loop
        self.access = table
        self.names = {unit: f"v{k}" for k, unit in enumerate(loop.gates)}
        self.arrays: dict[str, Access] = {}
        self.loads: dict[tuple, str] = {}
        for unit in loop.gates:
            for x in unit.inputs:
                if number_on(x) is None and self.access[x].root not in self.names:
                    where = self.access[x].spread(loop.shape)
                    name = self.loads.setdefault(_key(where), f"x{len(self.loads)}")
                    self.arrays[name] = where
        self.targets: dict[Unit, str] = {}
        for k, (unit, where) in enumerate(stores):
            name = self.targets[unit] = self.loads.get(_key(where), f"y{k}")
            self.arrays[name] = where
        assert all(a.shape == loop.shape for a in self.arrays.values()), "one shape walks all"

    def write(self) -> Written:
        walks = [where.strides for where in self.arrays.values()]
        indexed = any(unit.gate is not None and unit.gate.indexed for unit in self.loop.gates)
        if indexed:
            walks.append(row_major(self.loop.shape))
        sizes, steps = folded(self.loop.shape, walks)
        named: list[int] = []
        walked = _walked(self.arrays, steps, named)
        strides = {array.name: array.strides for array in walked}
        across = {
            unit: [d for d, by in enumerate(strides[self.targets[unit]]) if by == 0]
            for unit in self.loop.gates
            if is_reduction(unit)
        }
        kept = [d for d in range(len(sizes)) if not any(d in axes for axes in across.values())]
        body: list[Operation | Reduction | Store] = []
        self.operands: dict[Unit, Operand | Literal] = {}
        for unit in self.loop.gates:
            if unit in across:
                axes = across[unit]  # along the last ones alone it stays in a register
                last = bool(axes) and axes == [*range(len(sizes) - len(axes), len(sizes))]
                body.append(self.reduction(unit, adding=not last))
                continue
            body += self.operation(unit)
            if unit in self.targets:
                body.append(Store(self.operands[unit], self.targets[unit]))
        code = Loop(
            len(sizes),
            kept[0] if kept else None,
            walked,
            tuple(body),
            tuple(_stride(by, named) for by in steps[-1]) if indexed else None,
            _short(sizes, kept[0] if kept else None),
        )
        return Written(code, tuple(sizes), tuple(named), tuple(self.arrays.values()))

    def operation(self, unit: Unit) -> list[Operation]:
        """A gate on one element; a copy that only changes the shape is what it copies."""
        gate = unit.gate
        assert gate is not None
        inputs, name = tuple(map(self.operand, unit.inputs)), self.names[unit]
        if gate.name == "reshape":
            (self.operands[unit],) = inputs
            return []
        kind = kind_of(unit)
        free = gate.indexed or gate.name == "astype"  # it converts what it takes itself
        takes = "" if free else KIND_OF[_common(unit)]
        static = tuple(unit.static.items())
        self.operands[unit] = Operand(name, kind)
        return [Operation(name, gate.name, inputs, kind, takes, static)]

    def reduction(self, unit: Unit, adding: bool) -> Reduction:
        """A gate that makes one element of many; floats are added in double precision."""
        assert unit.gate is not None
        dtype, name = unit.dtype, unit.gate.name
        identity: float | int | bool = IDENTITY[name]
        if dtype.kind != "f":
            info = np.iinfo(dtype) if dtype.kind == "i" else None
            low, high = (info.min, info.max) if info else (False, True)
            identity = {"sum": 0, "prod": 1, "max": low, "min": high}[name]
        wide = "f8" if dtype.kind == "f" and name == "sum" else kind_of(unit)
        x = self.operand(unit.inputs[0])
        return Reduction(name, x, self.targets[unit], wide, identity, adding)

    def operand(self, x: Unit) -> Operand | Literal:
        """What a gate takes."""
        number = number_on(x)
        if number is not None:
            return Literal(number, kind_of(x))
        root = self.access[x].root
        if root in self.names:
            return self.operands[root]
        return Operand(self.loads[_key(self.access[x].spread(self.loop.shape))], kind_of(x))


def _key(where: Access) -> tuple:
    return where.root, where.offset, where.strides


def _common(unit: Unit) -> np.dtype:
    """The dtype in which a gate computes: NumPy's rule, in which Python's numbers are weak.

    Only what compares makes another: truth values.
    """
    if unit.dtype.kind != "b":
        return unit.dtype
    return np.result_type(*(promoting(x._value) for x in unit.inputs))


def contiguous_target(unit: Unit, loop: Fused) -> Access:
    """Where a loop stores a gate's value: its own buffer, walked by the loop's index."""
    if not is_reduction(unit):
        return Access(unit, 0, loop.shape, row_major(loop.shape))
    axes = unit.static["axis"]
    kept = [1 if a in axes else n for a, n in enumerate(loop.shape)]
    strides = tuple(0 if a in axes else step for a, step in enumerate(row_major(tuple(kept))))
    return Access(unit, 0, loop.shape, strides)
