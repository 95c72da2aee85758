"""In: the different texts of a column, and how often each occurs. Out: a few that stand for all."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

_COMMON = 250  # of the most common texts
_DRAWN = 500  # of all others


def sample(texts: Sequence[str], counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The places of a few texts, and how many cells each stands for, of the column's in all.

    They are the most common ones, for themselves, and some drawn from the rest. A text's own
    checksum draws it, so that neither the order of rows nor any period in them matters.

    >>> places, cells = sample(["a", "b"], np.array([3, 1]))
    >>> places.tolist(), cells.tolist()
    ([0, 1], [3.0, 1.0])
    """
    counts = np.asarray(counts, np.float64)
    if len(texts) <= _COMMON + _DRAWN:
        return np.arange(len(texts)), counts
    drawn_by = np.array([zlib.crc32(text.encode("utf-8", "surrogatepass")) for text in texts])
    order = np.lexsort((drawn_by, -counts))
    common, rest = order[:_COMMON], order[_COMMON:]
    drawn = rest[np.argsort(drawn_by[rest], kind="stable")[:_DRAWN]]
    scale = counts[rest].sum() / max(counts[drawn].sum(), 1.0)
    return np.append(common, drawn), np.append(counts[common], counts[drawn] * scale)
