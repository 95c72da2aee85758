"""In: a Program that kernels can run. Out: the same, whose seldom outputs cost other steps nothing.

A value that stays in a register in every step would have to go to memory for a gate that is run now
and then. So such a gate has its own copies of what is made element by element, down to what lies in
memory anyway; and it reads state before a step writes over it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pullback.core.registry import GATES
from pullback.core.rewrite import like, remade
from pullback.core.unit import Unit, wire
from pullback.program.patterns import made_by, number_on
from pullback.program.program import Program


def with_seldom_apart(program: Program) -> Program:
    """The same Program, whose seldom outputs are made of what lies in memory in every step.

    >>> from pullback.core.unit import Unit
    >>> w, x = Unit([1.0, 2.0], "w"), Unit([3.0, 4.0], "x")
    >>> step = w * x
    >>> moved = Program({"x": x}, {"length": (step * step).sum()}, {w: w - step}, {"length"})
    >>> apart = with_seldom_apart(moved)
    >>> [unit.gate.name for unit in apart.wires if unit.inputs and unit not in apart.always]
    ['multiply', 'multiply', 'sum']
    """
    if not program.seldom:
        return program
    always = program.always
    stays = _in_memory(program, always)
    own: dict[Unit, Unit] = {}  # what a seldom gate reads in place of a wire
    for unit in always:
        own[unit] = unit
        if unit not in stays:
            assert unit.gate is not None
            inputs = tuple(own[x] for x in unit.inputs)
            own[unit] = like(unit, wire(unit._value, unit.gate, inputs, unit.static))

    def become(unit: Unit, inputs: tuple[Unit, ...]) -> Unit | None:
        if unit in own:
            return unit
        read = tuple(own.get(x, x) for x in inputs)
        return None if read == unit.inputs else remade(unit, read)

    return program.rewritten(become)


def _in_memory(program: Program, always: list[Unit]) -> set[Unit]:
    """The wires whose values lie in memory in every step, and until the end of it.

    A new value of state does, too; but to read it there, a gate would run behind the loop that
    writes it over what it may read as well.
    """
    found = set(program.wanted(False).values())
    for unit in always:
        if not _element_by_element(unit) and not (unit.gate and unit.gate.reduces):
            found.update(unit.inputs)
    found.difference_update(program.updates.values())
    readers = Counter(x for unit in program.wires for x in set(unit.inputs))
    found.update(x for x in always if not _element_by_element(x) or _ends_product(x, readers))
    return found


def _element_by_element(unit: Unit) -> bool:
    gate = unit.gate
    return gate is not None and (gate.elementwise or gate is GATES["astype"])


def _ends_product(unit: Unit, readers: Mapping[Unit, int]) -> bool:
    """Whether the kernel of a matrix product makes it in passing, which nobody else reads."""
    alone = [x for x in unit.inputs if x.inputs and readers[x] == 1]
    if unit.gate is GATES["maximum"] and any(number_on(x) == 0.0 for x in unit.inputs):
        return any(made_by(x, "matmul") or _ends_product(x, readers) for x in alone)
    return unit.gate is GATES["add"] and any(made_by(x, "matmul") for x in alone)
