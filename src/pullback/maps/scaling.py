"""In: points far from zero, or of huge or tiny numbers. Out: the same around zero, of size 1.

Squares of distances, covariances and single precision lose what is small beside what points share:
of points at 1e9, say, all that lies between them. Where only differences count, it can be left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse

_ROWS = 1000  # of which the middle is taken


@dataclass(frozen=True, eq=False)
class Scaling:
    """Where points lie, and how wide: they are `middle` + `size` * what a call makes of them.

    The size is a power of two, by which nothing is rounded.

    >>> x = np.array([[1e9 + 1.0], [1e9 + 2.0], [1e9 + 3.0]])
    >>> Scaling.of(x)(x).ravel()
    array([-1.,  0.,  1.])
    """

    middle: np.ndarray | None = None
    size: float = 1.0

    @classmethod
    def of(cls, x: Any, *, moved: bool = True) -> Scaling:
        """That of points x (N, features): their median, which outliers leave alone, or zero.

        Sparse points stay around zero, as all do where they are not to be moved.
        """
        if issparse(x) or not moved:
            middle, largest = None, float(abs(x).max())
        else:
            middle = np.median(x[:: -(-len(x) // _ROWS)], axis=0)
            ends = x.min(axis=0) - middle, x.max(axis=0) - middle
            largest = float(np.abs(ends).max())
        return cls(middle, float(np.ldexp(0.5, np.frexp(largest)[1])) if largest else 1.0)

    def __call__(self, x: Any) -> Any:
        """Points x (M, features) around zero, and as large as 1."""
        return (x if self.middle is None else x - self.middle) / self.size
