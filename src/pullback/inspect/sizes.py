"""In: numbers, huge, tiny or not finite among them. Out: how large they are."""

from __future__ import annotations

from typing import Any

import numpy as np


def largest(values: Any) -> float:
    """The largest size of finite numbers, 0 where there is none."""
    sizes = np.abs(np.asarray(values, dtype=float))
    return float(np.max(sizes, where=np.isfinite(sizes), initial=0.0))


def norm(values: Any) -> float:
    """The Euclidean norm, in which no square overflows or is lost."""
    flat = np.ravel(np.asarray(values, dtype=float))
    scale = largest(flat)
    return scale * float(np.linalg.norm(flat / scale)) if scale else float(np.linalg.norm(flat))
