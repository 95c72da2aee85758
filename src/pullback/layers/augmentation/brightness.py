"""Layers that change the light of pictures."""

from __future__ import annotations

from typing import Any, final

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import clip
from pullback.gates.shape import astype
from pullback.layers.arguments import number_between
from pullback.layers.augmentation.pictures import mean_of_each, uniform
from pullback.layers.convolution.images import check_axes
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training


@final
@register
class RandomBrightness(Layer):
    """In training, y = x + b with one b for each picture, uniform from -amount to amount.

    `amount` is in the unit of the pixels: 0.2 is a fifth of the way from black to white where they
    are from 0 to 1, and 51 where they are from 0 to 255. `limits` (low, high) are what y is kept
    between; without them it may leave the range of x. In prediction, y = x.
    Shapes: x (N, H, W, C), y alike.

    Raises `CircuitError` for what is no image, an amount below 0, and limits out of order.

    >>> x = [[[[0.0], [0.75], [1.0]]]]
    >>> layer = RandomBrightness(0.5, limits=(0.0, 1.0))
    >>> layer(x, training=Training(seed=1)).value.ravel().round(3)
    array([0.204, 0.954, 1.   ])
    """

    def __init__(
        self,
        amount: float,
        limits: tuple[float, float] | None = None,
        *,
        name: str = "",
        rng: Rng = None,
    ) -> None:
        amount = number_between("RandomBrightness", "amount", amount, 0.0)
        super().__init__(name, rng, amount=amount, limits=_limits("RandomBrightness", limits))

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        check_axes(self, x.shape, 4, None)
        if training is None:
            return x
        amount = self.config["amount"]
        return _kept(x + _drawn(x, training, -amount, amount), self.config["limits"])


@final
@register
class RandomContrast(Layer):
    """In training, y = m + c * (x - m) with one c for each picture, from 1 - amount to 1 + amount.

    m is the mean of the picture, of each channel by itself; c is uniform. `limits` (low, high) are
    what y is kept between; without them it may leave the range of x. In prediction, y = x.
    Shapes: x (N, H, W, C), y alike.

    Raises `CircuitError` for what is no image, an amount that is not from 0 to 1, and limits out of
    order.

    >>> x = [[[[0.0], [1.0], [2.0]]]]
    >>> RandomContrast(0.5)(x, training=Training(seed=1)).value.ravel().round(3)
    array([-0.204,  1.   ,  2.204])
    """

    def __init__(
        self,
        amount: float,
        limits: tuple[float, float] | None = None,
        *,
        name: str = "",
        rng: Rng = None,
    ) -> None:
        amount = number_between("RandomContrast", "amount", amount, 0.0, 1.0, end=True)
        super().__init__(name, rng, amount=amount, limits=_limits("RandomContrast", limits))

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        check_axes(self, x.shape, 4, None)
        if training is None:
            return x
        amount = self.config["amount"]
        factor = _drawn(x, training, 1.0 - amount, 1.0 + amount)
        mean = mean_of_each(x)
        return _kept(mean + factor * (x - mean), self.config["limits"])


def _drawn(x: Unit, training: Training, low: float, high: float) -> Unit:
    """A number for each picture, in the precision of its pixels."""
    drawn = uniform(x, training, low, high)
    return astype(drawn, x.dtype) if x.dtype.kind == "f" else drawn


def _limits(kind: str, limits: Any) -> list[float] | None:
    """Limits as JSON can hold them."""
    if limits is None:
        return None
    if not isinstance(limits, tuple | list) or len(limits) != 2:
        raise CircuitError(f"{kind} needs limits (low, high) or None, got {limits!r}")
    low, high = (number_between(kind, "limit", x, float("-inf")) for x in limits)
    if low >= high:
        raise CircuitError(f"{kind} needs limits (low, high) with low < high, got {limits!r}")
    return [low, high]


def _kept(y: Unit, limits: list[float] | None) -> Unit:
    return y if limits is None else clip(y, *limits)
