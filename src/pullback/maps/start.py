"""In: points, and how near they are to each other. Out: where they begin in the map."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from pullback.core.errors import CircuitError
from pullback.core.finite import is_finite
from pullback.maps.scaling import Scaling

STARTS = ("pca", "random", "spectral")
DEVIATION = 1e-4  # along the first axis: points that begin apart hardly pull at each other
_THIN = 1e-6  # of that, below which an axis is rounding
_FARTHEST = 1e4  # from zero: farther out single precision tells too few positions apart


def start(
    how: Any, x: Any, p: csr_array, d: int, random: np.random.RandomState, precomputed: bool
) -> np.ndarray:
    """Where points begin, (N, d) float32: their principal components, chance, or the graph of p.

    What begins as principal components has at once the large distances that descent hardly finds
    later (Kobak and Linderman, "Initialization is critical for preserving global data structure
    in both t-SNE and UMAP", 2021). Of distances, `x` (N, N), they are those of classical scaling;
    axes that data have no components for get chance.

    Raises `CircuitError` for an array of another shape, of huge numbers or with all points at one
    place, and for what is not finite.
    """
    n = x.shape[0]
    if not isinstance(how, str):
        return _given(how, (n, d))
    chance = DEVIATION * random.standard_normal((n, d))
    if how == "random":
        return chance.astype(np.float32)
    with np.errstate(all="ignore"):
        y = _spectral(p, d, random) if how == "spectral" else _components(x, d, random, precomputed)
        y = y / y[:, 0].std() * DEVIATION
    if not is_finite(y):
        raise CircuitError(
            f"init={how!r} finds no finite positions: numbers of X are too large, too small or all "
            "alike; scale its columns, or choose init='random'"
        )
    wide = y.std(axis=0) > _THIN * DEVIATION
    chance[:, : y.shape[1]][:, wide] = y[:, wide]
    return chance.astype(np.float32)


def _given(how: Any, shape: tuple[int, int]) -> np.ndarray:
    try:
        with np.errstate(over="ignore"):
            y = np.array(how, np.float32)
    except (TypeError, ValueError):
        raise CircuitError("an init that is no name is an array of numbers") from None
    if y.shape != shape:
        raise CircuitError(f"init must be of shape {shape}, a row for each point, got {y.shape}")
    if not is_finite(y):
        raise CircuitError(f"init has {y[~np.isfinite(y)][0]} in it, where positions are finite")
    if np.abs(y).max() > _FARTHEST:
        raise CircuitError(
            f"init has {np.abs(y).max():.3g} in it; make its numbers {_FARTHEST:,.0f} at most, or "
            "better small, as init / init.std() * 1e-4"
        )
    if (y == y[0]).all():
        raise CircuitError("init puts all points at one place, where nothing draws them apart")
    return y


def _components(x: Any, d: int, random: np.random.RandomState, precomputed: bool) -> np.ndarray:
    """The first principal components, whose signs do not change from run to run."""
    from sklearn.decomposition import PCA, KernelPCA

    if precomputed:
        scaling = KernelPCA(d, kernel="precomputed", random_state=random, remove_zero_eig=True)
        near = x / (x.max() or 1.0)
        return scaling.fit_transform(-0.5 * near * near)
    sparse = not isinstance(x, np.ndarray)
    d = min(d, x.shape[1], x.shape[0] - sparse)
    if sparse and d == x.shape[1]:
        x, sparse = x.toarray(), False
    solver = "arpack" if sparse else "auto"
    return PCA(d, svd_solver=solver, random_state=random).fit_transform(Scaling.of(x)(x))


def _spectral(p: csr_array, d: int, random: np.random.RandomState) -> np.ndarray:
    """The slowest vibrations of a net whose springs are p."""
    from sklearn.manifold import spectral_embedding

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # parts that nothing joins lie apart
        return spectral_embedding(p, n_components=d, random_state=random)
