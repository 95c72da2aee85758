"""A network that must make its input again from a few numbers, and so learns what matters in it."""

from __future__ import annotations

from collections.abc import Sequence

from pullback.core.errors import CircuitError
from pullback.layers import (
    Conv2d,
    ConvTranspose2d,
    Dense,
    Flatten,
    ReLU,
    Reshape,
    Sequential,
    Sigmoid,
)
from pullback.layers.layer import Rng


def autoencoder(
    picture: Sequence[int] = (28, 28, 1),
    code: int = 32,
    widths: Sequence[int] = (16, 32),
    *,
    rng: Rng = 0,
) -> Sequential:
    """A convolutional autoencoder for pictures (H, W, C) of numbers from 0 to 1.

    Each width is a convolution that halves height and width; a dense layer makes the `code`, and
    the same way back makes the picture. The layers "encoder" and "decoder" are the two halves:
    `model["encoder"](pictures)` gives codes.

    Raises `CircuitError` where height and width cannot be halved so often.
    Source: Masci, Meier, Cireşan, Schmidhuber, "Stacked convolutional auto-encoders for
    hierarchical feature extraction" (ICANN 2011).

    >>> import numpy as np
    >>> model = autoencoder()
    >>> model(np.zeros((2, 28, 28, 1))).shape, model["encoder"](np.zeros((2, 28, 28, 1))).shape
    ((2, 28, 28, 1), (2, 32))
    """
    height, width, channels = picture
    times = 2 ** len(widths)
    if height % times or width % times:
        raise CircuitError(
            f"pictures of {height} x {width} cannot be halved {len(widths)} times; take sizes that "
            f"{times} divides, or fewer widths"
        )
    small = height // times, width // times, widths[-1]
    down = [layer for n in widths for layer in (Conv2d(n, 3, stride=2, padding="same"), ReLU())]
    up = [
        layer
        for n in (*widths[-2::-1], channels)
        for layer in (ConvTranspose2d(n, 4, stride=2, padding=1), ReLU())
    ]
    numbers = small[0] * small[1] * small[2]
    encoder = Sequential(*down, Flatten(), Dense(code), name="encoder")
    decoder = Sequential(
        Dense(numbers), ReLU(), Reshape(small), *up[:-1], Sigmoid(), name="decoder"
    )
    return Sequential(encoder, decoder, rng=rng)
