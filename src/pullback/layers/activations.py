"""Layers that bend what flows through them, element by element; the softmax; and none of it.

They are wired of gates whose parts that are not taken, and their gradients, stay finite wherever
the input is: no exponential is of a positive number.
"""

from __future__ import annotations

import math
from typing import Any, final

import numpy as np

from pullback.core.registry import Registry
from pullback.core.unit import Unit
from pullback.gates.comparison import greater, minimum, where
from pullback.gates.elementary import erf, expm1, relu, sigmoid, softplus, tanh
from pullback.gates.reduction import softmax
from pullback.layers.arguments import float_dtype, number_between
from pullback.layers.description import LAYERS
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training


class Activation(Layer):
    """A layer of one function and no parameters; what comes out has the shape of what goes in."""

    takes_floats = True
    by_channel = True


@final
@register
class ReLU(Activation):
    """y = max(x, 0).

    >>> ReLU()([-1.0, 2.0]).value
    array([0., 2.])
    """

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        return relu(x)


@final
@register
class LeakyReLU(Activation):
    """y = x where x > 0, else slope * x: it lets a small gradient through where it is off.

    Source: Maas, Hannun, Ng, "Rectifier nonlinearities improve neural network acoustic models"
    (ICML 2013).

    >>> LeakyReLU(0.5)([-1.0, 2.0]).value
    array([-0.5,  2. ])
    """

    def __init__(self, slope: float = 0.01, *, name: str = "", rng: Rng = None) -> None:
        self.slope = number_between("LeakyReLU", "slope", slope, 0.0)
        super().__init__(name, rng, slope=self.slope)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        return where(greater(x, 0.0), x, self.slope * x)


@final
@register
class PReLU(Layer):
    """y = x where x > 0, else slope * x, with a slope to learn for each channel.

    Shapes: x (..., n), slope (n,). The slopes start at 0.25 and are no weights, which a penalty
    would pull to zero. Raises `CircuitError` where the last axis of x has another size.
    Source: He, Zhang, Ren, Sun, "Delving deep into rectifiers" (ICCV 2015).

    >>> PReLU()([[-1.0, 2.0]]).value
    array([[-0.25,  2.  ]])
    """

    by_channel = True

    def __init__(self, *, dtype: str = "float32", name: str = "", rng: Rng = None) -> None:
        super().__init__(name, rng, dtype=float_dtype("PReLU", dtype))
        self.slope: Unit | None = None

    def build(self, shape: tuple[int, ...], *, rng: np.random.Generator) -> None:
        n = self.size_of_last_axis(shape)
        self.slope = self.parameter("slope", (n,), lambda shape: np.full(shape, 0.25))

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        assert self.slope is not None
        self.check_last_axis(x, self.slope.size)
        return where(greater(x, 0.0), x, self.slope * x)


def _elu(x: Unit, alpha: float) -> Any:
    return where(greater(x, 0.0), x, alpha * expm1(minimum(x, 0.0)))


@final
@register
class ELU(Activation):
    """y = x where x > 0, else alpha * (exp(x) - 1).

    Source: Clevert, Unterthiner, Hochreiter, "Fast and accurate deep network learning by
    exponential linear units" (ICLR 2016).

    >>> ELU()([-1000.0, 1000.0]).value
    array([  -1., 1000.])
    """

    def __init__(self, alpha: float = 1.0, *, name: str = "", rng: Rng = None) -> None:
        self.alpha = number_between("ELU", "alpha", alpha, 0.0)
        super().__init__(name, rng, alpha=self.alpha)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        return _elu(x, self.alpha)


_ALPHA, _SCALE = 1.6732632423543772, 1.0507009873554805


@final
@register
class SELU(Activation):
    """y = scale * ELU(alpha), which brings what flows to mean 0 and variance 1, layer by layer.

    alpha = 1.6733 and scale = 1.0507 follow from that; weights start by the initializer "lecun".
    Source: Klambauer, Unterthiner, Mayr, Hochreiter, "Self-normalizing neural networks" (2017).

    >>> SELU()([0.0, 1.0]).value.round(4)
    array([0.    , 1.0507])
    """

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        return _SCALE * _elu(x, _ALPHA)


@final
@register
class GELU(Activation):
    """y = x * P(z < x) for a normal z: x * (1 + erf(x / sqrt(2))) / 2.

    `approximate=True` is the cheaper x * (1 + tanh(u)) / 2, u = sqrt(2 / pi) (x + 0.044715 x^3),
    written as x * sigmoid(2 u), which is the same.
    Source: Hendrycks and Gimpel, "Gaussian error linear units" (2016).

    >>> GELU()([-1.0, 1.0]).value.round(4), GELU(approximate=True)([-1.0, 1.0]).value.round(4)
    (array([-0.1587,  0.8413]), array([-0.1588,  0.8412]))
    """

    def __init__(self, *, approximate: bool = False, name: str = "", rng: Rng = None) -> None:
        self.approximate = bool(approximate)
        super().__init__(name, rng, approximate=self.approximate)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        if self.approximate:
            return x * sigmoid(math.sqrt(8.0 / math.pi) * (x + 0.044715 * (x * x * x)))
        return 0.5 * x * (1.0 + erf(math.sqrt(0.5) * x))


@final
@register
class SiLU(Activation):
    """y = x * sigmoid(x), also called swish.

    Source: Elfwing, Uchibe, Doya, "Sigmoid-weighted linear units" (Neural Networks 107, 2018).

    >>> SiLU()([0.0, 1.0]).value.round(4)
    array([0.    , 0.7311])
    """

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        return x * sigmoid(x)


@final
@register
class Softplus(Activation):
    """y = log(1 + exp(x)), a smooth ReLU.

    >>> Softplus()([0.0, 1000.0]).value.round(4)
    array([6.931e-01, 1.000e+03])
    """

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        return softplus(x)


@final
@register
class Tanh(Activation):
    """y = tanh(x), between -1 and 1.

    >>> Tanh()([0.0]).value
    array([0.])
    """

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        return tanh(x)


@final
@register
class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x)), between 0 and 1.

    >>> Sigmoid()([0.0]).value
    array([0.5])
    """

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        return sigmoid(x)


@final
@register
class Softmax(Activation):
    """y = exp(x) / sum(exp(x)) over the last axis: scores to probabilities.

    To train, leave it off: `SoftmaxCrossEntropy` takes the scores.

    >>> Softmax()([[1.0, 1.0]]).value
    array([[0.5, 0.5]])
    """

    by_channel = False

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        return softmax(x)


@final
@register
class Identity(Activation):
    """y = x: a place that is left free, or a branch that goes straight on.

    >>> Identity()([1.0, 2.0]).value
    array([1., 2.])
    """

    takes_floats = False

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        return x


ACTIVATIONS: Registry[type[Activation]] = Registry("activation")
ACTIVATIONS.update((name, layer) for name, layer in LAYERS.items() if issubclass(layer, Activation))
