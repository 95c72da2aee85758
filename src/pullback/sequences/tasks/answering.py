"""In: a model, and sequences of any lengths. Out: its answers, those of like lengths at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.layers import Layer
from pullback.sequences.padding import padded

_TOGETHER = 256  # sequences
_STEPS = 1 << 14  # of all sequences that are asked together, with what is padded


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
    for which in _together(order, lengths):
        arrays = [
            padded([x[k] for k in which], fill=number)[0]
            for x, number in zip(inputs, fill, strict=True)
        ]
        yield which, model.predict((*arrays, lengths[which])), lengths[which]


def _together(order: np.ndarray, lengths: np.ndarray) -> Iterator[np.ndarray]:
    """The sequences, from the shortest on, in groups that fit into memory when they are padded."""
    start = 0
    while start < len(order):
        part = order[start : start + _TOGETHER]
        steps = lengths[part] * np.arange(1, 1 + len(part))
        count = max(1, int(np.searchsorted(steps, _STEPS, side="right")))
        yield part[:count]
        start += count
