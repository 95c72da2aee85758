"""The layer that lets the tags of neighbouring steps have a say in each other."""

from __future__ import annotations

from typing import final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.shape import broadcast_to, concatenate, expand_dims, reshape
from pullback.layers.arguments import float_dtype
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training


@final
@register
class CRF(Layer):
    """y[r, t, i, j] = transition[i, j] + x[r, t, j]: the scores of a chain of tags.

    Shapes: x (rows, steps, tags), the score of each tag at each step; y (rows, steps + 1, tags,
    tags), what the losses `ChainCrossEntropy`, `ChainPerceptron` and `ChainHinge` take. transition
    (tags, tags), how well tag j suits after tag i; start (tags,) takes its place at step 0, for
    every i. Behind the last step stands y[r, steps, i, j] = end[i], for every j, how well tag i
    suits as the last; the losses read it at the end of each row, wherever that is. All three start
    at zero. Decode with `pullback.sequences.decoding.viterbi`.

    Raises `CircuitError` where x is no batch of sequences, or has another number of tags.
    Source: Lafferty, McCallum, Pereira, "Conditional random fields: probabilistic models for
    segmenting and labeling sequence data" (ICML 2001).

    >>> CRF()(np.ones((2, 5, 3))).shape
    (2, 6, 3, 3)
    """

    def __init__(self, *, dtype: str = "float32", name: str = "", rng: Rng = None) -> None:
        super().__init__(name, rng, dtype=float_dtype("CRF", dtype))
        self.transition: Unit | None = None
        self.start: Unit | None = None
        self.end: Unit | None = None

    def build(self, shape: tuple[int, ...], *, rng: np.random.Generator) -> None:
        self._refuse(shape)
        tags = shape[2]
        self.transition = self.parameter("transition", (tags, tags), np.zeros, weight=True)
        self.start = self.parameter("start", (tags,), np.zeros)
        self.end = self.parameter("end", (tags,), np.zeros)

    def apply(self, x: Unit, *, training: Training | None) -> Unit:
        assert self.transition is not None
        assert self.start is not None
        assert self.end is not None
        self.check_last_axis(x, self.start.shape[0])
        self._refuse(x.shape)
        rows, steps, tags = x.shape
        begin = broadcast_to(self.start, (1, tags, tags))
        moves = broadcast_to(self.transition, (steps - 1, tags, tags))
        end = broadcast_to(reshape(self.end, (1, tags, 1)), (1, tags, tags))
        own = concatenate([x, np.zeros((rows, 1, tags), x.dtype)], axis=1)
        return concatenate([begin, moves, end]) + expand_dims(own, 2)

    def _refuse(self, shape: tuple[int, ...]) -> None:
        if len(shape) != 3 or not shape[1] or not shape[2]:
            raise CircuitError(
                f"layer {self.name!r} expects inputs of shape (rows, steps, tags), got {shape}"
            )
