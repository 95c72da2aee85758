"""In: a function of NumPy's and the rules of its gradient. Out: a gate that wires can go through.

A gate is declared once, as data:

    @gate(partials=(lambda y, a, b: b, lambda y, a, b: a), symbol="*")
    def multiply(m, a, b):
        return m.multiply(a, b)

Its value is written in a NumPy-like namespace `m`; its local gradient, one function for each input,
is given the output and the inputs and is written in gates. Everything else reads that declaration:
eager execution, the backward pass, compilers, the gradient check, the documentation, the drawing.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from types import FrameType
from typing import Any, Protocol, TypeVar

import numpy as np

from pullback.core import floats
from pullback.core.abstract import Abstract
from pullback.core.copying import Code, is_importable, writes_code
from pullback.core.errors import CircuitError
from pullback.core.evaluation import compute, kept, namespace_of
from pullback.core.floats import scalars
from pullback.core.registry import GATES, Registry
from pullback.core.shapes import shapes
from pullback.core.unit import EMPTY, Unit, wire
from pullback.core.values import Value, arrays, as_value, copied

Rule = Callable[..., Any]
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(eq=False)
class Gate:
    """One operation: its value and its local gradient. It knows nothing of the circuit it is in.

    An elementwise gate gives `partials`: for each input a function `(y, *xs)` to the derivative of
    an output element by the input element that it is made from; None where the derivative is zero
    everywhere it exists. The chain rule multiplies, and broadcasting is undone, elsewhere.

    A structural gate gives `pullback` instead: for each input a function `(g, y, *xs, **static)`
    to the gradient that arrives there when `g` arrives at the output. A gate of any number of
    inputs gives one function of `i` to such a function.

    A gate with `several` outputs has a value that answers a tuple, and one function as `pullback`,
    `(gs, ys, *xs, **static)`: given the gradient at each output, None where none arrives, it
    answers those at all inputs, None where none flows. It makes a wire for each output.

    `kinks` declares where the gradient jumps: a function of the inputs to a signed distance that is
    zero there. At a kink a rule answers one value between the slopes on both sides.
    `domain` and `samples` say at which inputs the gate is tested: for each input of an elementwise
    gate an interval, or `bool`; for others a function of a random generator to a list of ready
    `(inputs, static)`. `function` is what users call; it tidies arguments (see `public`).
    `view` says that the output is another way to walk the elements of the one input, which stay
    where they are; `reduces` that elements along `axis` are joined, any two of them at a time;
    `indexed` that each element is made of nothing but single numbers and its own index;
    `primitive` that the value cannot be run on wires, to be rewritten into other gates; `eager`
    why no engine but "eager" runs it, and what to write instead.

    A step of training is recorded for shapes alone: then the value of an elementwise gate runs on
    small arrays of ones, and a structural gate of a user's makes the step be recorded with numbers.
    """

    name: str
    value: Callable[..., Value]
    partials: tuple[Rule | None, ...] | None = None
    pullback: tuple[Rule | None, ...] | Callable[..., Any] | None = None
    symbol: str = ""
    domain: tuple[tuple[float, float] | type[bool], ...] = ()
    samples: Callable[[np.random.Generator], list[tuple[tuple, dict]]] | None = None
    kinks: Callable[..., Any] | None = None
    view: bool = False
    reduces: bool = False
    primitive: bool = False
    several: bool = False
    indexed: bool = False
    eager: str = ""
    function: Callable[..., Any] = field(init=False, repr=False)
    of_one: Callable[..., Any] = field(init=False, repr=False)
    of_two: Callable[..., Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if (self.partials is None) == (self.pullback is None):
            raise CircuitError(
                f"gate {self.name!r} must declare either partials (elementwise) or a pullback"
            )
        if self.several and not callable(self.pullback):
            raise CircuitError(
                f"gate {self.name!r} has several outputs, so its pullback must be one function, "
                "(gs, ys, *xs, **static) to a gradient for each input"
            )
        self.function = self
        self.what = f"an input of {self.name}"
        self.of_one, self.of_two = floats.calls(self, Unit, wire, _number)
        if self.partials is not None and not self.domain:
            self.domain = ((-2.0, 2.0),) * len(self.partials)

    @property
    def elementwise(self) -> bool:
        """Whether each element of the output is made from one element of each input."""
        return self.partials is not None

    @property
    def is_built_in(self) -> bool:
        """Whether it is one of the library's own, which passes and engines know by its name."""
        return self is OUTPUT or GATES.get(self.name) is self

    def rule(self, i: int) -> Rule | None:
        """The partial of an elementwise gate, or the pullback of another, for input `i`."""
        rules = self.partials if self.pullback is None else self.pullback
        assert rules is not None
        return rules(i) if callable(rules) else rules[i]

    def public(self, function: F) -> F:
        """Decorate the function that users call: it tidies its arguments and calls this gate."""
        self.function = function
        function.gate = self  # pyright: ignore[reportFunctionMemberAccess]
        return function

    def __call__(self, *inputs: Any, **static: Any) -> Any:
        """Numbers in, a number out, at once; with any wire among the inputs, a wire out.

        A gate of several outputs answers a tuple of either. One whose inputs are all constants
        makes a constant.
        """
        wired = recorded = False
        m: Any = scalars if self.partials is not None else arrays
        values = []
        for x in inputs:
            if type(x) is Unit:
                wired = True
                if x.inputs or x.gate is None:
                    recorded = True
                x = x._value
            elif type(x) is not float:
                x = as_value(x, self.what)
            if type(x) is not float:  # a truth value is NumPy's, where True + True is True
                m = shapes if type(x) is Abstract or m is shapes else arrays
            values.append(x)
        if not wired:
            return compute(self, m, values, static, inputs)
        _refuse_changeable(self, static)
        wires = [x if type(x) is Unit else constant(v) for x, v in zip(inputs, values)]  # noqa: B905
        values = [x._value for x in wires]  # of arrays that users may change later, copies
        value = kept(compute(self, m, values, static, inputs), values)
        if not recorded:  # what was broadcast stays so, and takes no memory
            made = [wire(y, CONSTANT, (), EMPTY) for y in (value if self.several else (value,))]
            return tuple(made) if self.several else made[0]
        made = wire(value, self, tuple(wires), static or EMPTY)
        return outputs_of(made) if self.several else made

    def evaluate(self, inputs: Sequence[Unit], static: Mapping[str, Any]) -> Value:
        """The gate's value at the present values of these wires."""
        values = [x._value for x in inputs]
        return kept(compute(self, namespace_of(self, values), values, static, inputs), values)

    def __deepcopy__(self, memo: Any) -> Gate:
        return self  # it is data that nobody changes, and what wires are compared by

    def __copy__(self) -> Gate:
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self is CONSTANT or self.is_built_in:
            return _gate_named, (self.name,)
        if not is_importable(self.function) and writes_code():
            return super().__reduce_ex__(protocol)
        return attrgetter("gate"), (Code(self.function, f"the gate {self.name!r}"),)


