"""In: kernels and their memory. Out: the source of functions that run them, for Numba or to read.

A loop is written without its sizes: they are arguments, as are the steps through memory that are
not 0 or 1. Loops that differ in nothing else are therefore one text, which is compiled once however
many layers there are. `lo` and `hi` bound one of its axes, so that threads can share it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from pullback.core.unit import Unit
from pullback.engines.native.access import Access, access, row_major
from pullback.engines.native.fuse import Loop, is_reduction
from pullback.program.patterns import number_on

IDENTITY = {"sum": "0", "max": "-inf", "min": "inf"}
TRUTHS = ("logical_and", "logical_or", "logical_not")  # gates that ask only whether x is not 0
TYPES = {"float32": "f4", "float64": "f8", "int64": "i8", "bool": "b1"}


@dataclass
class LoopText:
    """One loop, written without its sizes, and the numbers and places that make it this loop.

    `body` is its lines; they run over one index, of all that no sum runs across the outermost,
    from `lo` to `hi`, and use the names in `arrays`, each standing for an access from its offset
    on, and in `numbers`, for sizes and steps. `serial` loops have no such index, and are not shared
    by threads.
    """

    body: list[str]
    arrays: dict[str, Access]
    numbers: dict[str, int]
    length: int
    serial: bool


@dataclass
class _Array:
    """An array argument: where it is walked, and whether only written, reduced into, or read."""

    name: str
    where: Access
    strides: list[int] = field(default_factory=list)


def write_loop(loop: Loop, stores: Sequence[tuple[Unit, Access]]) -> LoopText:
    """The function that runs a loop and stores these of its gates' values where they belong."""
    return _LoopWriter(loop, stores).write()


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


