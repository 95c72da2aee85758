"""A circuit inside a gate: `loop` runs one step again and again, each on what the last one left.

In: the first values of what is carried, and sequences of which every step gets one element. Out:
all that was carried, stacked. The step is a Python function of wires and is recorded once. Wires
that it uses from around it, parameters say, become further inputs of the gate, so that gradients
reach them.

The gradient of a loop is a loop, whose step `body` makes. A step gives next carries, further
outputs, and terms of sums; so does its gradient, run from the last step to the first: what it
carries is the pull on the carries, its outputs are the gradients of the sequences' elements, and
its sums those of the parameters. That is one rule, and it serves every order: the second derivative
is the gradient of a loop as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from pullback.core.abstract import Abstract, abstract_of
from pullback.core.errors import CircuitError
from pullback.core.gate import built_in as gate
from pullback.core.gate import constant
from pullback.core.rewrite import rewrite
from pullback.core.unit import Unit
from pullback.core.values import as_array, as_value, dtype_of, is_differentiable, shape_of, zeros
from pullback.core.walk import age
from pullback.gates.body import Body
from pullback.gates.elementary import tanh
from pullback.gates.shape import reshape, slice_walks

# The gate ----------------------------------------------------------------------------------------


def _rule(
    gs: Sequence[Any], ys: Sequence[Any], *xs: Any, body: Body, length: int, reverse: bool
) -> list[Any]:
    back = body.gradient
    n, s = len(body.carries), len(body.elements)
    stacked = n + len(body.outputs)
    before, after = (1, 0) if reverse else (0, 1)

    def pull(k: int) -> Any:
        return zeros(ys[k].shape, ys[k].dtype) if gs[k] is None else gs[k]

    sequences = [
        *(lambda k=k: _rows(pull(k), before, length) for k in range(n)),
        *(lambda k=k: _rows(ys[k], before, length) for k in range(n)),
        *(lambda k=k: _rows(ys[k], after, length) for k in range(n)),
        *(lambda k=k: ys[k] for k in range(n, stacked)),
        *(lambda x=x: x for x in xs[n : n + s]),
        *(lambda k=k: pull(k) for k in range(n, stacked)),
    ]
    parameters = [
        *(lambda x=x: x for x in xs[n + s :]),
        *(lambda k=k: pull(k) for k in range(stacked, len(ys))),
    ]
    last = 0 if reverse else length
    made = _loop(
        *(_row(pull(k), last) for k in range(n)),
        *(sequences[k]() for k in back.sequences),
        *(parameters[k]() for k in back.parameters),
        body=back.body,
        length=length,
        reverse=not reverse,
    )
    first = length - last
    gradients = [_row(made[k], first) for k in range(n)]
    return gradients + [None if k is None else made[k] for k in back.places]


def _rows(stack: Any, first: int, count: int) -> Any:
    """So many rows of a carry's stack."""
    walks = ((first, count, 1), *((0, n, 1) for n in stack.shape[1:]))
    return slice_walks(stack, walks=walks)


def _row(stack: Any, k: int) -> Any:
    """One row of a carry's stack, without its axis."""
    return reshape(_rows(stack, k, 1), stack.shape[1:])


def _samples(rng: np.random.Generator) -> list[tuple[tuple, dict]]:
    def case(step: Any, initial: Any, sequences: Any, **more: Any) -> tuple[tuple, dict]:
        inputs, static = _recorded(step, initial, sequences, **more)
        return tuple(x.value if isinstance(x, Unit) else x for x in inputs), static

    def swing(p: Any, q: Any, u: Any) -> tuple[Any, Any, Any]:
        q = q + 0.5 * p
        return p - rate * q + u, q, p * q

    w, rate = Unit(rng.normal(size=(3, 3)) * 0.5), Unit(np.array([0.3, 0.7]))
    h, x = rng.normal(size=3), rng.normal(size=(4, 3))
    p, q, u = rng.normal(size=2), rng.normal(size=2), rng.normal(size=(3, 1))
    return [
        case(lambda h, x: tanh(h @ w + x), h, x),
        case(swing, (p, q), u, reverse=True),
        case(lambda h, x: tanh(h + x), h, x[:0]),
    ]


