"""In: a model that runs. Out: the calls of its layers, and what each made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pullback.core.abstract import abstract_of
from pullback.core.errors import AbstractError
from pullback.core.unit import Unit

if TYPE_CHECKING:
    from pullback.layers.layer import Layer


@dataclass
class Call:
    """One call of a layer: the wires it was given, and what it made, one or a tuple of them."""

    layer: Layer
    inputs: tuple[Unit, ...]
    output: Any = None


_watched: ContextVar[list[Call] | None] = ContextVar("pullback_calls", default=None)


def begun(layer: Layer, inputs: Sequence[Unit]) -> Call:
    """A call that begins, for whoever watches."""
    call = Call(layer, tuple(inputs))
    if (calls := _watched.get()) is not None:
        calls.append(call)
    return call


@contextmanager
def watch() -> Iterator[list[Call]]:
    """The calls of layers made inside, in the order in which they begin.

    >>> from pullback.layers import Identity
    >>> with watch() as calls:
    ...     y = Identity()(2.0)
    >>> [(call.layer, call.output.value) for call in calls]
    [(Identity(), 2.0)]
    """
    calls: list[Call] = []
    token = _watched.set(calls)
    try:
        yield calls
    finally:
        _watched.reset(token)


def calls_of(model: Layer, inputs: Sequence[Any]) -> list[Call]:
    """The calls inside a model on such inputs, of shapes alone unless it looks at the numbers."""
    try:
        with watch() as calls:
            model(*(Unit(abstract_of(x), "inputs") for x in inputs))
    except AbstractError:
        with watch() as calls:
            model(*inputs)
    return calls
