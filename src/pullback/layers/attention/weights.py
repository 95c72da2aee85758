"""How much each step looks at each other one: the weights of attention, and a way to see them."""

from __future__ import annotations

import functools
import math
from typing import Any, final

import numpy as np

from pullback.core.gate import constant
from pullback.core.unit import Unit
from pullback.gates.comparison import logical_and, where
from pullback.gates.linear import matmul
from pullback.gates.reduction import softmax
from pullback.gates.shape import reshape, swapaxes
from pullback.layers.calls import watch
from pullback.layers.layer import Layer, Rng
from pullback.layers.training import Training


@final
class AttentionWeights(Layer):
    """weights = softmax(queries @ keys^T / sqrt(size)), over the keys that may be looked at.

    Shapes: queries (rows, heads, steps, size), keys (rows, heads, memory, size); weights (rows,
    heads, steps, memory). If `causal`, step t looks at the keys 0 to t alone; `counts` (rows,
    memory) are truth values that say which keys count, if not all do. The weight of a key that may
    not be looked at is exactly 0, also where none may.

    Attention layers have such a layer inside, so that whoever watches its calls sees the weights.

    >>> AttentionWeights(causal=True)(np.ones((1, 1, 2, 4)), np.ones((1, 1, 2, 4))).value
    array([[[[1. , 0. ],
             [0.5, 0.5]]]])
    """

    takes = None

    def __init__(self, *, causal: bool = False, name: str = "", rng: Rng = None) -> None:
        super().__init__(name, rng, causal=bool(causal))

    def apply(self, queries: Unit, keys: Unit, *counts: Unit, training: Training | None) -> Unit:
        rows, _, memory, size = keys.shape
        scores = matmul(queries, swapaxes(keys, -1, -2)) * (1.0 / math.sqrt(size))
        steps = scores.shape[-2]
        allowed = [reshape(given, (rows, 1, 1, memory)) for given in counts]
        if self.config["causal"]:
            allowed.append(constant(np.tri(steps, memory, dtype=bool)))
        if not allowed:
            return softmax(scores)
        may = functools.reduce(logical_and, allowed)
        # So low that its exponential is 0 beside any other; finite, for where there is no other.
        low = float(np.finfo(scores.dtype).min) / 2.0
        weights = softmax(where(may, scores, low))
        return where(may, weights, 0.0) if counts else weights


def attention_weights(model: Layer, *inputs: Any) -> dict[str, np.ndarray]:
    """The weights of all attention in a model at these inputs, by the path of its layer.

    Each is an array (rows, heads, steps, memory): how much a step looks at each step of what it
    attends to; they add up to 1. A layer that is called again has its later calls by "path, call 2"
    and so on. The model predicts: nothing is dropped.

    >>> from pullback.layers import SelfAttention, Sequential
    >>> model = Sequential(SelfAttention(2, causal=True))
    >>> seen = attention_weights(model, np.ones((1, 3, 4)))
    >>> seen["selfattention1"][0, 0].round(2)
    array([[1.  , 0.  , 0.  ],
           [0.5 , 0.5 , 0.  ],
           [0.33, 0.33, 0.33]])
    """
    with watch() as calls:
        model(*inputs)
    paths = {inner: path for path, layer in model.walk() for inner in layer.layers}
    seen: dict[str, np.ndarray] = {}
    counts: dict[str, int] = {}
    for call in calls:
        if isinstance(call.layer, AttentionWeights):
            path = paths.get(call.layer, call.layer.name)
            counts[path] = number = counts.get(path, 0) + 1
            seen[path if number == 1 else f"{path}, call {number}"] = call.output.value
    return seen
