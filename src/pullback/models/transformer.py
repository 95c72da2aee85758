"""The transformer that writes: a language model of symbols, each told of those before it."""

from __future__ import annotations

import math

from pullback.layers import (
    Dense,
    Dropout,
    Embedding,
    Layer,
    LayerNorm,
    PositionEmbedding,
    Sequential,
    TransformerBlock,
)
from pullback.layers.layer import Rng


def transformer(
    vocabulary: int,
    units: int = 128,
    blocks: int = 4,
    heads: int = 4,
    steps: int = 64,
    *,
    dropout: float = 0.1,
    rng: Rng = 0,
) -> Sequential:
    """Scores of each symbol of a vocabulary to come next, by all symbols up to each step.

    Takes whole numbers (rows, steps), of at most `steps` steps; answers (rows, steps, vocabulary).
    It has GPT-2's form: symbols and places as vectors of so many `units`, causal blocks, and a
    dense layer behind a last normalization. Weights start normal with a standard deviation of 0.02,
    those that end a way around divided by sqrt(2 blocks), so that depth does not make what flows
    larger; but the last layer has weights of its own.

    Raises `CircuitError` where `heads` do not divide `units`, at the first call.
    Source: Radford and others, "Language models are unsupervised multitask learners" (2019).

    >>> print(transformer(65).summary(64, dtype="int64").parameters)
    818241
    """
    gain = 1.0 / math.sqrt(2.0 * max(blocks, 1))
    layers: list[Layer] = [
        Embedding(vocabulary, units, initializer="normal"),
        PositionEmbedding(steps),
    ]
    if dropout:
        layers.append(Dropout(dropout))
    layers += [
        TransformerBlock(heads, causal=True, dropout=dropout, initializer="normal", gain=gain)
        for _ in range(blocks)
    ]
    return Sequential(*layers, LayerNorm(), Dense(vocabulary, initializer="normal"), rng=rng)
