"""In: wires, and what wires below them become. Out: what they become themselves.

Every pass over a circuit is this one walk, with a rule of its own for the wires that it changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pullback.core.abstract import abstract_of
from pullback.core.gate import OUTPUT, constant
from pullback.core.unit import Unit, wire
from pullback.core.values import Value, kind_of
from pullback.core.walk import age

Become = Callable[[Unit, tuple[Unit, ...]], Unit | None]


def rewrite(
    roots: Sequence[Unit], made: dict[Unit, Unit], become: Become | None = None
) -> list[Unit]:
    """What `roots` become where the wires in `made` have become others.

    The walk stops at those, and adds to `made` whatever it makes. Of any other wire, inputs first,
    it asks `become(unit, inputs)`, with what its inputs have become. None leaves it what its gate
    makes of them: itself where they are the same, else a new wire of its name, scope and origin.
    What a wire becomes is taken to carry what the wire does.

    >>> x, y = Unit(2.0), Unit(2.0)
    >>> (f,) = rewrite([(x * x).named("f")], {x: y})
    >>> f, f.inputs == (y, y)
    (Unit('f', value=4.0, gate='multiply'), True)
    """
    found: dict[Unit, None] = {}
    pending = list(roots)
    while pending:
        unit = pending.pop()
        if unit not in made and unit not in found:
            found[unit] = None
            pending.extend(unit.inputs)
    for unit in sorted(found, key=age):
        if unit in made:  # by `become`, which may walk on from what it makes
            continue
        inputs = tuple(made[x] for x in unit.inputs)
        new = None if become is None else become(unit, inputs)
        if new is None:
            new = unit if inputs == unit.inputs else remade(unit, inputs)
        made[unit] = new
    return [made[unit] for unit in roots]


def wired(
    function: Callable[[dict[Unit, Unit]], Sequence[Unit]],
    sources: Iterable[Unit],
    carried: Callable[[Value], Value] = abstract_of,
) -> list[Unit]:
    """The wires that `function` makes of sources, on what is `carried` in place of their values.

    It is given a twin of each source, which then becomes the source. By default the twins are
    abstract, so that nothing that is made of them computes its value.

    >>> w = Unit([1.0, 2.0], "w")
    >>> wired(lambda twin: [twin[w] * 2.0], [w])
    [Unit(value=Abstract((2,), float64), gate='multiply')]
    """
    twin = {x: like(x, Unit(carried(x._value))) for x in dict.fromkeys(sources)}
    return rewrite(function(twin), {y: x for x, y in twin.items()})


def remade(unit: Unit, inputs: tuple[Unit, ...]) -> Unit:
    """A new wire of what the gate of `unit` makes of other inputs; of constants, a constant.

    It carries the value of `unit`, unless that was made of values of other shapes or dtypes.
    """
    gate = unit.gate
    assert gate is not None
    folds = all(x.is_constant for x in (inputs[0].inputs if gate is OUTPUT else inputs))
    same = all(same_kind(x, old) for x, old in zip(inputs, unit.inputs, strict=True))
    value = unit._value if same and not folds else gate.evaluate(inputs, unit.static)
    if folds and not gate.several:
        return like(unit, constant(value))
    return like(unit, wire(value, gate, inputs, unit.static))


def like(old: Unit, new: Unit) -> Unit:
    """`new`, with the name, the scope and the origin of `old`."""
    new.name, new.scope, new.origin = old.name, old.scope, old.origin
    return new


def same_kind(a: Unit, b: Unit) -> bool:
    """Whether two wires carry values of one shape and dtype, both numbers of Python or neither."""
    return a is b or kind_of(a._value) == kind_of(b._value)