def _refuse_changeable(gate: Gate, static: Mapping[str, Any]) -> None:
    """Raise where a wire would remember a list, say, that someone may change before it runs."""
    for name, value in static.items():
        try:
            hash(value)
        except TypeError:
            raise CircuitError(
                f"{gate.name} would remember {name}={value!r}, which may change before it runs "
                "again; give numbers, texts or tuples, or make it an input of the gate"
            ) from None


def _number(x: float, what: str, frame: FrameType) -> Unit:
    """A number among the inputs of a gate, as a wire; `what` it is."""
    return wire(as_value(x, what), CONSTANT, (), EMPTY, frame)


CONSTANT = Gate("constant", value=lambda m: None, pullback=())
OUTPUT = Gate("output", value=lambda m, y, *, index: y[index], pullback=(None,), primitive=True)
"""One of the several outputs of a gate, of the wire that carries all: it moves nothing."""


def outputs_of(made: Unit) -> tuple[Unit, ...]:
    """A wire for each output of a gate that has several, from the wire `made` that carries all.

    Users see these alone. The chain rule leads a pull on them to the gate's own rule.
    """
    return tuple(wire(y, OUTPUT, (made,), {"index": k}) for k, y in enumerate(made._value))


def _gate_named(name: str) -> Gate:
    """The library's own gate of this name."""
    return next((made for made in (CONSTANT, OUTPUT) if made.name == name), None) or GATES[name]


def constant(value: Any, what: str = "a constant") -> Unit:
    """A wire whose value never changes: neither `forward` nor a user sets it. It copies arrays.

    >>> constant(2.0) * constant(3.0)
    Unit(value=6.0, gate='constant')
    """
    value = as_value(value, what)
    value = copied(value) if isinstance(value, np.ndarray) else value
    return wire(value, CONSTANT, (), EMPTY)


