"""In: distances to the nearest neighbours of each point. Out: p_ij, how near two points are.

A Gaussian about each point makes probabilities of distances, p_j|i ~ exp(-beta_i * d_ij**2), whose
entropy is to be log(perplexity): as if so many neighbours were equally near. What is near to one
of two points is near to both: p_ij = (p_j|i + p_i|j) / 2N.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.sparse import csr_array

TOLERANCE = 1e-6  # nats of entropy: a perplexity of 30 is met within 0.00003
_MOST_STEPS = 200  # halving alone takes some 60
_LONGEST = 2.0  # of a step in the logarithm of beta
_ROWS = 1024  # points at a time, whose numbers stay in a core's cache


def affinities(
    neighbours: np.ndarray,
    distances: np.ndarray,
    perplexity: float | Sequence[float],
    threads: int | None = None,
) -> csr_array:
    """The symmetric p_ij of points and their neighbours, (N, N), of sum 1.

    Shapes: neighbours (N, k) whole numbers, distances (N, k). Of several perplexities the mean of
    what each makes is taken, so that a map can show what is near and what is far at once.
    Source: van der Maaten and Hinton, "Visualizing data using t-SNE" (JMLR 9, 2008); of several
    perplexities Kobak and Berens, "The art of using t-SNE for single-cell transcriptomics" (2019).

    >>> far = np.array([[1.0, 2.0], [1.0, 1.5], [1.5, 2.0]])
    >>> p = affinities(np.array([[1, 2], [0, 2], [1, 0]]), far, perplexity=1.5)
    >>> p.toarray().round(3)
    array([[0.   , 0.287, 0.047],
           [0.287, 0.   , 0.167],
           [0.047, 0.167, 0.   ]])
    """
    n, k = neighbours.shape
    p = conditional(distances, perplexity, threads)
    kind = (
        np.int32 if n * k < 2**30 else np.int64
    )  # of numbers of springs, of which both ways count
    starts = np.arange(0, n * k + 1, k, kind)
    one_way = csr_array((p.ravel(), neighbours.ravel().astype(kind), starts), shape=(n, n))
    both = csr_array(one_way + one_way.T)
    both.eliminate_zeros()
    both.sort_indices()
    both.data /= both.data.sum()
    return both


def conditional(
    distances: np.ndarray, perplexity: float | Sequence[float], threads: int | None = None
) -> np.ndarray:
    """p_j|i of each point's neighbours, (N, k), 1 in sum; of several perplexities their mean.

    Where more neighbours are equally near than a perplexity asks for, as copies of a point are,
    they share alike: no Gaussian is narrower.
    """
    several = np.atleast_1d(np.asarray(perplexity, np.float64))
    p = np.empty(distances.shape)

    def rows(start: int) -> None:
        some = slice(start, start + _ROWS)
        far = distances[some].astype(np.float64)
        far /= np.maximum(far.max(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        squares = far * far  # of distances up to 1, so that none is beyond all numbers
        squares -= squares.min(axis=1, keepdims=True)
        p[some] = np.mean([_gaussian(squares, np.log(one)) for one in several], axis=0)

    with ThreadPoolExecutor(threads, "pullback-affinities") as pool:
        list(pool.map(rows, range(0, len(distances), _ROWS)))
    return p


def _gaussian(squares: np.ndarray, entropy: float) -> np.ndarray:
    """exp(-beta * squares) / its sum, by rows, with the beta of which this is the entropy.

    The logarithm of beta is looked for between bounds: by Newton's method where that stays within
    them, and else halfway. `squares` has a zero in every row.
    """
    nearest = squares == 0.0
    p = nearest / nearest.sum(axis=1, keepdims=True)  # of an endless beta
    left = np.flatnonzero(np.log(nearest.sum(axis=1)) < entropy)
    s = squares[left]
    at = -np.log(s.mean(axis=1))
    low, high = np.full(len(s), -np.inf), np.full(len(s), np.inf)
    for _ in range(_MOST_STEPS):
        beta = np.exp(at)
        e = np.exp(-beta[:, None] * s)
        z = e.sum(axis=1)
        mean = np.einsum("ij,ij->i", e, s) / z
        over = np.log(z) + beta * mean - entropy
        slope = beta * beta * (np.einsum("ij,ij,ij->i", e, s, s) / z - mean * mean)
        found = np.abs(over) <= TOLERANCE
        p[left[found]] = e[found] / z[found, None]
        if found.all():
            break
        low, high = np.where(over > 0.0, at, low), np.where(over > 0.0, high, at)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.clip(over / slope, -_LONGEST, _LONGEST)
            halfway = np.where(np.isfinite(low + high), (low + high) / 2.0, at + np.sign(over))
        newton = at + step
        at = np.where((newton > low) & (newton < high), newton, halfway)
        keep = ~found
        left, s, at, low, high = left[keep], s[keep], at[keep], low[keep], high[keep]
    return p
