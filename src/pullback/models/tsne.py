"""t-SNE as circuits: the Kullback-Leibler cost of a map, and the two forces on its points.

In: where the points lie, (d, N), an axis of the map after the other, and how near they are to each
other in the data, p. Out: the cost; what pulls neighbours together; what pushes all points apart.

The cost's gradient is 4 * (attraction - repulsion / z). `pb.gradient` makes the same of the cost;
the forces are the same sums in one loop over all pairs, so that no number of a pair is kept.
"""

from __future__ import annotations

from typing import Any

from pullback.core.unit import Unit
from pullback.gates.comparison import maximum
from pullback.gates.elementary import log
from pullback.gates.indexing import scatter_add, take
from pullback.gates.reduction import sum as total
from pullback.gates.shape import reshape, stack

TINY = 1e-30  # p of 0 has no part in the cost, and its logarithm is to be a number


def similarity(differences: list[Unit]) -> Unit:
    """q = 1 / (1 + distance**2): how near two points of the map are, before all are set in ratio.

    It is Student's t-distribution of one degree of freedom. `differences` has y_i - y_j by axis.
    """
    distance = differences[0] * differences[0]
    for d in differences[1:]:
        distance = distance + d * d
    return 1.0 / (1.0 + distance)


def _between(targets: Unit, sources: Unit) -> list[Unit]:
    """y_i - y_j by axis, (M, N), of all pairs of targets (d, M) and sources (d, N)."""
    (d, m), n = targets.shape, sources.shape[1]
    return [reshape(targets[k], (m, 1)) - reshape(sources[k], (1, n)) for k in range(d)]


def kl_divergence(y: Unit, p: Any) -> Unit:
    """KL(P || Q) = sum of p_ij * log(p_ij / (q_ij / z)), with z the sum of q of all pairs.

    Shapes: y (d, N); p (N, N), symmetric, zeros on its diagonal, all of it 1 in sum. An ordinary
    circuit, whose every pair is a number of its own: for looking at, for checking, for a batch.
    Source: van der Maaten and Hinton, "Visualizing data using t-SNE" (JMLR 9, 2008); the guide,
    "Case Study: t-SNE".

    >>> import numpy as np
    >>> y = Unit(np.array([[0.0, 1.0, 3.0]]))
    >>> p = (1.0 - np.eye(3)) / 6.0
    >>> print(f"{kl_divergence(y, p).value:.4f}")
    0.2133
    """
    p = p if isinstance(p, Unit) else Unit(p)
    q = similarity(_between(y, y))
    z = total(q) - float(y.shape[1])
    return total(p * (log(maximum(p, TINY)) - log(q))) + total(p) * log(z)


def repulsion(targets: Unit, sources: Unit) -> tuple[Unit, Unit]:
    """The sums of q_ij, (M,), and of q_ij**2 * (y_i - y_j), (d, M), over all sources j.

    Shapes: targets (d, M), sources (d, N). A target that is a source too has a q of 1 with itself,
    and no force.
    """
    differences = _between(targets, sources)
    q = similarity(differences)
    return total(q, axis=1), stack([total(q * q * d, axis=1) for d in differences])


def attraction(y: Unit, p: Unit, neighbours: Unit, points: Unit, ends: Unit) -> Unit:
    """The sum of p_ij * q_ij * (y_i - y_j) over the neighbours j of each point i, (d, N).

    Points have unlike numbers of neighbours, which therefore come in pieces of one length: `p`
    (pieces, length) with zeros where a piece is not full, `neighbours` of the same shape, whose
    numbers are rows of `ends` (N, d), and `points` (pieces,), whose neighbours these are. `y` and
    `ends` are the same points, by axis and by point.
    """
    d, pieces, length = y.shape[0], *p.shape
    near = take(ends, reshape(neighbours, (pieces * length,)))
    near = reshape(near, (pieces, length, d))
    own = take(ends, points)
    differences = [reshape(own[:, k], (pieces, 1)) - near[:, :, k] for k in range(d)]
    pulls = p * similarity(differences)
    by_piece = stack([total(pulls * x, axis=1) for x in differences], axis=1)
    return scatter_add(0.0 * ends, points, by_piece)
