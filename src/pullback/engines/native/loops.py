"""In: a Program with loops. Out: the same, in which a step does only what it alone can do.

Whatever a step does, it does as often as the loop is long, on the little that it has at hand. So
what no one reads is not made; a sequence of one number becomes a constant; a product of elements
with a parameter is made before the loop, of all elements at once, and products that no later step
waits for, the gradients of weights above all, are made of the stacks after it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import prod
from typing import Any

import numpy as np

from pullback.core.gate import constant
from pullback.core.registry import GATES
from pullback.core.rewrite import rewrite
from pullback.core.unit import Unit, wire
from pullback.core.walk import order
from pullback.engines.native.inside import is_loop, typed
from pullback.gates.body import Body
from pullback.program.patterns import made_by, number_on
from pullback.program.program import Program
from pullback.program.simplify import simplify


def with_lean_loops(program: Program, keep: Collection[str] = ()) -> Program:
    """The same Program with less inside its loops. Gates named in `keep` are not lowered there.

    A loop is left as it is where someone reads its output other than part by part.
    """
    wires = program.wires
    if not any(is_loop(unit) for unit in wires):
        return program
    results = {*program.outputs.values(), *program.updates.values()}
    readers: dict[Unit, list[Unit]] = {}
    for unit in wires:
        for x in unit.inputs:
            readers.setdefault(x, []).append(unit)
    parts: dict[Unit, Unit] = {}  # what the readers of a loop become

    def lean(unit: Unit, inputs: tuple[Unit, ...]) -> Unit | None:
        if unit in parts or not is_loop(unit) or not unit.static["length"] or unit in results:
            return parts.get(unit)
        pieces = [(x, _piece(unit, x)) for x in readers.get(unit, [])]
        read = {x: piece for x, piece in pieces if piece is not None}
        if len(read) == len(pieces):
            loop = _Loop(unit, inputs, {k for k, *_ in read.values()}, keep)
            for x, (k, start, count) in read.items():
                parts[x] = GATES["slice"](loop.part(k), walks=((start, count, 1),))
        return None

    return simplify(program.rewritten(lean), keep)


def _piece(loop: Unit, reader: Unit) -> tuple[int, int, int] | None:
    """Which part of a loop's output a wire reads, from where in it, and how much; None if more."""
    if not made_by(reader, "slice"):
        return None
    ((first, count, step),) = reader.static["walks"]
    for k, (start, shape) in enumerate(loop.static["body"].parts(loop.static["length"])):
        if step == 1 and start <= first and first + count <= start + prod(shape):
            return k, first - start, count
    return None


