"""A block of a transformer: attention, and two dense layers, with a way around each."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import where
from pullback.gates.shape import expand_dims
from pullback.layers.activations import Activation
from pullback.layers.arguments import count, float_dtype, number_between
from pullback.layers.attention.heads import (
    projected,
    refuse_indivisible,
    refuse_no_sequences,
)
from pullback.layers.attention.self_attention import SelfAttention
from pullback.layers.description import LAYERS
from pullback.layers.dropout import Dropout
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.layer_norm import LayerNorm
from pullback.layers.lengths import refuse_lengths, which_count
from pullback.layers.start import InitializerLike, find_initializer, plain_initializer
from pullback.layers.training import Training


@final
@register
class TransformerBlock(Layer):
    """Attention, and then two dense layers, each behind a normalization and with a way around it:

        z = x + attention(norm1(x))
        y = z + activation(norm2(z) @ hidden_weight + hidden_bias) @ output_weight + output_bias

    Shapes: x (rows, steps, n), y alike; hidden_weight (n, hidden), by default of 4 n, hidden_bias
    (hidden,), output_weight (hidden, n), output_bias (n,). `causal`, and lengths as in
    `layer(x, lengths)`, are those of `SelfAttention`; y is zero behind the end of a sequence.
    `activation` is the name of a layer in lower case, such as "gelu" or "relu".

    In training, `dropout` is the share that is dropped of the weights of attention, and of what is
    added to x and to z. Weights start by `initializer`, and those of what is added times `gain`:
    let it be smaller where many blocks add up.

    Raises `CircuitError` where `SelfAttention` does, and for no name of an activation.
    Source: Vaswani and others, "Attention is all you need" (NIPS 2017); normalization before each
    part as in Xiong and others, "On layer normalization in the transformer architecture" (ICML
    2020).

    >>> block = TransformerBlock(2, causal=True)
    >>> block(np.ones((5, 7, 4))).shape
    (5, 7, 4)
    >>> [layer.name for layer in block.layers]
    ['norm1', 'attention', 'norm2', 'activation', 'dropout1', 'dropout2']
    """

    takes = None
    takes_integers = True
    takes_lengths = True
    makes_layers = True

    def __init__(
        self,
        heads: int,
        hidden: int | None = None,
        *,
        causal: bool = False,
        dropout: float = 0.0,
        activation: str = "gelu",
        initializer: InitializerLike = "glorot",
        gain: float = 1.0,
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        rate = number_between("TransformerBlock", "dropout", dropout, 0.0, 1.0)
        super().__init__(
            name,
            rng,
            heads=count("TransformerBlock", "head", heads),
            hidden=None if hidden is None else count("TransformerBlock", "hidden unit", hidden),
            causal=bool(causal),
            dropout=rate,
            activation=activation,
            initializer=plain_initializer(initializer),
            gain=number_between("TransformerBlock", "gain", gain, 0.0),
            dtype=float_dtype("TransformerBlock", dtype),
        )
        self.initializer = find_initializer(initializer)
        told = {"dtype": self.config["dtype"]}
        self.attention = SelfAttention(
            heads,
            causal=causal,
            dropout=rate,
            initializer=initializer,
            gain=gain,
            name="attention",
            **told,
        )
        self.norms = LayerNorm(name="norm1", **told), LayerNorm(name="norm2", **told)
        self.activation = _activation(activation)
        self.drops = Dropout(rate, name="dropout1"), Dropout(rate, name="dropout2")
        self.layers = (self.norms[0], self.attention, self.norms[1], self.activation, *self.drops)
        self.hidden_weight: Unit | None = None
        self.hidden_bias: Unit | None = None
        self.output_weight: Unit | None = None
        self.output_bias: Unit | None = None

    def build(self, shape: tuple[int, ...], *_: tuple[int, ...], rng: np.random.Generator) -> None:
        refuse_indivisible(shape, self.config["heads"], self.name)
        n, gain = shape[-1], self.config["gain"]
        hidden = self.config["hidden"] or 4 * n
        self.hidden_weight = self.parameter(
            "hidden_weight", (n, hidden), lambda shape: self.initializer(shape, rng), weight=True
        )
        self.hidden_bias = self.parameter("hidden_bias", (hidden,), np.zeros)
        self.output_weight = self.parameter(
            "output_weight",
            (hidden, n),
            lambda shape: gain * self.initializer(shape, rng),
            weight=True,
        )
        self.output_bias = self.parameter("output_bias", (n,), np.zeros)
        for layer in self.layers:
            layer.rng = rng

    def refuse(self, *inputs: Any) -> None:
        refuse_lengths(self, *inputs)

    def apply(self, x: Unit, *lengths: Unit, training: Training | None) -> Unit:
        assert self.hidden_weight is not None
        assert self.output_weight is not None
        refuse_no_sequences(x, self.name)
        self.check_last_axis(x, self.hidden_weight.shape[0])
        counts = which_count(self, x, *lengths)
        (norm1, norm2), (drop1, drop2) = self.norms, self.drops
        y = self.attention(norm1(x, training=training), *lengths, training=training)
        z = x + drop1(y, training=training)
        inside = projected(norm2(z, training=training), self.hidden_weight, self.hidden_bias)
        inside = self.activation(inside, training=training)
        y = projected(inside, self.output_weight, self.output_bias)
        y = z + drop2(y, training=training)
        return y if counts is None else where(expand_dims(counts, 2), y, 0.0)


def _activation(name: str) -> Activation:
    """The activation of a name, in lower case."""
    kinds = {known.lower(): kind for known, kind in LAYERS.items() if issubclass(kind, Activation)}
    if name not in kinds:
        raise CircuitError(
            f"an activation is one of {', '.join(sorted(kinds))}, in quotes; got {name!r}"
        )
    return kinds[name](name="activation")
