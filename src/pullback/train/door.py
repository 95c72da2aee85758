"""In: a model and all rows that it will be given. Out: nothing, or a refusal by one of its layers.

A model that is recorded for shapes alone sees no numbers. So a layer that cannot take any whole
number is asked here, before work: an `Embedding`, say, that has not so many rows.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from pullback.core.abstract import Abstract, abstract_of
from pullback.core.errors import AbstractError, CircuitError
from pullback.core.unit import Unit
from pullback.core.walk import order
from pullback.layers.calls import Call, watch
from pullback.layers.layer import Layer

_Asked = tuple[Layer, tuple[int | np.ndarray | Abstract, ...]]
"""A layer, and of each of its inputs the number among the model's, its numbers, or its shape."""


class Door:
    """Asks the layers of a model whether they take the whole numbers that come to them.

    How a layer's inputs come about is found once for each shape, so that batches pass quickly.

    >>> from pullback.layers import Embedding, Flatten, Sequential
    >>> Door(Sequential(Flatten(), Embedding(5, 3))).refuse([np.array([[[1, 7]]])])
    Traceback (most recent call last):
        ...
    pullback.core.errors.CircuitError: layer 'embedding1' has rows 0 to 4, and was asked for 7
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self._known: dict[Hashable, list[_Asked]] = {}

    def refuse(self, inputs: Sequence[np.ndarray]) -> None:
        """Raise `CircuitError` where a layer refuses what comes to it of whole numbers alone."""
        model = self.model
        if not isinstance(model, Layer) or not any(_asks(layer) for _, layer in model.walk()):
            return
        try:
            if not model.built:
                _calls(model, [_wire(x[:1]) for x in inputs])
            asked = self._asked(inputs)
        except AbstractError:  # a model that looks at numbers is given them when it is recorded
            return
        for layer, given in asked:
            numbers = [inputs[x] if isinstance(x, int) else x for x in given]
            if any(isinstance(x, np.ndarray) for x in numbers):
                layer.refuse(*numbers)

    def _asked(self, inputs: Sequence[np.ndarray]) -> list[_Asked]:
        """The layers to ask; remembered where they are given the model's own inputs, or others."""
        key = tuple((x.shape, x.dtype.str) for x in inputs), self.model.settings
        if key in self._known:
            return self._known[key]
        wires = [_wire(x) for x in inputs]
        calls = _calls(self.model, wires)
        whole = {x: k for k, x in enumerate(wires) if x.dtype.kind in "iu"}
        asked = [
            (call.layer, tuple(_given(x, whole, inputs) for x in call.inputs))
            for call in calls
            if _asks(call.layer)
        ]
        if not any(isinstance(x, np.ndarray) for _, given in asked for x in given):
            self._known[key] = asked
        return asked


def _given(
    wire: Unit, whole: Mapping[Unit, int], inputs: Sequence[np.ndarray]
) -> int | np.ndarray | Abstract:
    """Which of the inputs a wire is; or its numbers, if it is made of whole ones alone; or none."""
    if wire in whole:
        return whole[wire]
    sources = {unit for unit in order([wire]) if unit.gate is None}
    if not sources <= set(whole):
        return abstract_of(wire._value)
    for unit in sources:
        unit.value = inputs[whole[unit]]
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
