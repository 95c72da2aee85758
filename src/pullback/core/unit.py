"""In: numbers, arrays, and gates applied to them. Out: wires that know their value and making.

A `Unit` is a wire of a circuit: a value that flows forward, a gradient that flows back, and, unless
it is a source, the gate and the wires that made it. There is no tape and no mode: a wire computes
its value when it is made and remembers how, so the circuit is whatever its wires remember. Where
one carries a shape and a dtype alone, see `abstract`, so does what is made of it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, final

import numpy as np

from pullback.core import walk
from pullback.core.abstract import Abstract, refuse_abstract
from pullback.core.backward import backward
from pullback.core.copying import parts_of_wire
from pullback.core.errors import CircuitError
from pullback.core.operators import Operators
from pullback.core.origin import Origin, Place, calling_code, place_of
from pullback.core.picture import picture
from pullback.core.values import Value, as_value, dtype_of, is_number, read_only, shape_of
from pullback.core.walk import forward

if TYPE_CHECKING:
    from pullback.core.gate import Gate

EMPTY: Mapping[str, Any] = {}

_scope: ContextVar[str] = ContextVar("pullback_scope", default="")
_new = object.__new__
_CARRIED = (np.ndarray, np.generic, float, bool, Abstract)


@final
class Unit(Operators):
    """A wire: a `value` that flows forward and a `grad` that flows back.

    `Unit(value)` is a source, which users set, with a copy of the value; gates make all other
    wires. It becomes no plain number unless asked for its `.value`: `math.exp(x)` raises, for no
    gradient would come back from there. `grad` has the value's shape and is None until a backward
    pass has reached the wire. On constants, and on wires that carry truth values or integers, it
    stays None.

    `copy.deepcopy` and `pickle` take a wire with all that it is made from, however deep that is.

    Raises `CircuitError` where the value is not a real number or an array of real numbers.
    Source: the guide, "Example: Single Neuron", where every wire is such a pair.

    >>> x = Unit(3.0, name="x")
    >>> y = x * x
    >>> y.backward()
    >>> y.value, x.grad
    (9.0, 6.0)
    """

    __slots__ = (
        "__weakref__",
        "_value",
        "gate",  # what made it; None for a source
        "grad",
        "index",  # its age: a wire is younger than all wires it was made from
        "inputs",
        "name",
        "origin",  # the code that made it
        "scope",  # the layer it stands in, as "model/dense1", or ""
        "static",  # what else the gate was hint: axes, shapes
        "time",  # when its value was last set or computed
    )

    _value: Value
    gate: Gate | None
    grad: Value
    index: int
    inputs: tuple[Unit, ...]
    name: str | None
    origin: Origin
    scope: str
    static: Mapping[str, Any]
    time: float  # a moment, or `walk.IN_USE`

    def __init__(self, value: Any, name: str | None = None) -> None:
        if isinstance(value, Unit):
            raise CircuitError(f"{value.label} is a wire already; use it as it is, or its .value")
        if type(value) is not float and type(value) is not Abstract:
            value = as_value(value, "a wire's value" if name is None else f"{name!r}")
            value = read_only(value.copy()) if isinstance(value, np.ndarray) else value
        if name is not None and (type(name) is not str or not name):
            raise CircuitError(f"a wire's name must be a text, got {name!r}")
        self._value = value
        self.grad = None
        self.name = name
        self.gate = None
        self.inputs = ()
        self.static = EMPTY
        self.scope = _scope.get()
        self.origin = calling_code(sys._getframe(1))
        self.index = self.time = walk.tick()

    @property
    def value(self) -> Value:
        """The number or array on this wire. Only a source can be set, to a value of its shape.

        The wire keeps a copy of what it is set to, and no array that it shows can be written into:
        NumPy then says "destination is read-only". Set a new one: `x.value = x.value + 1`.

        Raises `AbstractError` where the wire was recorded for its shape and dtype alone, as those
        of a training step are: an engine runs them, or `forward()`.

        >>> x = Unit(3.0)
        >>> y = x + 1
        >>> x.value = 10
        >>> y.forward()
        11.0
        """
        value = self._value
        if type(value) is not float:
            if isinstance(value, np.ndarray) and value.flags.writeable:
                return read_only(value.copy())  # an engine's memory, which its next step changes
            refuse_abstract(self)
        return value

    @value.setter
    def value(self, value: Any) -> None:
        if self.gate is not None:
            raise CircuitError(
                f"{self.label} gets its value from its gate; set the sources it is made from"
            )
        new = as_value(value, self.label)
        if shape_of(new) != shape_of(self._value):
            raise CircuitError(
                f"{self.label} has shape {shape_of(self._value)}, got {shape_of(new)}; "
                "a circuit's shapes are fixed, so build a new one for other shapes"
            )
        if type(new) is not type(self._value) or dtype_of(new) != dtype_of(self._value):
            new = cast(new, dtype_of(self._value), self.label)
            new = new.item() if is_number(self._value) else new
        self._value = read_only(new.copy()) if isinstance(new, np.ndarray) else new
        self.time = walk.tick()

    @property
    def is_constant(self) -> bool:
        """Whether the value never changes: neither a source, which users set, nor made of wires."""
        return self.gate is not None and not self.inputs

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value, () for a number."""
        return shape_of(self._value)

    @property
    def dtype(self) -> np.dtype:
        """The NumPy dtype of the value."""
        return dtype_of(self._value)

    @property
    def ndim(self) -> int:
        """The number of axes of the value."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements of the value."""
        return math.prod(self.shape)

    @property
    def label(self) -> str:
        """The wire as messages name it: its name, or its gate and the line that made it."""
        if self.name is not None:
            return repr(self.name)
        what = f"the wire from {self.gate.name!r}" if self.gate else "an unnamed source"
        place = self.where
        return f"{what} ({place})" if place else what

    @property
    def place(self) -> Place | None:
        """Where in the user's code this wire was made; None where nobody's code made it."""
        return place_of(self.origin)

    @property
    def where(self) -> str:
        """The file and line of the user's code that made this wire, "" where nobody's did."""
        place = self.place
        return "" if place is None else f"{place.file}:{place.line}"

    def named(self, name: str) -> Unit:
        """Name this wire, and return it: `q = (x + y).named("q")`."""
        self.name = name
        return self

    def forward(self) -> Value:
        """Compute this wire's value again from its sources' present values, and return it."""
        forward([self])
        return self.value

    def backward(self, pull: Any = 1.0) -> None:
        """Pull on this wire: write the gradient of `pull * wire` to every wire it is made from.

        `pull` is a number or an array that broadcasts to the wire's shape; +1 asks the wire, and
        each of its elements, to increase. Branches add up within a call; calls do not: the
        gradients are fresh each time.

        Raises `StaleError` where a source has changed since the wire was last computed.
        Source: the guide, "Backpropagation".

        >>> x, y = Unit(-2.0), Unit(3.0)
        >>> (x * y).backward()
        >>> x.grad, y.grad
        (3.0, -2.0)
        """
        backward([self], [pull])

    # Copies: a wire is copied, and pickled, with all that it is made from; see `copying`.

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return parts_of_wire(self, self._state)

    def _state(self) -> tuple[Any, ...]:
        made = self.gate, self.inputs, self.static, self.scope, self.place
        return self._value, self.grad, self.name, made, self.index, self.time

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        value, grad, self.name, made, self.index, self.time = state
        self.gate, self.inputs, static, self.scope, self.origin = made
        self.static = static or EMPTY
        self._value, self.grad = _owned(value), _owned(grad)

    def __copy__(self) -> NoReturn:
        raise CircuitError(
            f"{self.label} is not copied without what it is made from: copy.deepcopy copies all of "
            "it, and Unit(x.value) makes a new source"
        )

    def __repr__(self) -> str:
        parts = [] if self.name is None else [repr(self.name)]
        parts.append(f"value={self._value!r}")
        if self.grad is not None:
            parts.append(f"grad={self.grad!r}")
        if self.gate is not None:
            parts.append(f"gate={self.gate.name!r}")
        return f"Unit({', '.join(parts)})"

    def _repr_svg_(self) -> str | None:
        return picture(self, [self])

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError(f"{self.label} is a single number and has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Unit]:
        return (self[i] for i in range(len(self)))

    def __format__(self, spec: str) -> str:
        return format(self.value, spec) if spec else str(self)

    def __eq__(self, other: object) -> bool:
        """Whether it is the same wire; a comparison with numbers is refused, as `if x:` is."""
        if isinstance(other, float | int | np.ndarray | np.generic):
            raise TypeError(
                f"== asks whether {self.label} is the same wire; compare what it carries with "
                "pb.equal, or ask for its .value"
            )
        return self is other

    __hash__ = object.__hash__


def units(**values: Any) -> tuple[Unit, ...]:
    """Named sources, in the order given.

    >>> x, y = units(x=-2.0, y=3.0)
    >>> x
    Unit('x', value=-2.0)
    """
    return tuple(Unit(value, name) for name, value in values.items())


def wire(
    value: Value,
    gate: Gate,
    inputs: tuple[Unit, ...],
    static: Mapping[str, Any],
    frame: FrameType | None = None,
) -> Unit:
    """The wire that `gate` makes of `inputs`; `Gate.__call__` is what computes `value`.

    `frame` is where the search for the user's code begins, where the caller knows that it is not
    between itself and there; looking at a frame is what costs most about a wire.
    """
    if type(value) is not float and not isinstance(value, _CARRIED):
        _refuse_made(value, gate)
    unit = _new(Unit)
    unit._value = value
    unit.grad = None
    unit.name = None
    unit.gate = gate
    unit.inputs = inputs
    unit.static = static
    unit.scope = _scope.get()
    unit.origin = calling_code(frame or sys._getframe(1))
    unit.index = unit.time = walk.tick()
    return unit


def _refuse_made(value: Value, gate: Gate) -> None:
    """Raise where a gate has not made numbers, or as many numbers as it has outputs."""
    made = value if gate.several and type(value) is tuple else (value,)
    for x in made:
        if not isinstance(x, _CARRIED):
            kind = type(x).__name__
            hint = "; declare several=True for several outputs" if kind == "tuple" else ""
            raise CircuitError(f"gate {gate.name!r} made a {kind}; a value must be numbers{hint}")


def set_together(values: Mapping[Unit, Any]) -> None:
    """Set each of these sources to its value: all of them or, where one does not fit, none."""
    before = [(unit, unit._value, unit.time) for unit in values]
    try:
        for unit, value in values.items():
            unit.value = value
    except CircuitError:
        for unit, value, time in before:
            unit._value, unit.time = value, time
        raise


def cast(value: Value, dtype: np.dtype, what: str) -> np.ndarray:
    """`value` in the dtype of its wire; a fraction is not cut off to make an integer.

    Raises `CircuitError` where whole numbers or truth values would not be what `value` is.
    """
    with np.errstate(all="ignore"):
        new = np.asarray(value).astype(dtype)
    if dtype.kind != "f" and not np.array_equal(new, value):
        raise CircuitError(f"{what} carries {dtype} values, which {value!r} would not survive")
    return new


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Wires made inside belong to the group `name`, nested as "outer/inner"; drawings show it.

    >>> with scope("model"), scope("dense1"):
    ...     y = Unit(3.0) * 2.0
    >>> y.scope
    'model/dense1'
    """
    outer = _scope.get()
    token = _scope.set(f"{outer}/{name}" if outer and name else name or outer)
    try:
        yield
    finally:
        _scope.reset(token)


def _owned(value: Value) -> Value:
    """A value that came with a pickle, in memory of its own: the pickle's may be another's."""
    if type(value) is tuple:
        return tuple(map(_owned, value))
    is_view = isinstance(value, np.ndarray) and value.base is not None
    return read_only(value.copy("K") if is_view else value)
