"""The layer in which the steps of a sequence look at those of another one."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
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
class CrossAttention(Layer):
    """As `SelfAttention`, but keys and values are made of another sequence, the memory.

        q = a head's part of x @ weight + bias
        k, v = a head's parts of memory @ memory_weight + memory_bias

    Shapes: x (rows, steps, n), memory (rows, others, m), y (rows, steps, n); weight (n, n),
    memory_weight (m, 2 n), the keys of all heads and then the values; biases (n,) and (2 n,);
    output_weight (n, n), output_bias (n,). `layer(x, memory, lengths)` takes lengths (rows,) of
    memories padded behind their ends: nothing looks there. Where a memory is empty, the mean of its
    values is zero.

    In training, `dropout` is the share of weights of attention that are dropped. Weights start by
    `initializer`, those of the output times `gain`, and biases at zero.

    Raises `CircuitError` where x and memory are no such arrays or of other numbers of rows, where
    heads do not divide n, and for lengths that are not one for each row, or no whole numbers from 0
    to the number of steps of the memory.
    Source: Vaswani and others, "Attention is all you need" (NIPS 2017).

    >>> CrossAttention(2)(np.ones((5, 7, 4)), np.ones((5, 3, 6))).shape
    (5, 7, 4)
    """

    takes = None
    takes_integers = True
    takes_lengths = True
    makes_layers = True

    def __init__(
        self,
        heads: int,
        *,
        dropout: float = 0.0,
        bias: bool = True,
        initializer: InitializerLike = "glorot",
        gain: float = 1.0,
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        rate = number_between("CrossAttention", "dropout", dropout, 0.0, 1.0)
        super().__init__(
            name,
            rng,
            heads=count("CrossAttention", "head", heads),
            dropout=rate,
            bias=bool(bias),
            initializer=plain_initializer(initializer),
            gain=number_between("CrossAttention", "gain", gain, 0.0),
            dtype=float_dtype("CrossAttention", dtype),
        )
        self.initializer = find_initializer(initializer)
        self.attend = AttentionWeights(name="weights")
        self.drop = Dropout(rate, name="dropout")
        self.layers = (self.attend, self.drop)
        self.weight: Unit | None = None
        self.bias: Unit | None = None
        self.memory_weight: Unit | None = None
        self.memory_bias: Unit | None = None
        self.output_weight: Unit | None = None
        self.output_bias: Unit | None = None

    def build(self, *shapes: tuple[int, ...], rng: np.random.Generator) -> None:
        if len(shapes) < 2:
            raise CircuitError(f"layer {self.name!r} takes an input and a memory, got one input")
        refuse_indivisible(shapes[0], self.config["heads"], self.name)
        refuse_no_sequences(shapes[1], self.name)
        n, m, gain = shapes[0][-1], shapes[1][-1], self.config["gain"]

        def drawn(shape: tuple[int, ...]) -> np.ndarray:
            return self.initializer(shape, rng)

        self.weight = self.parameter("weight", (n, n), drawn, weight=True)
        self.memory_weight = self.parameter("memory_weight", (m, 2 * n), drawn, weight=True)
        self.output_weight = self.parameter(
            "output_weight", (n, n), lambda shape: gain * drawn(shape), weight=True
        )
        if self.config["bias"]:
            self.bias = self.parameter("bias", (n,), np.zeros)
            self.memory_bias = self.parameter("memory_bias", (2 * n,), np.zeros)
            self.output_bias = self.parameter("output_bias", (n,), np.zeros)

    def refuse(self, *inputs: Any) -> None:
        refuse_lengths(self, *inputs[1:])

    def apply(self, x: Unit, *others: Unit, training: Training | None) -> Unit:
        assert self.weight is not None
        assert self.memory_weight is not None
        assert self.output_weight is not None
        if not others:
            raise CircuitError(f"layer {self.name!r} takes an input and a memory, got one input")
        memory, *lengths = others
        for given, weight in ((x, self.weight), (memory, self.memory_weight)):
            refuse_no_sequences(given, self.name)
            self.check_last_axis(given, weight.shape[0])
        if memory.shape[0] != x.shape[0]:
            raise CircuitError(
                f"layer {self.name!r} needs a memory for each of {x.shape[0]} rows, got "
                f"{memory.shape[0]}"
            )
        counts = which_count(self, memory, *lengths)
        heads = self.config["heads"]
        (queries,) = split(projected(x, self.weight, self.bias), 1, heads)
        keys, values = split(projected(memory, self.memory_weight, self.memory_bias), 2, heads)
        which = () if counts is None else (counts,)
        weights = self.attend(queries, keys, *which, training=training)
        y = attended(self.drop(weights, training=training), values)
        return projected(y, self.output_weight, self.output_bias)
