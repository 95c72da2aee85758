"""t-SNE as circuits: the Kullback-Leibler cost of a map, and the two forces on its points.

In: where the points lie, (d, N), an axis of the map after the other, and how near they are to each
other in the data, p. Out: the cost; what pulls neighbours together; what pushes all points apart.

The cost's gradient is 4 * (attraction - repulsion / z). `pb.gradient` makes the same of the cost;
the forces are the same sums in one loop over all pairs, so that no number of a pair is kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.core.unit import Unit
from pullback.gates.comparison import maximum
from pullback.gates.elementary import log
from pullback.gates.indexing import scatter_add, take
from pullback.gates.reduction import sum as total
from pullback.gates.shape import astype, reshape, stack, transpose

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


def attraction(y: Unit, others: Unit, p: Unit, neighbours: Unit, points: Unit) -> Unit:
    """The sum of p_ij * q_ij * (y_i - y_j) over the neighbours j of each point i, (d, M).

    Shapes: y (d, M); others (d, N), of which neighbours are, and which are y itself in a map that
    forms. Points have unlike numbers of neighbours, which therefore come in pieces of one length:
    `p` (pieces, length) with zeros where a piece is not full, `neighbours` of the same shape, and
    `points` (pieces,), whose neighbours these are.
    """
    differences = _to_neighbours(y, others, neighbours, points)
    pulls = p * similarity(differences)
    of_pieces = stack([total(pulls * x, axis=1) for x in differences], axis=1)
    return transpose(scatter_add(0.0 * transpose(y), points, of_pieces))


def cross_entropy(y: Unit, others: Unit, p: Unit, neighbours: Unit, points: Unit) -> Unit:
    """-sum of p_ij * log(q_ij), in double precision; shapes are those of `attraction`.

    It is what the cost has of single pairs: less the entropy of p, and with log(z), it is the cost.
    """
    q = similarity(_to_neighbours(y, others, neighbours, points))
    return total(astype(-p * log(q), np.float64))


def _to_neighbours(y: Unit, others: Unit, neighbours: Unit, points: Unit) -> list[Unit]:
    """y_i - y_j by axis, (pieces, length), of each point and its neighbours."""
    d, (pieces, length) = y.shape[0], neighbours.shape
    ends = take(transpose(others), reshape(neighbours, (pieces * length,)))
    ends, own = reshape(ends, (pieces, length, d)), take(transpose(y), points)
    return [reshape(own[:, k], (pieces, 1)) - ends[:, :, k] for k in range(d)]


def attraction_of_all(y: Unit, p: Unit) -> Unit:
    """The sum of p_ij * q_ij * (y_i - y_j) over all points j, (d, N), with p (N, N)."""
    differences = _between(y, y)
    pulls = p * similarity(differences)
    return stack([total(pulls * x, axis=1) for x in differences])


def cross_entropy_of_all(y: Unit, p: Unit) -> Unit:
    """-sum of p_ij * log(q_ij) over all pairs, in double precision, with p (N, N)."""
    return total(astype(-p * log(similarity(_between(y, y))), np.float64))