class GateFunction(Protocol):
    """What `@gate` makes: a function of numbers or wires that knows its gate."""

    gate: Gate
    __name__: str

    def __call__(self, *inputs: Any, **static: Any) -> Any: ...


def gate(
    partials: tuple[Rule | None, ...] | None = None,
    pullback: tuple[Rule | None, ...] | Callable[..., Any] | None = None,
    *,
    name: str = "",
    symbol: str = "",
    domain: tuple[tuple[float, float] | type[bool], ...] = (),
    samples: Callable[[np.random.Generator], list[tuple[tuple, dict]]] | None = None,
    kinks: Callable[..., Any] | None = None,
    view: bool = False,
    reduces: bool = False,
    primitive: bool = False,
    several: bool = False,
    indexed: bool = False,
    eager: str = "",
    registry: Registry[Gate] | None = None,
) -> Callable[[Callable[..., Value]], GateFunction]:
    """Declare a gate; the decorated function of `(m, *xs)` is its value. Fields: see `Gate`.

    Check what you declared with `pb.check_gate(function)`. The library's own gates stand in a
    registry, where tests and documentation find them; yours need none, and can be declared anew.

    Raises `CircuitError` where partials and pullback are both given or both missing, or where
    there are not as many rules as the value has inputs.
    Source: the guide, "Recursive Case: Circuits with Multiple Gates".

    >>> @gate(partials=(lambda y, x: 3 * x * x,))
    ... def cube(m, x):
    ...     return x * x * x
    >>> x = Unit(2.0)
    >>> y = cube(x)
    >>> y.backward()
    >>> y.value, x.grad
    (8.0, 12.0)

    A gate may have several outputs. One rule then answers for all its inputs:

    >>> def rule(gs, ys, x):
    ...     by_s, by_c = (0.0 if g is None else g for g in gs)
    ...     return (by_s * ys[1] - by_c * ys[0],)
    >>> @gate(pullback=rule, several=True)
    ... def sine_and_cosine(m, x):
    ...     return m.sin(x), m.cos(x)
    >>> s, c = sine_and_cosine(Unit(0.0))
    >>> s.value, c.value
    (0.0, 1.0)
    """
    if callable(partials):
        raise CircuitError(
            "declare a gate with its rules, a tuple with one for each input: "
            "@gate(partials=(lambda y, x: 2 * x,)), not @gate alone"
        )
    for rules in (partials, pullback):
        if not isinstance(rules, tuple | None) and not callable(rules):
            raise CircuitError(f"a gate's rules are a tuple, one for each input, got {rules!r}")

    def declare(value: Callable[..., Value]) -> GateFunction:
        made = Gate(
            name or value.__name__.strip("_"),
            value,
            partials,
            pullback,
            symbol,
            domain,
            samples,
            kinks,
            view,
            reduces,
            primitive,
            several,
            indexed,
            eager,
        )
        if registry is not None:
            registry.add(made.name, made)

        signature = inspect.signature(value)
        arguments = list(signature.parameters.values())[1:]
        _refuse_rules(made, arguments)
        takes = len(arguments) if partials is not None else 0
        quick = {1: made.of_one, 2: made.of_two}.get(takes, made)

        @functools.wraps(value)
        def function(*inputs: Any, **static: Any) -> Any:
            if takes and len(inputs) != takes:
                raise TypeError(f"{made.name} takes {takes} inputs, got {len(inputs)}")
            return quick(*inputs, **static)

        del function.__wrapped__  # what users call takes no `m`
        vars(function)["__signature__"] = signature.replace(parameters=arguments)
        made.public(function)
        return function  # pyright: ignore[reportReturnType]

    return declare


def _refuse_rules(made: Gate, arguments: Sequence[inspect.Parameter]) -> None:
    """Raise where a gate has not one rule for each input of its value."""
    rules = made.partials if made.partials is not None else made.pullback
    inputs = [a for a in arguments if a.kind is a.POSITIONAL_OR_KEYWORD]
    variadic = any(a.kind is a.VAR_POSITIONAL for a in arguments)
    if not variadic and isinstance(rules, tuple) and len(rules) != len(inputs):
        raise CircuitError(
            f"gate {made.name!r} takes {len(inputs)} inputs but declares {len(rules)} rules; "
            "give one for each input, None where no gradient flows"
        )


built_in = functools.partial(gate, registry=GATES)
"""`gate` for the library's own gates, which are found by name."""
