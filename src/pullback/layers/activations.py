"""Layers without parameters that bend what flows through them, one gate each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np

from pullback.core.unit import Unit
from pullback.gates.elementary import relu, sigmoid, tanh
from pullback.layers.layer import Layer, register


class Activation(Layer):
    """A layer of one elementwise function and no parameters; any shape goes in and comes out."""

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        """There is nothing to make."""

    @property
    def config(self) -> Mapping[str, Any]:
        return {}


@final
@register
class ReLU(Activation):
    """y = max(x, 0).

    >>> ReLU()([-1.0, 2.0]).value
    array([0., 2.])
    """

    def apply(self, x: Unit, *, training: bool) -> Unit:
        return relu(x)


@final
@register
class Tanh(Activation):
    """y = tanh(x), between -1 and 1.

    >>> Tanh()([0.0]).value
    array([0.])
    """

    def apply(self, x: Unit, *, training: bool) -> Unit:
        return tanh(x)


@final
@register
class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x)), between 0 and 1.

    >>> Sigmoid()([0.0]).value
    array([0.5])
    """

    def apply(self, x: Unit, *, training: bool) -> Unit:
        return sigmoid(x)
