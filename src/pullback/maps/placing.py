"""In: new points, and a map of others. Out: where the new ones belong in it."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from pullback.maps.affinities import conditional
from pullback.maps.neighbours import Neighbours
from pullback.maps.repulsion import Repel
from pullback.maps.springs import Pieces
from pullback.maps.steps import Descent

NEAREST = 25  # points, in whose middle a new one begins
PERPLEXITY = 5.0
ITERATIONS = 250
EXAGGERATION = 1.5  # so that what lies between two groups goes to one of them
LEARNING_RATE = 0.025  # of a gradient whose p are 1 in sum for each point, and not for all


def placed(
    near: Neighbours, y: np.ndarray, repel: Repel, perplexity: Any, iterations: int, **engine: Any
) -> np.ndarray:
    """Where new points belong in a map y (d, N), (d, M), by their nearest in it, (M, k).

    Each begins in the middle of its nearest, the median along every axis, and then descends the
    cost that it alone has, KL(p_j|i || q_ij / sum of q_ij over j), while the map stays as it is.
    New points do not feel each other: where one lies does not depend on what else is asked.

    Source: Policar, Strazar and Zupan, "Embedding to reference t-SNE space addresses batch effects
    in single-cell classification" (Machine Learning 112, 2023).
    """
    begin = np.median(y[:, near.indices[:, :NEAREST]], axis=2)
    m, k = near.indices.shape
    p = conditional(near.distances, perplexity)
    starts = np.arange(0, m * k + 1, k)
    springs = Pieces.of(csr_array((p.ravel(), near.indices.ravel(), starts), (m, y.shape[1])))
    descent = Descent(begin, springs, y, **engine)
    for _ in range(iterations):
        descent(
            repel.on(descent.y, y),
            exaggeration=EXAGGERATION,
            learning_rate=LEARNING_RATE,
            momentum=0.8,
        )
    return descent.y