class _Loop:
    """A loop taken apart: what its step makes, and what is made of that around it."""

    def __init__(
        self, unit: Unit, inputs: tuple[Unit, ...], wanted: set[int], keep: Collection[str]
    ) -> None:
        body = typed(unit)
        self.length, self.reverse = unit.static["length"], unit.static["reverse"]
        self.dtype = unit.dtype
        sources = (*body.carries, *body.elements, *body.parameters)
        self.outside = dict(zip(sources, inputs, strict=True))
        self.carries, self.elements = list(body.carries), list(body.elements)
        self.parameters = list(body.parameters)
        numbers = {x: number_on(self.outside[x]) for x in self.elements}
        made = {
            x: constant(np.full(x.shape, number, x.dtype))
            for x, number in numbers.items()
            if number is not None
        }
        plain = simplify(Program({}, _named(rewrite(body.results, made)), {}), keep)
        results = [plain.outputs[str(k)] for k in range(len(body.results))]
        count = len(self.carries)
        self.nexts = dict(zip(self.carries, results[:count], strict=True))
        # For each part: the wire in the step, and what the whole part is made of after the loop.
        self.results = {k: x for k, x in enumerate(results) if k >= count and k in wanted}
        self.first_sum = count + len(body.outputs)
        self.wanted_carries = {k for k in range(count) if k in wanted}
        self.outputs: list[Unit] = []
        self.sums: list[Unit] = []
        self.after: dict[int, Any] = {}
        self._still = self._made_of_parameters()
        self._hoist()
        self._sink()
        self._rebuild(unit)

    # What moves out ------------------------------------------------------------------------------

    def _made_of_parameters(self) -> set[Unit]:
        """The wires of a step that are the same at every step."""
        still: set[Unit] = set(self.parameters)
        for unit in self._wires():
            if unit.is_constant or (unit.inputs and all(x in still for x in unit.inputs)):
                still.add(unit)
        return still

    def _wires(self) -> list[Unit]:
        return order([*self.nexts.values(), *self.results.values()])

    def _hoist(self) -> None:
        """What no step changes, and products of an element with that, are made before the loop."""
        made: dict[Unit, Unit] = {}
        readers: dict[Unit, list[Unit]] = {}
        for unit in self._wires():
            for x in unit.inputs:
                readers.setdefault(x, []).append(unit)
        for unit in self._wires():
            if unit in self._still:
                moving = any(reader not in self._still for reader in readers.get(unit, ()))
                if unit.inputs and moving and not unit.is_constant:
                    made[unit] = self._source(unit, self._outside(unit), self.parameters)
            elif self._is_product(unit) and unit.inputs[0] in self.elements:
                x, w = unit.inputs
                if w in self._still:
                    product = GATES["matmul"](self._rows(self.outside[x]), self._outside(w))
                    stack = _shaped(product, (self.length, *unit.shape))
                    made[unit] = self._source(unit, stack, self.elements)
        if made:
            remade = rewrite([*self.nexts.values(), *self.results.values()], dict(made))
            self.nexts = dict(zip(self.nexts, remade, strict=False))
            self.results = dict(zip(self.results, remade[len(self.nexts) :], strict=True))
        self._still |= {source for unit, source in made.items() if unit in self._still}

    def _source(self, unit: Unit, outside: Unit, kind: list[Unit]) -> Unit:
        """A source of the step in place of a wire, which is made around the loop."""
        source = Unit(unit.value, unit.name)
        self.outside[source] = outside
        kind.append(source)
        return source

    def _sink(self) -> None:
        """Products and their sums that no step waits for are left for after the loop."""
        readers = {x for unit in self._wires() for x in unit.inputs} | set(self.nexts.values())
        later = []
        for k, unit in self.results.items():
            free = unit not in readers and self._is_product(unit)
            if free and k < self.first_sum and unit.inputs[1] in self._still:
                self._put_out(unit.inputs[0])
                self.after[k] = ("product", *unit.inputs)
            elif free and k >= self.first_sum and made_by(unit.inputs[0], "transpose"):
                a, b = unit.inputs[0].inputs[0], unit.inputs[1]
                self._put_out(a)
                self._put_out(b)
                self.after[k] = ("sum of products", a, b)
            elif k < self.first_sum:
                self._put_out(unit)
                self.after[k] = ("stack", unit)
            else:
                later.append((k, unit))
        for k, unit in later:
            if made_by(unit, "sum") and self._is_stacked(unit.inputs[0]):
                self.after[k] = ("sum", unit)
            else:
                self.after[k] = ("added", len(self.sums))
                self.sums.append(unit)

    def _is_product(self, unit: Unit) -> bool:
        """Whether it is a product of two matrices, all of the dtype that the loop stores."""
        return (
            made_by(unit, "matmul")
            and len(unit.shape) == len(unit.inputs[1].shape) == 2
            and all(x.dtype == self.dtype for x in (unit, *unit.inputs))
            and not any(x in self._still for x in unit.inputs[:1])
        )

    def _put_out(self, unit: Unit) -> None:
        """See to it that there will be a stack of a wire after the loop."""
        if not self._is_stacked(unit):
            self.outputs.append(unit)

    def _is_stacked(self, unit: Unit) -> bool:
        known = (*self.outputs, *self.elements, *self.carries, *self.nexts.values())
        return any(x is unit for x in known)

    # The loop that remains -----------------------------------------------------------------------

    def _rebuild(self, unit: Unit) -> None:
        """Make the loop of what is left, without carries that only carry themselves."""
        live: list[Unit] = [x for k, x in enumerate(self.nexts) if k in self.wanted_carries]
        used = {x for _, *told in self.after.values() for x in told}
        used |= {x for unit in used if isinstance(unit, Unit) for x in unit.inputs}
        live += [x for x, new in self.nexts.items() if x in used or new in used]
        while True:
            reached = set(order([*self.outputs, *self.sums, *(self.nexts[x] for x in live)]))
            more = [x for x in self.nexts if x in reached and x not in live]
            if not more:
                break
            live += more
        self.carries = [x for x in self.carries if x in live]
        elements = [x for x in self.elements if x in reached]
        parameters = [x for x in self.parameters if x in reached]
        self.body = Body(
            tuple(self.carries),
            tuple(elements),
            tuple(parameters),
            tuple(self.nexts[x] for x in self.carries),
            tuple(self.outputs),
            tuple(self.sums),
        )
        parts = self.body.parts(self.length)
        size = sum(prod(shape) for _, shape in parts)
        given = [self.outside[x] for x in (*self.carries, *elements, *parameters)]
        static = {**unit.static, "body": self.body}
        assert unit.gate is not None
        self.loop = wire(np.zeros(size, self.dtype), unit.gate, tuple(given), static)
        self.loop.name = unit.name

    # Around it -----------------------------------------------------------------------------------

    def part(self, k: int) -> Unit:
        """All of part `k` of the old loop's output, as a flat vector."""
        if k < len(self.nexts):
            carry = list(self.nexts)[k]
            return self._flat(self.carries.index(carry))
        kind, *told = self.after[k]
        match kind:
            case "stack":
                return _shaped(self._stack(told[0]), (-1,))
            case "added":
                return self._flat(len(self.carries) + len(self.outputs) + told[0])
            case "product":
                return _shaped(
                    GATES["matmul"](self._rows(self._stack(told[0])), self._outside(told[1])), (-1,)
                )
            case "sum of products":
                a, b = (self._rows(self._stack(x)) for x in told)
                return _shaped(GATES["matmul"](GATES["transpose"](a, axes=(1, 0)), b), (-1,))
        (unit,) = told
        axes = (0, *(a + 1 for a in unit.static["axis"]))
        whole = GATES["sum"](self._stack(unit.inputs[0]), axis=axes, keepdims=False)
        return _shaped(whole, (-1,))

    def _flat(self, k: int) -> Unit:
        start, shape = self.body.parts(self.length)[k]
        return GATES["slice"](self.loop, walks=((start, prod(shape), 1),))

    def _stack(self, x: Unit) -> Unit:
        """A wire of the step at all steps: (length, ...)."""
        if x in self.elements:
            return self.outside[x]
        if x in self.outputs:
            flat = self._flat(len(self.carries) + self.outputs.index(x))
            return _shaped(flat, (self.length, *x.shape))
        before = x in self.carries
        k = self.carries.index(x) if before else [self.nexts[c] for c in self.carries].index(x)
        whole = _shaped(self._flat(k), (self.length + 1, *x.shape))
        rest = ((0, n, 1) for n in x.shape)
        return GATES["slice"](whole, walks=((int(before == self.reverse), self.length, 1), *rest))

    def _rows(self, stack: Unit) -> Unit:
        """A stack of matrices as one tall matrix."""
        return _shaped(stack, (-1, stack.shape[-1]))

    def _outside(self, unit: Unit) -> Unit:
        """A wire of the step that is the same at every step, made outside."""
        (twin,) = rewrite([unit], {x: self.outside[x] for x in self.parameters})
        return twin


def _named(units: Iterable[Unit]) -> dict[str, Unit]:
    return {str(k): unit for k, unit in enumerate(units)}


def _shaped(x: Unit, shape: tuple[int, ...]) -> Unit:
    rest = prod(n for n in shape if n != -1)
    full = tuple(x.size // max(rest, 1) if n == -1 else n for n in shape)
    return GATES["reshape"](x, shape=full)
