"""The layer that switches off a share of its inputs at random, in training only."""

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

    def __init__(self, rate: float = 0.5, *, name: str = "", rng: Rng = None) -> None:
        self.rate = number_between("Dropout", "rate", rate, 0.0, 1.0)
        super().__init__(name, rng, rate=self.rate)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        if training is None or self.rate == 0.0:
            return x
        drawn = training.random(x.shape, dtype="float32")
        return where(greater_equal(drawn, self.rate), x * (1.0 / (1.0 - self.rate)), 0.0)
