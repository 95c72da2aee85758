"""The layer that mirrors pictures."""

from __future__ import annotations

from typing import final

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import less, where
from pullback.layers.convolution.images import check_axes
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training


@final
@register
class RandomFlip(Layer):
    """In training, mirrors each picture with probability 1/2: left to right, upside down, or both.

    y[n, i, j] = x[n, i, W - 1 - j] where it is mirrored horizontally, x[n, H - 1 - i, j] where it
    is vertically; each is drawn by itself. In prediction, y = x.
    Shapes: x (N, H, W, C), y alike.

    Raises `CircuitError` for what is no image, and where neither direction is asked for.
    Source: Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural
    networks" (NIPS 2012), section 4.1.

    >>> x = [[[[1.0], [2.0]]], [[[3.0], [4.0]]]]
    >>> RandomFlip()(x, training=Training(seed=1)).value[:, 0, :, 0]
    array([[1., 2.],
           [4., 3.]])
    """

    def __init__(
        self,
        horizontal: bool = True,
        vertical: bool = False,
        *,
        name: str = "",
        rng: Rng = None,
    ) -> None:
        if (horizontal, vertical) not in ((True, False), (False, True), (True, True)):
            raise CircuitError(
                "RandomFlip needs horizontal or vertical to be True, or both, got "
                f"{horizontal!r} and {vertical!r}"
            )
        super().__init__(name, rng, horizontal=bool(horizontal), vertical=bool(vertical))

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        check_axes(self, x.shape, 4, None)
        if training is None:
            return x
        for flips, mirrored in (
            (self.config["horizontal"], lambda x: x[:, :, ::-1]),
            (self.config["vertical"], lambda x: x[:, ::-1]),
        ):
            if flips:
                drawn = training.random((x.shape[0], 1, 1, 1), dtype="float32")
                x = where(less(drawn, 0.5), mirrored(x), x)
        return x
