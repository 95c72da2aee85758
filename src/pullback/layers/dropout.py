"""Layers that switch off a share of their inputs at random, in training only."""

from __future__ import annotations

from typing import final

from pullback.core.unit import Unit
from pullback.gates.comparison import greater_equal, where
from pullback.layers.arguments import number_between
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training


@final
@register
class Dropout(Layer):
    """In training, y = x / (1 - rate) or, with probability `rate`, 0, for each element by itself.

    The mean of y is x, so that a prediction, where y = x, needs no scaling. Which elements are
    dropped follows from the seed and step of the `Training`, on every engine alike.

    Raises `CircuitError` where the rate is not from 0 to below 1.
    Source: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout" (JMLR 15, 2014).

    >>> layer = Dropout(0.5)
    >>> layer([1.0, 1.0, 1.0, 1.0]).value
    array([1., 1., 1., 1.])
    >>> layer([1.0, 1.0, 1.0, 1.0], training=Training(seed=1)).value
    array([2., 0., 0., 2.])
    """

    by_channel = True

    def __init__(self, rate: float = 0.5, *, name: str = "", rng: Rng = None) -> None:
        self.rate = number_between("Dropout", "rate", rate, 0.0, 1.0)
        super().__init__(name, rng, rate=self.rate)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        if training is None or self.rate == 0.0:
            return x
        return _dropped(x, x.shape, self.rate, training)


@final
@register
class SpatialDropout(Layer):
    """In training, whole channels of a row become 0 with probability `rate`, as in `Dropout`.

    Shapes: x (N, ..., C), y alike. Pixels beside each other tell nearly the same, so that dropping
    single ones takes little away.

    Raises `CircuitError` where the rate is not from 0 to below 1.
    Source: Tompson, Goroshin, Jain, LeCun, Bregler, "Efficient object localization using
    convolutional networks" (CVPR 2015).

    >>> layer = SpatialDropout(0.5)
    >>> layer([[[1.0] * 4] * 2], training=Training(seed=1)).value
    array([[[2., 0., 0., 2.],
            [2., 0., 0., 2.]]])
    """

    by_channel = True

    def __init__(self, rate: float = 0.5, *, name: str = "", rng: Rng = None) -> None:
        self.rate = number_between("SpatialDropout", "rate", rate, 0.0, 1.0)
        super().__init__(name, rng, rate=self.rate)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        if training is None or self.rate == 0.0:
            return x
        self.size_of_last_axis(x.shape)
        return _dropped(x, (x.shape[0], *[1] * (x.ndim - 2), x.shape[-1]), self.rate, training)


def _dropped(x: Unit, shape: tuple[int, ...], rate: float, training: Training) -> Unit:
    """x, or zero with probability `rate`, for each number of `shape` alone."""
    drawn = training.random(shape, dtype="float32")
    return where(greater_equal(drawn, rate), x * (1.0 / (1.0 - rate)), 0.0)