class _LoopWriter:
    """Writes one loop: its axes folded, its loads hoisted as far as they do not change."""

    def __init__(self, loop: Loop, stores: Sequence[tuple[Unit, Access]]) -> None:
        self.loop = loop
        self.gates = loop.gates
        self.inside = {unit: f"v{k}" for k, unit in enumerate(self.gates)}
        self.stores = dict(stores)
        self.loads: dict[tuple, _Array] = {}
        self.targets: dict[Unit, _Array] = {}
        for unit in self.gates:
            for x in unit.inputs:
                self.load(x)
        for k, (unit, where) in enumerate(stores):
            shared = [a for a in self.loads.values() if a.where == where]
            self.targets[unit] = shared[0] if shared else _Array(f"y{k}", where)
        arrays = [*self.loads.values(), *self.targets.values()]
        arrays = list({id(a): a for a in arrays}.values())
        assert all(a.where.shape == loop.shape for a in arrays), "one shape walks every array"
        self.arrays = arrays
        self.sizes, steps = folded(loop.shape, [a.where.strides for a in arrays])
        for array, strides in zip(arrays, steps, strict=True):
            array.strides = strides
        self.numbers: list[int] = []
        self.copies: list[tuple[_Array, _Array]] = []

    def load(self, x: Unit) -> None:
        """Note that the loop reads x from memory, if it does."""
        if number_on(x) is not None or access(x).root in self.inside:
            return
        where = access(x).spread(self.loop.shape)
        key = (where.root, where.offset, where.strides)
        if key not in self.loads:
            self.loads[key] = _Array(f"x{len(self.loads)}", where)

    # The text ------------------------------------------------------------------------------------

    def write(self) -> LoopText:
        depth = len(self.sizes)
        sums = [unit for unit in self.gates if is_reduction(unit)]
        reduced = {u: [d for d, s in enumerate(self.targets[u].strides) if s == 0] for u in sums}
        # A sum along the innermost axis alone starts afresh on each line; others add to memory.
        self.adding = {u for u in sums if depth == 0 or reduced[u] != [depth - 1]}
        kept = [d for d in range(depth) if not any(d in axes for axes in reduced.values())]
        self.shared = kept[0] if kept else 0
        body = [line for unit in sums if unit in self.adding for line in self.cleared(unit)]
        body += self.level(0) if depth else self.statements()
        sizes = {f"n{d}": self.sizes[d] for d in range(depth) if d != self.shared}
        steps = {f"s{k}": n for k, n in enumerate(self.numbers)}
        arrays = {a.name: a.where.lowest for a in self.arrays}
        length = self.sizes[self.shared] if depth else 1
        return LoopText(body, arrays, sizes | steps, length, not kept)

    def span(self, d: int) -> str:
        """The part of axis d that a thread runs over."""
        return "lo, hi" if d == self.shared else f"n{d}"

    def number(self, n: int) -> str:
        """A step as text: itself where it is 0 or 1, else an argument."""
        if n not in self.numbers:
            self.numbers.append(n)
        return f"s{self.numbers.index(n)}"

    def index(self, array: _Array, depths: range) -> str:
        """The part of an array's index that these loop variables make up."""
        terms = []
        for d in depths:
            step = array.strides[d]
            if step == 1:
                terms.append(f"i{d}")
            elif step > 1:
                terms.append(f"i{d} * {self.number(step)}")
            elif step < 0:  # walked backwards, from the element with the lowest address
                terms.append(f"({self.number(self.sizes[d] - 1)} - i{d}) * {self.number(-step)}")
        return " + ".join(terms) or "0"

    def level(self, d: int) -> list[str]:
        """The loop over axis d and all inside it."""
        last = len(self.sizes) - 1
        if d < last:
            inner = self.level(d + 1)
            return [f"for i{d} in range({self.span(d)}):", *(f"    {line}" for line in inner)]
        outer, written = range(last), {a.name for a in self.targets.values()}
        lines, held = [], set()
        for array in self.arrays:
            start = self.index(array, outer)
            if array.strides[d] == 0 and array.name not in written:  # the same for the whole line
                held.add(array.name)
                lines.append(f"{array.name}_ = {array.name}[{start}]")
            elif start != "0":  # the innermost index is then plain, which vectorises
                lines.append(f"{array.name}_line = after({array.name}, {start})")
        across = [u for u in self.gates if is_reduction(u) and self.targets[u].strides[d] == 0]
        lines += [f"a_{self.inside[u]} = {self.identity(u, accumulator=True)}" for u in across]
        lines.append(f"for i{d} in range({self.span(d)}):")
        lines += [f"    {line}" for line in self.statements(held, across)]
        for unit in across:
            place = self.place(self.targets[unit])
            value = self.cast(f"a_{self.inside[unit]}", unit.dtype)
            lines.append(
                f"{place} = {self.combined(unit, place, value) if unit in self.adding else value}"
            )
        return lines

    def place(self, array: _Array) -> str:
        """An array's element at the innermost index."""
        last = len(self.sizes) - 1
        if last < 0:
            return f"{array.name}[0]"
        line = "_line" if self.index(array, range(last)) != "0" else ""
        return f"{array.name}{line}[{self.index(array, range(last, last + 1))}]"

    def statements(self, held: Collection[str] = (), across: Collection[Unit] = ()) -> list[str]:
        """The gates of one element, each on a line, and what is stored of them."""
        lines = [f"{a.name}_ = {self.place(a)}" for a in self.loads.values() if a.name not in held]
        for unit in self.gates:
            name = self.inside[unit]
            if not is_reduction(unit):
                lines.append(f"{name} = {self.expression(unit)}")
                if unit in self.targets:
                    lines.append(f"{self.place(self.targets[unit])} = {name}")
                continue
            if unit in across:
                value = self.operand(unit.inputs[0], self.accumulator(unit))
                lines.append(f"a_{name} = {self.combined(unit, f'a_{name}', value)}")
            else:
                value = self.operand(unit.inputs[0], unit.dtype)
                place = self.place(self.targets[unit])
                lines.append(f"{place} = {self.combined(unit, place, value)}")
        lines += [f"{self.place(to)} = {x.name}_" for x, to in self.copies]
        return lines

    def cleared(self, unit: Unit) -> list[str]:
        """The start of a reduction's buffer, for those that are added to element by element."""
        target = self.targets[unit]
        axes = [d for d, step in enumerate(target.strides) if step]
        heads = [f"{'    ' * k}for i{d} in range({self.span(d)}):" for k, d in enumerate(axes)]
        where = self.index(target, range(len(self.sizes)))
        return [*heads, f"{'    ' * len(axes)}{target.name}[{where}] = {self.identity(unit)}"]

    # Expressions ---------------------------------------------------------------------------------

    def accumulator(self, unit: Unit) -> np.dtype:
        """The dtype in which a reduction adds: double for sums of floats, so that none get lost."""
        wide = unit.dtype.kind == "f" and unit.gate is not None and unit.gate.name == "sum"
        return np.dtype(np.float64) if wide else unit.dtype

    def identity(self, unit: Unit, accumulator: bool = False) -> str:
        assert unit.gate is not None
        dtype = self.accumulator(unit) if accumulator else unit.dtype
        if dtype.kind != "f" and unit.gate.name != "sum":
            info = np.iinfo(dtype) if dtype.kind in "iu" else None
            low, high = (info.min, info.max) if info else (0, 1)
            return self.literal(low if unit.gate.name == "max" else high, dtype)
        return self.literal(float(IDENTITY[unit.gate.name]), dtype)

    def combined(self, unit: Unit, old: str, new: str) -> str:
        assert unit.gate is not None
        if unit.gate.name == "sum":
            return f"{old} + {new}"
        return f"{unit.gate.name}imum({old}, {new})"

    def expression(self, unit: Unit) -> str:
        """A gate on one element, as a person writes it."""
        gate = unit.gate
        assert gate is not None
        if gate.name in ("astype", "reshape"):
            return self.operand(unit.inputs[0], unit.dtype)
        dtype = np.dtype(bool) if gate.name in TRUTHS else self.common(unit)
        if gate.name == "where":
            condition, a, b = unit.inputs
            chosen = self.operand(condition, np.dtype(bool))
            return f"where({chosen}, {self.operand(a, dtype)}, {self.operand(b, dtype)})"
        parts = [self.operand(x, dtype) for x in unit.inputs]
        symbol = gate.symbol
        if len(parts) == 2 and symbol in ("+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!="):
            return f"{parts[0]} {symbol} {parts[1]}"
        if gate.name == "negative":
            return f"-{parts[0]}"
        return f"{gate.name}({', '.join(parts)})"

    def common(self, unit: Unit) -> np.dtype:
        """The dtype in which a gate computes: NumPy's rule, in which Python's numbers are weak."""
        if unit.dtype.kind == "f":
            return unit.dtype
        values = [x.value for x in unit.inputs]
        return np.result_type(*values) if values else unit.dtype

    def operand(self, x: Unit, dtype: np.dtype) -> str:
        """What a gate reads, in the dtype in which it computes."""
        number = number_on(x)
        if number is not None:
            return self.literal(number, dtype)
        root = access(x).root
        if root in self.inside:
            text = self.inside[root]
        else:
            where = access(x).spread(self.loop.shape)
            text = f"{self.loads[where.root, where.offset, where.strides].name}_"
        return text if x.dtype == dtype else self.cast(text, dtype)

    def cast(self, text: str, dtype: np.dtype) -> str:
        return f"{TYPES[dtype.name]}({text})"

    def literal(self, value: float, dtype: np.dtype) -> str:
        if dtype.kind == "b":
            return str(bool(value))
        whole = dtype.kind in "iu"
        text = repr(int(value)) if whole else str(dtype.type(value))  # as short as the dtype allows
        return text if dtype == np.float64 or dtype.kind == "i" else self.cast(text, dtype)


def write_copy(source: Access, target: Access) -> LoopText:
    """The loop that copies elements from where they lie to where they should."""
    assert source.shape == target.shape, "one shape walks both"
    writer = _LoopWriter(Loop(source.shape), [])
    reads, writes = _Array("x", source), _Array("y", target)
    writer.loads[source.root, 0, ()], writer.targets[source.root] = reads, writes
    writer.copies, writer.arrays = [(reads, writes)], [reads, writes]
    writer.sizes, steps = folded(source.shape, [a.where.strides for a in writer.arrays])
    reads.strides, writes.strides = steps
    return writer.write()


def contiguous_target(unit: Unit, loop: Loop) -> Access:
    """Where a loop stores a gate's value: its own buffer, walked by the loop's index."""
    if not is_reduction(unit):
        return Access(unit, 0, loop.shape, row_major(loop.shape))
    axes = unit.static["axis"]
    kept = [1 if a in axes else n for a, n in enumerate(loop.shape)]
    strides = tuple(0 if a in axes else step for a, step in enumerate(row_major(tuple(kept))))
    return Access(unit, 0, loop.shape, strides)
