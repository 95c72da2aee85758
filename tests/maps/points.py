"""Points for maps, and maps made of them once."""

from functools import cache

import numpy as np

from pullback.maps import TSNE

GROUPS = np.repeat(np.arange(3), 20)
SMALL = {"perplexity": 5.0, "engine": "eager", "random_state": 0, "verbose": False}


@cache
def groups():
    """Three groups of 20 points in 5 dimensions, (60, 5)."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(3, 5))[GROUPS] * 3.0 + rng.normal(size=(60, 5)) * 0.5
    points.setflags(write=False)
    return points


@cache
def mapped():
    """A map of them."""
    return TSNE(**SMALL, keep_every=250).fit(groups())


def purity(y, labels=GROUPS, others=None, among=None):
    """The share of points whose nearest one in the map is of their own kind."""
    where = y if others is None else others
    far = ((y[:, None] - where[None]) ** 2).sum(axis=2)
    if others is None:
        np.fill_diagonal(far, np.inf)
    return np.mean((labels if among is None else among)[far.argmin(axis=1)] == labels)
