"""In: a model and all rows that it will be given. Out: nothing, or a refusal by one of its layers.

A model that is recorded for shapes alone sees no numbers. So a layer that cannot take any whole
number is asked here, before work: an `Embedding`, say, that has not so many rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pullback.core.abstract import Abstract, abstract_of
from pullback.core.errors import AbstractError, CircuitError
from pullback.core.unit import Unit
from pullback.core.walk import order
from pullback.layers.calls import Call, watch
from pullback.layers.layer import Layer


def refuse_numbers(model: Any, inputs: Sequence[np.ndarray]) -> None:
    """Raise `CircuitError` where a layer refuses what comes to it of whole numbers alone.

    >>> from pullback.layers import Embedding, Flatten, Sequential
    >>> refuse_numbers(Sequential(Flatten(), Embedding(5, 3)), [np.array([[[1, 7]]])])
    Traceback (most recent call last):
        ...
    pullback.core.errors.CircuitError: layer 'embedding1' has rows 0 to 4, and was asked for 7
    """
    if not isinstance(model, Layer) or not any(_asks(layer) for _, layer in model.walk()):
        return
    try:
        if not model.built:
            _calls(model, [_wire(x[:1]) for x in inputs])
        wires = [_wire(x) for x in inputs]
        calls = _calls(model, wires)
    except AbstractError:  # a model that looks at numbers is given them when it is recorded
        return
    whole = {wire: x for wire, x in zip(wires, inputs, strict=True) if wire.dtype.kind in "iu"}
    for call in calls:
        if _asks(call.layer):
            given = [_known(x, whole) for x in call.inputs]
            if any(isinstance(x, np.ndarray) for x in given):
                call.layer.refuse(*given)


def _known(wire: Unit, whole: Mapping[Unit, np.ndarray]) -> np.ndarray | Abstract:
    """The numbers on a wire that is made of whole numbers alone; else an abstract value."""
    sources = {unit for unit in order([wire]) if unit.gate is None}
    if not sources <= set(whole):
        return abstract_of(wire._value)
    for unit in sources:
        unit.value = whole[unit]
    return np.asarray(wire.forward())


def refuse_order(model: Any) -> None:
    """Raise `CircuitError` where a layer must have its batches in order, which rows have not."""
    layers = model.walk() if isinstance(model, Layer) else ()
    for path, layer in layers:
        if layer.takes_pieces:
            raise CircuitError(
                f"layer {path or layer.called!r} is stateful: each batch goes on where the one "
                "before it ended, and rows come in random order; give batches, which are pieces of "
                "sequences in their order"
            )


def _asks(layer: Layer) -> bool:
    """Whether there are numbers that a layer refuses."""
    return type(layer).refuse is not Layer.refuse


def _wire(x: np.ndarray) -> Unit:
    return Unit(abstract_of(x), "inputs")


def _calls(model: Layer, wires: Sequence[Unit]) -> list[Call]:
    with watch() as calls:
        model(*wires)
    return calls
