"""Derivatives by differences: what the rules of gates are measured against."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

FULL = 64  # elements; a larger Jacobian is probed along random directions


def directions(rng: np.random.Generator, shape: tuple[int, ...]) -> list[np.ndarray]:
    """Every unit direction of a small shape, a few random ones of a large one."""
    size = int(np.prod(shape))
    if size <= FULL:
        return list(np.eye(size).reshape(size, *shape))
    return [rng.normal(size=shape) / np.sqrt(size) for _ in range(5)]


def slope(
    function: Callable[..., np.ndarray], xs: Sequence[np.ndarray], i: int, along: np.ndarray
) -> np.ndarray:
    """The central difference of `function` as its input `i` moves along a direction."""
    eps = 2.0**-4 if any(x.dtype == np.float32 for x in xs) else 1e-6
    ends = []
    for sign in (1.0, -1.0):
        moved = list(xs)
        moved[i] = (xs[i] + sign * eps * along).astype(xs[i].dtype)
        ends.append(np.asarray(function(*moved), float))
    return (ends[0] - ends[1]) / (2.0 * eps)


def assert_close(got, wanted, what="") -> None:
    """Agreement to what central differences in double precision can promise."""
    np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-5, err_msg=what)
