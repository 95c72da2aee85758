"""Layers one after another, as one layer."""

from __future__ import annotations

from typing import Any, final

from pullback.core.unit import Unit
from pullback.layers.composite import InLine, chain
from pullback.layers.layer import register
from pullback.layers.training import Training


@final
@register
class Sequential(InLine):
    """Each layer's output is the next one's input.

    Layers without a name of their own are named by what they are and counted: "dense1", "relu1",
    "dense2"; names are unique, and so are those of the parameters, "dense1.weight". The same layer
    twice is one layer, with its parameters once. `model[1:]` is all layers but the first: the same
    ones, no copies. `rng`, a seed or a generator, makes the parameters of all layers that have
    none; by default the seed 0.

    Raises `CircuitError` for no layers, things that are no layers, or a name twice.

    >>> import numpy as np
    >>> from pullback.layers import Dense, ReLU
    >>> model = Sequential(Dense(16), ReLU(), Dense(3))
    >>> model(np.ones((5, 4))).shape
    (5, 3)
    >>> [(name, unit.shape) for name, unit in model.parameters.items()][:2]
    [('dense1.weight', (4, 16)), ('dense1.bias', (16,))]
    """

    def apply(self, *inputs: Unit, training: Training | None) -> Any:
        return chain(self.layers, inputs, training)
