"""In: a simplified Program. Out: kernels in running order: loops over many gates, and whole calls.

Elementwise gates of one shape, and the reductions of what they make, run in one loop, in which a
value stays in a register from the gate that makes it to the gates that take it. Everything else (a
matrix product, a gather, a convolution) is a call of a kernel that knows how. A gate moves to the
latest loop in which all its readers stand, so that as little as possible is written to memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pullback.compile.access import access, is_view
from pullback.compile.program import Program
from pullback.core.unit import Unit

REDUCTIONS = ("sum", "max", "min")
_COPIES = ("reshape", "astype")  # gates that are loops over their input: a reshape that must copy


@dataclass
class Loop:
    """Gates that run together for each index of one shape, in running order."""

    shape: tuple[int, ...]
    gates: list[Unit] = field(default_factory=list)


@dataclass
class Call:
    """One structural gate, run by a kernel of its own."""

    gate: Unit

    @property
    def gates(self) -> list[Unit]:
        return [self.gate]


Kernel = Loop | Call


def fuse(program: Program) -> list[Kernel]:
    """The kernels of a Program in running order."""
    wires = [unit for unit in program.wires if unit.inputs and not is_view(unit)]
    kernels: list[Kernel] = []
    home: dict[Unit, int] = {}
    for unit in wires:
        k = _place(unit, kernels, home)
        if k == len(kernels):
            loops = loop_shape(unit)
            kernels.append(Call(unit) if loops is None else Loop(loops))
        if isinstance(kernels[k], Loop):
            kernels[k].gates.append(unit)
        home[unit] = k
    needed = {access(unit).root for unit in (*program.outputs.values(), *program.updates.values())}
    _sink(wires, kernels, home, needed)
    return [kernel for kernel in kernels if kernel.gates]


def loop_shape(unit: Unit) -> tuple[int, ...] | None:
    """The shape over which a gate loops element by element; None for a gate that does not."""
    assert unit.gate is not None
    if unit.gate.elementwise:
        return unit.shape
    if unit.gate.name in (*REDUCTIONS, *_COPIES):
        return unit.inputs[0].shape
    return None


def is_reduction(unit: Unit) -> bool:
    """Whether a gate in a loop makes fewer elements than the loop has."""
    return unit.gate is not None and unit.gate.name in REDUCTIONS


def roots(unit: Unit) -> Iterable[Unit]:
    """The wires whose buffers a gate reads."""
    return (access(x).root for x in unit.inputs)


def in_step(x: Unit, shape: tuple[int, ...]) -> bool:
    """Whether a loop of this shape reaches element i of x's root exactly at its index i."""
    where = access(x)
    return where.root.shape == shape and where == access(where.root)


def _place(unit: Unit, kernels: list[Kernel], home: dict[Unit, int]) -> int:
    """The first loop that a gate can join, after everything it reads; else a new kernel's place."""
    shape = loop_shape(unit)
    first = 0
    for x in unit.inputs:
        root = access(x).root
        if root not in home:
            continue
        joins = shape is not None and in_step(x, shape) and not is_reduction(root)
        first = max(first, home[root] if joins else home[root] + 1)
    if shape is not None:
        for k in range(first, len(kernels)):
            kernel = kernels[k]
            if isinstance(kernel, Loop) and kernel.shape == shape:
                return k
    return len(kernels)


def _sink(
    wires: list[Unit], kernels: list[Kernel], home: dict[Unit, int], needed: set[Unit]
) -> None:
    """Move each elementwise gate into the one later loop that has all its readers."""
    readers: dict[Unit, list[tuple[Unit, bool]]] = {}
    for unit in wires:
        shape = loop_shape(unit)
        for x in unit.inputs:
            joins = shape is not None and in_step(x, shape)
            readers.setdefault(access(x).root, []).append((unit, joins))
    for unit in reversed(wires):
        if loop_shape(unit) is None or is_reduction(unit) or unit in needed:
            continue
        found = readers.get(unit, [])
        homes = {home[reader] for reader, _ in found}
        if len(homes) != 1 or not all(joins for _, joins in found):
            continue
        (k,) = homes
        target = kernels[k]
        if k != home[unit] and isinstance(target, Loop) and target.shape == loop_shape(unit):
            kernels[home[unit]].gates.remove(unit)
            kernels[k].gates.append(unit)
            kernels[k].gates.sort(key=lambda gate: gate.index)
            home[unit] = k
