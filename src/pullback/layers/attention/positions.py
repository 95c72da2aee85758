"""Layers that tell each step where in its sequence it stands."""

from __future__ import annotations

from typing import final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.layers import arguments
from pullback.layers.attention.heads import refuse_no_sequences
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.start import InitializerLike, find_initializer, plain_initializer
from pullback.layers.training import Training


@final
@register
class PositionalEncoding(Layer):
    """y = x + p, where p[t, 2 i] = sin(t / 10000^(2 i / n)) and p[t, 2 i + 1] is its cosine.

    Shapes: x (rows, steps, n), y alike. Sequences may be of any length, and the p of two steps
    differ by a rotation that depends on nothing but the distance between them.

    Raises `CircuitError` where x is no such array.
    Source: Vaswani and others, "Attention is all you need" (NIPS 2017), section 3.5.

    >>> PositionalEncoding()(np.zeros((1, 2, 4))).value.round(2)
    array([[[0.  , 1.  , 0.  , 1.  ],
            [0.84, 0.54, 0.01, 1.  ]]])
    """

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        refuse_no_sequences(x, self.name)
        return x + _waves(*x.shape[1:]).astype(x.dtype)


def _waves(steps: int, n: int) -> np.ndarray:
    """Sines and cosines of longer and longer waves, side by side."""
    angles = np.arange(steps)[:, None] / 10000.0 ** (np.arange(0, n, 2) / max(n, 1))
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(steps, -1)[:, :n]


@final
@register
class PositionEmbedding(Layer):
    """y = x + table[t] for step t: what a place in a sequence means is learned.

    Shapes: x (rows, steps, n), of at most `count` steps, y alike; table (count, n), which starts by
    `initializer`, by default normal with a standard deviation of 0.02.

    Raises `CircuitError` where x is no such array, or has more steps.
    Source: Gehring, Auli, Grangier, Yarats, Dauphin, "Convolutional sequence to sequence learning"
    (ICML 2017).

    >>> layer = PositionEmbedding(8)
    >>> layer(np.zeros((5, 3, 4))).shape
    (5, 3, 4)
    >>> layer(np.zeros((5, 9, 4)))
    Traceback (most recent call last):
        ...
    pullback.core.errors.CircuitError: layer 'positionembedding' has 8 places, got sequences of 9
    """

    def __init__(
        self,
        count: int,
        *,
        initializer: InitializerLike = "normal",
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        super().__init__(
            name,
            rng,
            count=arguments.count("PositionEmbedding", "place", count),
            initializer=plain_initializer(initializer),
            dtype=arguments.float_dtype("PositionEmbedding", dtype),
        )
        self.initializer = find_initializer(initializer)
        self.table: Unit | None = None

    def build(self, shape: tuple[int, ...], *, rng: np.random.Generator) -> None:
        refuse_no_sequences(shape, self.name)
        self.table = self.parameter(
            "table",
            (self.config["count"], shape[-1]),
            lambda shape: self.initializer(shape, rng),
            weight=True,
        )

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        assert self.table is not None
        refuse_no_sequences(x, self.name)
        self.check_last_axis(x, self.table.shape[1])
        steps, places = x.shape[1], self.config["count"]
        if steps > places:
            raise CircuitError(f"layer {self.name!r} has {places} places, got sequences of {steps}")
        return x + self.table[:steps]
