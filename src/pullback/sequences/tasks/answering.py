"""In: a model, and sequences of any lengths. Out: its answers, those of like lengths at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.layers import Layer
from pullback.sequences.padding import padded

_TOGETHER = 256  # sequences


def answered(
    model: Layer, *inputs: Sequence[np.ndarray], fill: tuple[int, ...] = (0,)
) -> Iterator[tuple[np.ndarray, Any, np.ndarray]]:
    """Which sequences, what the model answers for them, and their lengths, until all are asked.

    A model of several inputs takes as many sequences of each, and a `fill`, what stands behind the
    ends, for each.

    Raises `CircuitError` as `Layer.predict` does.

    >>> from pullback.models import fasttext
    >>> rows = [np.array([1, 2, 3]), np.array([4])]
    >>> [(which.tolist(), y.shape) for which, y, _ in answered(fasttext(5), rows)]
    [([1, 0], (2, 2))]
    """
    lengths = np.array([len(row) for row in inputs[0]], np.int64)
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(order), _TOGETHER):
        which = order[start : start + _TOGETHER]
        arrays = [
            padded([x[k] for k in which], fill=number)[0]
            for x, number in zip(inputs, fill, strict=True)
        ]
        yield which, model.predict((*arrays, lengths[which])), lengths[which]