@gate(pullback=_rule, samples=_samples, primitive=True, several=True)
def _loop(m, *inputs, body, length, reverse):
    """Each carry's stack, of length + 1 rows, each output's, of `length`, and each sum.

    Row t + 1 of a carry's stack is its value after step t, and row 0 its first value. In a reversed
    loop row t is the value after step t, and the last row is the first value.
    """
    n, s = len(body.carries), len(body.elements)
    initial, sequences, parameters = inputs[:n], inputs[n : n + s], inputs[n + s :]
    dtype = _dtype(inputs, body)

    def cast(xs: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(x if getattr(x, "dtype", None) == dtype else m.astype(x, dtype) for x in xs)

    def step(state: tuple[Any, ...], elements: tuple[Any, ...]) -> tuple[tuple, tuple]:
        nexts, outputs, terms = map(cast, body.run(m, state[:n], elements, parameters))
        sums = (m.add(a, b) for a, b in zip(state[n:], terms, strict=True))
        return (*nexts, *sums), (*nexts, *outputs)

    initial = cast(initial)
    sums = tuple(np.zeros(unit.shape, dtype) for unit in body.sums)
    if not length:
        empty = (np.zeros((0, *unit.shape), dtype) for unit in body.outputs)
        return *(m.reshape(x, (1, *m.shape(x))) for x in initial), *empty, *sums
    state, stacks = m.scan(step, (*initial, *sums), sequences, length, reverse)
    whole = []
    for first, rows in zip(initial, stacks, strict=False):
        pieces = m.reshape(first, (1, *m.shape(first))), rows
        whole.append(m.concatenate(pieces[::-1] if reverse else pieces))
    return *whole, *stacks[n:], *state[n:]


def _dtype(inputs: Sequence[Any], body: Body) -> np.dtype:
    """The dtype of a loop's output: that of the carries, or else of all floats that go in."""
    if body.carries:
        return dtype_of(inputs[0])
    floats = [dtype_of(x) for x in inputs if is_differentiable(x)]
    return np.result_type(*floats) if floats else body.results[0].dtype


# The function that users call --------------------------------------------------------------------


@_loop.gate.public
def loop(
    step: Callable[..., Any],
    initial: Any,
    sequences: Any = (),
    *,
    length: int | None = None,
    reverse: bool = False,
) -> tuple[Any, ...]:
    """What `step` makes when it runs over and over: the stack of each carry, and of each output.

    carry[t] = step(carry[t - 1], x[t]). `initial` is one carry or a tuple of them, `sequences` one
    array or wire or a tuple, each with the steps along its first axis; `step` is called once, as
    `step(*carries, *elements)`, and returns the next carries, in their shapes, and then as many
    outputs as it likes. Wires that it uses from around it get gradients as well. Answers a tuple of
    stacks of shape (length, *shape) whose row t was made by step t; the last is `stack[-1]`.
    `length` is asked for only where there are no sequences; `reverse` runs from the end to the
    start. Carries and outputs are floats of one dtype; elements may be anything.

    What does not depend on a carry or an element is computed once, random numbers too unless their
    step is an element. The backward pass stores no wire inside the step, but computes it again; it
    reads what the step returns, so return as an output what is costly to compute twice.

    Raises `CircuitError` where the step changes a carry's shape or dtype or returns too few, and
    where sequences differ in length. Source: the guide, on recurrent networks.

    >>> x = Unit([1.0, 2.0, 3.0])
    >>> (total,) = loop(lambda total, x: total + x, 0.0, x)
    >>> total.value
    array([1., 3., 6.])
    >>> total[-1].backward()
    >>> x.grad
    array([1., 1., 1.])
    """
    inputs, static = _recorded(step, initial, sequences, length, reverse)
    body, steps = static["body"], static["length"]
    made = _loop(*inputs, **static)
    n = len(body.carries)
    stacks = (_rows(stack, 0 if reverse else 1, steps) for stack in made[:n])
    return (*stacks, *made[n:])


def _recorded(
    step: Callable[..., Any],
    initial: Any,
    sequences: Any,
    length: int | None = None,
    reverse: bool = False,
) -> tuple[list[Any], dict[str, Any]]:
    """The inputs of the gate and its static arguments: the step, run once on the first elements."""
    firsts = [_checked(x, f"carry {k + 1} of the loop") for k, x in enumerate(_several(initial))]
    xs = [_checked(x, f"sequence {k + 1} of the loop") for k, x in enumerate(_several(sequences))]
    steps = _length(xs, length)
    if not firsts and not xs:
        raise CircuitError("a loop needs a carry or a sequence")
    known = not any(type(_value(x)) is Abstract for x in (*firsts, *xs))
    carries = [_source(x, _value(x), known) for x in firsts]
    elements = [_source(x, _first(_value(x), reverse), known) for x in xs]
    made = step(*carries, *elements)
    if made is None:
        raise CircuitError("the step of the loop returned None; return the next carries")
    results = [x if isinstance(x, Unit) else constant(x) for x in _several(made)]
    _refuse_misfits(carries, results)
    around = _closed_over(results, (*carries, *elements))
    parameters = [_source(x, x._value, known) for x in around]
    sources = {x: x for x in (*carries, *elements)} | dict(zip(around, parameters, strict=True))
    copies = rewrite(results, sources)
    nexts, outputs = copies[: len(carries)], copies[len(carries) :]
    body = Body(tuple(carries), tuple(elements), tuple(parameters), tuple(nexts), tuple(outputs))
    static = {"body": body, "length": steps, "reverse": bool(reverse)}
    return [*firsts, *xs, *around], static


def _several(x: Any) -> tuple[Any, ...]:
    """One thing or a tuple of them as a tuple. A list of numbers is one array."""
    if isinstance(x, list) and any(isinstance(item, Unit | np.ndarray) for item in x):
        return tuple(x)
    return x if isinstance(x, tuple) else (x,)


def _checked(x: Any, what: str) -> Any:
    return x if isinstance(x, Unit) else as_value(x, what)


def _value(x: Any) -> Any:
    return as_array(x._value if isinstance(x, Unit) else x)


def _source(like: Any, value: Any, known: bool) -> Unit:
    """A source inside the step that carries an array, named as the wire around it.

    It is abstract where not all of the numbers that the loop begins with are `known`.
    """
    value = as_array(value)
    return Unit(
        value if known else abstract_of(value), like.name if isinstance(like, Unit) else None
    )


def _first(x: Any, reverse: bool) -> Any:
    """The element that the first step gets; zeros where there is none."""
    if type(x) is Abstract:
        return Abstract(x.shape[1:], x.dtype) if x.shape else x
    return np.array(x[-1 if reverse else 0]) if len(x) else np.zeros(x.shape[1:], x.dtype)


def _length(sequences: Sequence[Any], length: int | None) -> int:
    """The number of steps."""
    found: dict[int, str] = {}
    for k, x in enumerate(sequences):
        what = x.label if isinstance(x, Unit) else f"sequence {k + 1}"
        if not shape_of(_value(x)):
            raise CircuitError(f"{what} is a single number; a loop steps along a first axis")
        found.setdefault(shape_of(_value(x))[0], what)
    if length is not None:
        if length != int(length) or length < 0:
            raise CircuitError(f"length must be a whole number from 0 upwards, got {length}")
        found.setdefault(int(length), "`length`")
    if len(found) > 1:
        lengths = " and ".join(f"{what} has {n}" for n, what in found.items())
        raise CircuitError(f"the sequences of a loop must be of one length: {lengths} steps")
    if not found:
        raise CircuitError("a loop without sequences does not know its length; give `length=`")
    return next(iter(found))


def _refuse_misfits(carries: Sequence[Unit], results: Sequence[Unit]) -> None:
    """Raise where what a step makes cannot be carried on, or not be stacked with the rest."""
    if len(results) < len(carries):
        raise CircuitError(
            f"the step of the loop returned {len(results)} wires for {len(carries)} carries; "
            "it must return the next value of each"
        )
    if not results:
        raise CircuitError("the step of the loop returned nothing; return what it makes")
    dtype = (carries or results)[0].dtype
    for k, (carry, new) in enumerate(zip(carries, results, strict=False)):
        name = f"carry {k + 1}" if carry.name is None else f"carry {carry.name!r}"
        _refuse_dtype(name, carry.dtype, dtype)
        if (new.shape, new.dtype) != (carry.shape, carry.dtype):
            raise CircuitError(
                f"{name} starts as {carry.dtype} of shape {carry.shape} and after a step is "
                f"{new.dtype} of shape {new.shape}; start with what it shall be"
            )
    for k, output in enumerate(results[len(carries) :]):
        _refuse_dtype(f"output {k + 1}", output.dtype, dtype)


def _refuse_dtype(what: str, dtype: np.dtype, wanted: np.dtype) -> None:
    if dtype.kind != "f" or dtype != wanted:
        raise CircuitError(
            f"{what} of the loop is {dtype}; carries and outputs must be floats of one dtype"
            + (f", here {wanted}" if wanted.kind == "f" else "")
            + "; use astype"
        )


def _closed_over(results: Sequence[Unit], sources: Sequence[Unit]) -> list[Unit]:
    """The wires from around a step that it uses, oldest first.

    A wire that was made by the step but of nothing that changes from step to step is one as well.
    """
    start = min(unit.index for unit in sources)
    young: dict[Unit, None] = {}
    pending = list(results)
    while pending:
        unit = pending.pop()
        if unit.index >= start and unit not in young:
            young[unit] = None
            pending.extend(unit.inputs)
    inside = set(sources)
    used = dict.fromkeys(results)
    for unit in sorted(young, key=age):
        if any(x in inside for x in unit.inputs):
            inside.add(unit)
            used |= dict.fromkeys(unit.inputs)
    return sorted((u for u in used if u not in inside and not u.is_constant), key=age)
