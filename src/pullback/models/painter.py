"""A network that paints: from a place in a picture to the colour that stands there."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.layers import Dense, Layer, ReLU, Sequential, Sigmoid
from pullback.layers.layer import Rng


def painter(hidden: int = 20, layers: int = 7, channels: int = 3, *, rng: Rng = 0) -> Sequential:
    """The network of ConvNetJS's image painting: (x, y) in, (r, g, b) out, and ReLU between.

    Its outputs are squashed into 0 to 1, where ConvNetJS's are not.
    Source: Karpathy, ConvNetJS, "Image painting" (2014).

    >>> print(painter().summary(2).parameters)
    2643
    """
    inner = [layer for _ in range(layers) for layer in (Dense(hidden), ReLU())]
    return Sequential(*inner, Dense(channels, initializer="glorot"), Sigmoid(), rng=rng)


def places(height: int, width: int) -> np.ndarray:
    """The places of a picture's pixels, (height width, 2): x and y from -1 to 1, row by row.

    >>> places(1, 3).tolist()
    [[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]
    """

    def line(n: int) -> np.ndarray:
        return np.linspace(-1.0, 1.0, n) if n > 1 else np.zeros(n)

    x, y = np.meshgrid(line(width), line(height))
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)


def pixels(picture: Any) -> tuple[np.ndarray, np.ndarray]:
    """What a painter learns from: the places of a picture's pixels, and their colours.

    The picture is (H, W, C), whole numbers from 0 to 255 or floats from 0 to 1.
    """
    colours = np.asarray(picture)
    if colours.ndim != 3:
        raise CircuitError(f"a picture to be painted is (H, W, C), got {colours.shape}")
    scale = 255.0 if colours.dtype.kind in "iu" else 1.0
    flat = colours.reshape(-1, colours.shape[2]) / scale
    return places(*colours.shape[:2]), flat.astype(np.float32)


def painted(model: Layer, height: int, width: int) -> np.ndarray:
    """What a painter paints, (height, width, C), from 0 to 1; in any size, also a larger one.

    >>> painted(painter(), 4, 5).shape
    (4, 5, 3)
    """
    colours = model.predict(places(height, width))
    return colours.reshape(height, width, -1)
