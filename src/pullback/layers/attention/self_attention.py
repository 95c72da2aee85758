"""The layer in which the steps of a sequence look at each other."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from pullback.core.unit import Unit
from pullback.gates.comparison import where
from pullback.gates.shape import expand_dims
from pullback.layers.arguments import count, float_dtype, number_between
from pullback.layers.attention.heads import (
    attended,
    projected,
    refuse_indivisible,
    refuse_no_sequences,
    split,
)
from pullback.layers.attention.weights import AttentionWeights
from pullback.layers.dropout import Dropout
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.lengths import refuse_lengths, which_count
from pullback.layers.start import InitializerLike, find_initializer, plain_initializer
from pullback.layers.training import Training


@final
@register
class SelfAttention(Layer):
    """y = [head 1, …, head h] @ output_weight + output_bias, where a head is a mean over steps:

        q, k, v = its parts of x @ weight + bias
        head = softmax(q k^T / sqrt(n / h)) v

    Shapes: x (rows, steps, n), y alike; weight (n, 3 n), the queries of all heads, then the keys,
    then the values; bias (3 n,), output_weight (n, n), output_bias (n,). If `causal`, a step looks
    at itself and at those before it alone. `layer(x, lengths)` takes lengths (rows,) of sequences
    padded behind their ends: nothing looks there, and y is zero there.

    In training, `dropout` is the share of weights of attention that are dropped. Weights start by
    `initializer`, those of the output times `gain`, and biases at zero. `attention_weights` shows
    what each step looks at.

    Raises `CircuitError` where x is no such array, where heads do not divide n, and for lengths
    that are not one for each row, or no whole numbers from 0 to the number of steps.
    Source: Vaswani and others, "Attention is all you need" (NIPS 2017).

    >>> layer = SelfAttention(2, causal=True)
    >>> layer(np.ones((5, 7, 4))).shape
    (5, 7, 4)
    >>> layer(np.ones((2, 3, 4)), np.array([3, 1])).value[1, :, 0] == 0.0
    array([False,  True,  True])
    """

    takes = None
    takes_integers = True
    takes_lengths = True
    makes_layers = True

    def __init__(
        self,
        heads: int,
        *,
        causal: bool = False,
        dropout: float = 0.0,
        bias: bool = True,
        initializer: InitializerLike = "glorot",
        gain: float = 1.0,
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        rate = number_between("SelfAttention", "dropout", dropout, 0.0, 1.0)
        super().__init__(
            name,
            rng,
            heads=count("SelfAttention", "head", heads),
            causal=bool(causal),
            dropout=rate,
            bias=bool(bias),
            initializer=plain_initializer(initializer),
            gain=number_between("SelfAttention", "gain", gain, 0.0),
            dtype=float_dtype("SelfAttention", dtype),
        )
        self.initializer = find_initializer(initializer)
        self.attend = AttentionWeights(causal=causal, name="weights")
        self.drop = Dropout(rate, name="dropout")
        self.layers = (self.attend, self.drop)
        self.weight: Unit | None = None
        self.bias: Unit | None = None
        self.output_weight: Unit | None = None
        self.output_bias: Unit | None = None

    def build(self, shape: tuple[int, ...], *_: tuple[int, ...], rng: np.random.Generator) -> None:
        refuse_indivisible(shape, self.config["heads"], self.name)
        n, gain = shape[-1], self.config["gain"]
        self.weight = self.parameter(
            "weight", (n, 3 * n), lambda shape: self.initializer(shape, rng), weight=True
        )
        self.output_weight = self.parameter(
            "output_weight", (n, n), lambda shape: gain * self.initializer(shape, rng), weight=True
        )
        if self.config["bias"]:
            self.bias = self.parameter("bias", (3 * n,), np.zeros)
            self.output_bias = self.parameter("output_bias", (n,), np.zeros)

    def refuse(self, *inputs: Any) -> None:
        refuse_lengths(self, *inputs)

    def apply(self, x: Unit, *lengths: Unit, training: Training | None) -> Unit:
        assert self.weight is not None
        assert self.output_weight is not None
        refuse_no_sequences(x, self.name)
        self.check_last_axis(x, self.weight.shape[0])
        counts = which_count(self, x, *lengths)
        inside = projected(x, self.weight, self.bias)
        queries, keys, values = split(inside, 3, self.config["heads"])
        which = () if counts is None else (counts,)
        weights = self.attend(queries, keys, *which, training=training)
        y = attended(self.drop(weights, training=training), values)
        y = projected(y, self.output_weight, self.output_bias)
        return y if counts is None else where(expand_dims(counts, 2), y, 0.0)
