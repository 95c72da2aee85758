"""In: a Program with loops. Out: the same, in which a step does only what it alone can do.

Whatever a step does, it does as often as the loop is long, on the little that it has at hand. So
what no one reads is not made; a sequence of one number becomes a constant; a product of elements
with a parameter is made before the loop, of all elements at once, and products that no later step
waits for, the gradients of weights above all, are made of the stacks after it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import partial, reduce
from math import prod

import numpy as np

from pullback.core.abstract import Abstract
from pullback.core.gate import OUTPUT, constant, outputs_of
from pullback.core.registry import GATES
from pullback.core.rewrite import like, rewrite
from pullback.core.unit import Unit, wire
from pullback.core.values import dtype_of
from pullback.core.walk import order
from pullback.gates.body import Body
from pullback.program.patterns import made_by, number_on
from pullback.program.program import Program
from pullback.program.simplify import simplify


def with_lean_loops(program: Program, keep: Collection[str] = ()) -> Program:
    """The same Program with less inside its loops. Gates named in `keep` are not lowered there."""
    wires = program.wires
    if not any(made_by(unit, "loop") for unit in wires):
        return program
    wanted: dict[Unit, set[int]] = {}  # of a loop, the outputs that are read
    for unit in wires:
        if unit.gate is OUTPUT:
            wanted.setdefault(unit.inputs[0], set()).add(unit.static["index"])
    lean: dict[Unit, _Loop] = {}

    def become(unit: Unit, inputs: tuple[Unit, ...]) -> Unit | None:
        if made_by(unit, "loop") and unit.static["length"]:
            loop = _Loop(unit, inputs, wanted[unit], keep)
            lean[loop.made] = loop
            return loop.made
        if unit.gate is OUTPUT and inputs[0] in lean:
            return lean[inputs[0]].output(unit.static["index"])
        return None

    return simplify(program.rewritten(become), keep)


class _Loop:
    """A loop taken apart: what its step makes, and what is made of that around it."""

    def __init__(
        self, unit: Unit, inputs: tuple[Unit, ...], wanted: set[int], keep: Collection[str]
    ) -> None:
        body = typed(unit)
        self.length, self.reverse = unit.static["length"], unit.static["reverse"]
        self.dtype = stored(unit)
        self.outside = dict(zip(body.sources, inputs, strict=True))
        self.carries, self.elements = list(body.carries), list(body.elements)
        self.parameters = list(body.parameters)
        numbers = {x: number_on(self.outside[x]) for x in self.elements}
        made = {
            x: constant(np.full(x.shape, number, x.dtype))
            for x, number in numbers.items()
            if number is not None
        }
        plain = simplify(Program.of(rewrite(body.results, made)), keep)
        results = list(plain.outputs.values())
        count = len(self.carries)
        self.nexts = dict(zip(self.carries, results[:count], strict=True))
        # For each output: the wire in the step, and how the whole is made after the loop.
        self.results = {k: x for k, x in enumerate(results) if k >= count and k in wanted}
        self.first_sum = count + len(body.outputs)
        self.outputs: list[Unit] = []
        self.sums: list[Unit] = []
        self.after: dict[int, Callable[[], Unit]] = {}
        self.read = {x for k, x in enumerate(self.carries) if k in wanted}  # as stacks, after it
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
                    stack = GATES["reshape"](product, shape=(self.length, *unit.shape))
                    made[unit] = self._source(unit, stack, self.elements)
        if made:
            remade = rewrite([*self.nexts.values(), *self.results.values()], dict(made))
            self.nexts = dict(zip(self.nexts, remade, strict=False))
            self.results = dict(zip(self.results, remade[len(self.nexts) :], strict=True))
        self._still |= {source for unit, source in made.items() if unit in self._still}

    def _source(self, unit: Unit, outside: Unit, kind: list[Unit]) -> Unit:
        """A source of the step in place of a wire, which is made around the loop."""
        source = Unit(unit._value, unit.name)
        self.outside[source] = outside
        kind.append(source)
        return source

    def _sink(self) -> None:
        """Products and their sums that no step waits for are left for after the loop."""
        readers = Counter(x for unit in self._wires() for x in unit.inputs)
        readers.update(self.nexts.values())
        later = []
        for k, unit in self.results.items():
            free = unit not in readers and self._is_product(unit)
            if free and k < self.first_sum and unit.inputs[1] in self._still:
                self._put_out(unit.inputs[0])
                self.after[k] = partial(self._product, unit)
            elif (
                k >= self.first_sum
                and unit not in readers
                and all(map(self._sinks, terms := _terms(unit, readers)))
            ):
                for term in terms:
                    self._put_out(term.inputs[0].inputs[0])
                    self._put_out(term.inputs[1])
                self.after[k] = partial(self._sums_of_products, terms)
            elif k < self.first_sum:
                self._put_out(unit)
                self.after[k] = partial(self._stack, unit)
            else:
                later.append((k, unit))
        for k, unit in later:
            if made_by(unit, "sum") and self._is_stacked(unit.inputs[0]):
                self._put_out(unit.inputs[0])
                self.after[k] = partial(self._sum, unit)
            else:
                self.after[k] = partial(self._total, len(self.sums))
                self.sums.append(unit)

    def _sinks(self, unit: Unit) -> bool:
        """Whether it is a product that sums over rows, as the gradient of weights does."""
        return self._is_product(unit) and made_by(unit.inputs[0], "transpose")

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
        self.read.add(unit)

    def _is_stacked(self, unit: Unit) -> bool:
        known = (*self.outputs, *self.elements, *self.carries, *self.nexts.values())
        return any(x is unit for x in known)

    # The loop that remains -----------------------------------------------------------------------

    def _rebuild(self, unit: Unit) -> None:
        """Make the loop of what is left, without carries that only carry themselves."""
        live = [x for x, new in self.nexts.items() if x in self.read or new in self.read]
        while True:
            reached = set(order([*self.outputs, *self.sums, *(self.nexts[x] for x in live)]))
            more = [x for x in self.nexts if x in reached and x not in live]
            if not more:
                break
            live += more
        self.carries = [x for x in self.carries if x in live]
        elements = [x for x in self.elements if x in reached]
        parameters = [x for x in self.parameters if x in reached]
        body = Body(
            tuple(self.carries),
            tuple(elements),
            tuple(parameters),
            tuple(self.nexts[x] for x in self.carries),
            tuple(self.outputs),
            tuple(self.sums),
        )
        rows = [self.length + 1] * len(self.carries) + [self.length] * len(self.outputs)
        shapes = [(n, *x.shape) for n, x in zip(rows, body.results, strict=False)]
        shapes += [x.shape for x in self.sums]
        given = tuple(self.outside[x] for x in body.sources)
        assert unit.gate is not None
        value = tuple(Abstract(shape, self.dtype) for shape in shapes)
        self.made = like(unit, wire(value, unit.gate, given, {**unit.static, "body": body}))
        self.made_outputs = outputs_of(self.made)

    # Around it -----------------------------------------------------------------------------------

    def output(self, k: int) -> Unit:
        """What stands for output `k` of the old loop."""
        if k in self.after:
            return self.after[k]()
        return self.made_outputs[self.carries.index(list(self.nexts)[k])]

    def _total(self, k: int) -> Unit:
        return self.made_outputs[len(self.carries) + len(self.outputs) + k]

    def _product(self, unit: Unit) -> Unit:
        x, w = unit.inputs
        product = GATES["matmul"](self._rows(self._stack(x)), self._outside(w))
        return GATES["reshape"](product, shape=(self.length, *unit.shape))

    def _sums_of_products(self, terms: Sequence[Unit]) -> Unit:
        found = []
        for unit in terms:
            a, b = (self._rows(self._stack(x)) for x in (unit.inputs[0].inputs[0], unit.inputs[1]))
            found.append(GATES["matmul"](GATES["transpose"](a, axes=(1, 0)), b))
        return reduce(GATES["add"], found)

    def _sum(self, unit: Unit) -> Unit:
        axes = (0, *(a + 1 for a in unit.static["axis"]))
        whole = GATES["sum"](self._stack(unit.inputs[0]), axis=axes, keepdims=False)
        return GATES["reshape"](whole, shape=unit.shape)

    def _stack(self, x: Unit) -> Unit:
        """A wire of the step at all steps: (length, ...)."""
        if x in self.elements:
            return self.outside[x]
        if x in self.outputs:
            return self.made_outputs[len(self.carries) + self.outputs.index(x)]
        before = x in self.carries
        k = self.carries.index(x) if before else [self.nexts[c] for c in self.carries].index(x)
        rest = ((0, n, 1) for n in x.shape)
        walks = ((int(before == self.reverse), self.length, 1), *rest)
        return GATES["slice"](self.made_outputs[k], walks=walks)

    def _rows(self, stack: Unit) -> Unit:
        """A stack of matrices as one tall matrix."""
        return GATES["reshape"](stack, shape=(prod(stack.shape[:-1]), stack.shape[-1]))

    def _outside(self, unit: Unit) -> Unit:
        """A wire of the step that is the same at every step, made outside."""
        return rewrite([unit], {x: self.outside[x] for x in self.parameters})[0]


def _terms(unit: Unit, readers: Counter[Unit]) -> list[Unit]:
    """What a result that nobody reads is the sum of, where nobody reads that either."""
    found, pending = [], [unit]
    while pending:
        unit = pending.pop()
        adds = made_by(unit, "add") and all(
            x.shape == unit.shape and x.dtype == unit.dtype and readers[x] == 1 for x in unit.inputs
        )
        if adds:
            pending += unit.inputs[::-1]
        else:
            found.append(unit)
    return found


def typed(unit: Unit) -> Body:
    """The step of a loop as it runs on sources of the dtypes that this loop has."""
    body: Body = unit.static["body"]
    count = len(body.carries)
    return body.typed([stored(unit)] * count + [x.dtype for x in unit.inputs[count:]])


def stored(unit: Unit) -> np.dtype:
    """The dtype of all that a loop stores."""
    return dtype_of(unit._value[0])
