"""In: a Program that kernels can run. Out: the same, in which what is quick to make is made again.

A normalization reads what it normalizes several times: for its moments, for what it makes, for its
gradient. In between stand gates of one large input and of little else: less the mean, times a
scale. To write what they make and to read it again takes longer than to make it again from that
input, which stays in memory anyway; so each reader gets a copy of such gates, in its own loop.
"""

from __future__ import annotations

from pullback.core.registry import GATES
from pullback.core.rewrite import like, remade
from pullback.core.unit import Unit, wire
from pullback.engines.native.functions import COSTLY
from pullback.program.program import Program

LARGE = 1 << 16
"""Elements from which on a wire is not worth keeping: fewer stay in a near cache."""
FEW = 8
"""Copies of a gate, and gates that are made again for one reader, at most."""
_NARROW = 16  # an input of so many times fewer elements is not large


def with_recomputed(program: Program) -> Program:
    """The same Program, in which readers of light gates have their own copies.

    >>> import numpy as np
    >>> import pullback as pb
    >>> x, mean = pb.Unit(np.ones((256, 256)), "x"), pb.Unit(np.ones(256), "mean")
    >>> y = x - mean
    >>> program = with_recomputed(Program.of([pb.sum(y, 0), y * y]))
    >>> [unit.gate.name for unit in program.wires if unit.gate]
    ['subtract', 'sum', 'subtract', 'multiply']
    """
    light = _light(program)
    if not light:
        return program
    made_of: dict[Unit, tuple[Unit, ...]] = {}  # of a light gate, what its inputs have become

    def again(x: Unit, copies: dict[Unit, Unit]) -> Unit:
        """A reader's copy of a light gate, and of those that it is made of; or the wire itself."""
        if x not in made_of:
            return x
        if x not in copies:
            assert x.gate is not None
            inputs = tuple(again(y, copies) for y in made_of[x])
            copies[x] = like(x, wire(x._value, x.gate, inputs, x.static))
        return copies[x]

    def become(unit: Unit, inputs: tuple[Unit, ...]) -> Unit | None:
        if unit in light:
            made_of[unit] = inputs
            return unit
        copies: dict[Unit, Unit] = {}
        own = tuple(again(x, copies) for x in inputs)
        return None if own == inputs else remade(unit, own)

    return program.rewritten(become)


def _light(program: Program) -> set[Unit]:
    """The gates that each reader makes again."""
    readers: dict[Unit, list[Unit]] = {}
    kept = {*program.outputs.values(), *program.updates.values()}  # lie in memory in any case
    for unit in program.wires:
        for x in unit.inputs:
            readers.setdefault(x, []).append(unit)
        if unit.inputs and not _joins(unit):
            kept.update(unit.inputs)
    found: dict[Unit, tuple[int, Unit]] = {}  # how many gates make it again, and of what
    for unit in program.wires:
        base = None if unit in kept else _base(unit)
        if base is None or len(readers[unit]) > FEW:
            continue
        stays = base in kept or not base.inputs or not _joins(base)
        count, root = found.get(base, (0 if stays else FEW, base))
        if count < FEW and root.dtype.itemsize <= unit.dtype.itemsize:
            found[unit] = count + 1, root
    light: set[Unit] = set()
    for unit in reversed(found):  # one reader alone gains where it is itself made again
        if len(readers[unit]) > 1 or readers[unit][0] in light:
            light.add(unit)
    return light


def _joins(unit: Unit) -> bool:
    """Whether a gate runs in a loop with others, element by element."""
    gate = unit.gate
    assert gate is not None
    return gate.elementwise or gate.indexed or gate.reduces or gate is GATES["astype"]


def _base(unit: Unit) -> Unit | None:
    """The one large input of a gate that is quickly made of it and of little else; else None."""
    gate = unit.gate
    if gate is None or unit.size < LARGE or gate.name in COSTLY:
        return None
    if not (gate.elementwise or gate is GATES["astype"]):
        return None
    large = {x for x in unit.inputs if x.size * _NARROW > unit.size}
    if len(large) != 1:
        return None
    (base,) = large
    return base if base.size == unit.size else None
