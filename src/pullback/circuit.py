"""In: wires that someone wants computed. Out: the circuit they hang in, as one thing to hold."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature, signature
from typing import Any

from pullback.core.backward import backward
from pullback.core.copying import coded, is_importable
from pullback.core.errors import CircuitError, UnknownNameError
from pullback.core.gate import OUTPUT
from pullback.core.picture import picture
from pullback.core.text import brief, columns, counted, formula, names
from pullback.core.unit import Unit, set_together
from pullback.core.values import Value, is_number
from pullback.core.walk import forward, order
from pullback.engines.engine import Engine
from pullback.engines.prepare import prepare, refuse_engine
from pullback.program.program import Program
from pullback.source.javascript import JavaScript
from pullback.source.layout import write_source
from pullback.source.python import Python

LANGUAGES = {"python": Python(), "javascript": JavaScript()}
_LONG = 60  # gates; a longer circuit is printed group by group


class Circuit:
    """The gates and wires that some outputs are made from.

    `outputs` is a wire, several, or a dictionary that names them. The circuit's inputs are the
    sources it reaches. Print it for its text, `pb.draw` it for its picture.

    Raises `CircuitError` where an output is no wire.

    >>> x, y = Unit(-2.0, "x"), Unit(3.0, "y")
    >>> circuit = Circuit((x * y).named("f"))
    >>> round(circuit.forward(x=-1.99, y=2.99), 4)
    -5.9501
    >>> circuit.backward()
    >>> circuit["x"].grad
    2.99
    >>> print(circuit)
    circuit: 2 inputs, 1 gate
      x          = -1.99  grad 2.99
      y          = 2.99   grad -1.99
      f = x * y  = -5.95  grad 1
    """

    def __init__(self, outputs: Unit | Sequence[Unit] | Mapping[str, Unit]) -> None:
        labels = dict(outputs) if isinstance(outputs, Mapping) else {}
        if isinstance(outputs, Mapping):
            outputs = list(outputs.values())
        alone = isinstance(outputs, Unit) or not isinstance(outputs, Sequence)
        for unit in [outputs] if alone else outputs:
            if not isinstance(unit, Unit):
                raise CircuitError(f"a circuit's outputs are wires, got {unit!r}")
        self._single = isinstance(outputs, Unit)
        self.outputs: tuple[Unit, ...] = (outputs,) if isinstance(outputs, Unit) else tuple(outputs)
        self.wires: tuple[Unit, ...] = tuple(order(self.outputs))
        self.inputs: tuple[Unit, ...] = tuple(unit for unit in self.wires if unit.gate is None)
        self._labels = {unit: name for name, unit in labels.items()}
        self._named: dict[str, list[Unit]] = {}
        for unit in self.wires:
            if unit.name is not None:
                self._named.setdefault(unit.name, []).append(unit)
        self._named |= {name: [unit] for name, unit in labels.items()}

    @property
    def gates(self) -> tuple[Unit, ...]:
        """The wires that gates make, in running order; one for a gate of several outputs."""
        return tuple(unit for unit in self.wires if unit.inputs and unit.gate is not OUTPUT)

    def __len__(self) -> int:
        """The number of gates."""
        return len(self.gates)

    def __getitem__(self, name: str) -> Unit:
        """The wire of this name."""
        found = self._named.get(name, [])
        if not found:
            known = ", ".join(sorted(self._named)) or "none"
            raise UnknownNameError(f"no wire of the circuit is named {name!r}; named are: {known}")
        if len(found) > 1:
            raise CircuitError(f"{len(found)} wires of the circuit are named {name!r}; rename them")
        return found[0]

    def forward(self, **values: Any) -> Value | tuple[Value, ...]:
        """Set the inputs named, compute every wire again, and return the value of the outputs.

        Raises `CircuitError` for a name that is no input or a value that does not fit; then no
        wire has changed.
        """
        inputs = {}
        for name, value in values.items():
            unit = self[name] if name in self._named else None
            if unit is None or unit.gate is not None:
                known = ", ".join(u.name or "?" for u in self.inputs)
                raise CircuitError(f"the circuit has no input {name!r}; its inputs: {known}")
            inputs[unit] = value
        set_together(inputs)
        forward(self.outputs)
        results = tuple(unit.value for unit in self.outputs)
        return results[0] if self._single else results

    def backward(self, pull: Any = 1.0) -> None:
        """Pull on the outputs, each with the force `pull` or its own of a sequence of forces.

        Writes a fresh `.grad` to every wire of the circuit.
        """
        alone = self._single or not isinstance(pull, list | tuple)
        pulls = [pull] * len(self.outputs) if alone else list(pull)
        if len(pulls) != len(self.outputs):
            raise CircuitError(f"{len(pulls)} pulls for {len(self.outputs)} outputs")
        backward(self.outputs, pulls)

    def compile(
        self, engine: str = "native", *, threads: int | None = None
    ) -> Callable[..., Value | tuple[Value, ...]]:
        """This circuit as a function of its named inputs, run by an engine.

        It is called as `forward` is, and gives the same values; inputs that are not named in a call
        keep theirs. To compile gradients too, make them outputs: `Circuit([f, *gradient(f, xs)])`.
        `threads` share it, as in `prepare`.

        Raises `CircuitError` for an unknown engine, threads that it does not take, or a gate that
        it does not know.

        >>> x, y = Unit(2.0, "x"), Unit(3.0, "y")
        >>> run = Circuit(x * y).compile(engine="eager")
        >>> run(x=5.0)
        15.0
        """
        inputs = [unit for unit in self.inputs if unit.name is not None]
        made = self.outputs[0] if self._single else self.outputs
        return _Run.of(made, engine, threads, inputs)

    def source(self, language: str = "python") -> str:
        '''The code of forward and backward that a person would write, as a function `circuit`.

        It takes the inputs and the pulls, which are 1 unless told, and returns the outputs and the
        gradients of the float inputs; `dx` is the gradient of `x`. It needs nothing but NumPy.
        Shapes are those of this circuit; constant arrays of more than 12 different numbers become
        arguments. Dividing plain numbers by 0 raises, as Python does; a circuit gives infinity.
        `language` is "python" or "javascript"; in JavaScript arrays are nested and all numbers
        double.

        Raises `CircuitError` where a gate has no plain form in that language.
        Source: the guide, "Becoming a Backprop Ninja".

        >>> x, y, z = Unit(-2.0, "x"), Unit(5.0, "y"), Unit(-4.0, "z")
        >>> print(Circuit((x + y) * z).source())
        def circuit(x, y, z, df=1.0):
            """Returns f and its gradients by x, y, z, pulled by df."""
            # forward
            q = x + y
            f = q * z
            # backward
            dz = q * df
            dq = z * df
            dx = dy = dq
            return f, (dx, dy, dz)
        <BLANKLINE>
        '''
        if language not in LANGUAGES:
            known = ", ".join(map(repr, LANGUAGES))
            raise CircuitError(f"no source is written in {language!r}; languages are: {known}")
        return write_source(self.outputs, LANGUAGES[language], self._single).text

    def __str__(self) -> str:
        in_formulas = {u for u in self.wires if not u.shape and u.is_constant}
        in_formulas |= {u for u in self.wires if u.gate is not None and u.gate.several}
        shown = [u for u in self.wires if u not in in_formulas]
        title = f"circuit: {counted(len(self.inputs), 'input')}, {counted(len(self), 'gate')}"
        if len(self) > _LONG:
            return _table(title, _group_cells(self.gates))
        named = names(self.wires, self.outputs, self._labels)
        rows = []
        for unit in shown:
            left = named[unit]
            if unit.inputs:
                left += f" = {formula(unit, named)}"
            grad = "" if unit.grad is None else f"grad {brief(unit.grad)}"
            rows.append((left, f"= {brief(unit._value)}", grad))
        return _table(title, rows)

    def _repr_svg_(self) -> str | None:
        return picture(self, self.outputs)

    def __repr__(self) -> str:
        return f"<Circuit: {counted(len(self.inputs), 'input')}, {counted(len(self), 'gate')}>"


def _table(title: str, rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([title, *(f"  {line}" for line in columns(rows))])


def _group_cells(gates: Sequence[Unit]) -> list[tuple[str, str, str]]:
    """For each group of a long circuit: its name, how many gates, and what leaves it last."""
    groups: dict[str, list[Unit]] = {}
    for unit in gates:
        groups.setdefault(unit.scope, []).append(unit)
    return [
        (scope or "(no group)", counted(len(made), "gate"), f"last {brief(made[-1]._value)}")
        for scope, made in groups.items()
    ]


def compile(
    function: Callable[..., Unit | Sequence[Unit]],
    engine: str = "native",
    *,
    threads: int | None = None,
) -> Callable[..., Value | tuple[Value, ...]]:
    """A function of wires as a function of numbers and arrays, run by an engine.

    The function is recorded at the first call for each set of shapes and dtypes; after that its
    Python is not run again, so what it does must depend on shapes alone. `threads` share a call, as
    in `prepare`.

    Raises `CircuitError` where it does not return wires, or for what the engine does not know.

    >>> square = compile(lambda x: x * x, engine="eager")
    >>> square(3.0), square([1.0, 2.0])
    (9.0, array([1., 4.]))
    """
    if not callable(function):
        raise CircuitError(f"compile takes a function of wires, got {function!r}")
    refuse_engine(engine, threads)
    return _Compiled(function, engine, threads)


class _Compiled:
    """What `compile` makes. As any function it is copied by sharing it, and pickled by its name."""

    def __init__(self, function: Callable[..., Any], engine: str, threads: int | None) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._engine = engine
        self._threads = threads
        self._signature = signature(function)
        self._runs: dict[tuple, _Run] = {}

    def __call__(self, *values: Any, **named: Any) -> Value | tuple[Value, ...]:
        given = self._signature.bind(*values, **named)
        given.apply_defaults()
        units = [Unit(value, _name(self._signature, k)) for k, value in enumerate(given.args)]
        units += [Unit(value, name) for name, value in given.kwargs.items()]
        key = tuple((is_number(u._value), u.shape, u.dtype) for u in units)
        if key not in self._runs:
            count = len(given.args)
            keywords = dict(zip(given.kwargs, units[count:], strict=True))
            made = self._function(*units[:count], **keywords)
            self._runs[key] = _Run.of(made, self._engine, self._threads, units)
        return self._runs[key](**{unit.name or "": unit.value for unit in units})

    def __copy__(self) -> _Compiled:
        return self

    def __deepcopy__(self, memo: Any) -> _Compiled:
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        name = vars(self).get("__qualname__")  # a function's; a callable of another kind has none
        if name is not None and is_importable(self):
            return name
        function = coded(self._function, "a compiled function")
        return _Compiled, (function, self._engine, self._threads)


def _name(function: Signature, k: int) -> str:
    """What a function calls its positional argument k."""
    plain = [p for p in function.parameters.values() if p.kind is not Parameter.VAR_POSITIONAL]
    return plain[k].name if k < len(plain) else f"argument {k + 1}"


class _Run:
    """A step as a function of the names of its inputs, which answers one value or several."""

    def __init__(self, step: Engine, single: bool) -> None:
        self._step = step
        self._single = single

    @classmethod
    def of(
        cls,
        made: Unit | Sequence[Unit],
        engine: str,
        threads: int | None,
        inputs: Sequence[Unit],
    ) -> _Run:
        """What a function made of these sources."""
        outputs = {str(k): unit for k, unit in enumerate(Circuit(made).outputs)}
        program = Program({unit.name or "": unit for unit in inputs}, outputs, {})
        return cls(prepare(engine, program, threads=threads), isinstance(made, Unit))

    def __call__(self, **values: Any) -> Value | tuple[Value, ...]:
        results = tuple(self._step(**values).values())
        return results[0] if self._single else results
