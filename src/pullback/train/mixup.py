"""In: a batch as wires, and chance. Out: the batch mixed, and by what its scores are judged.

Each row is mixed with the one before it, the first with the last: of batches in random order, as
good as with any other. What the model makes of a mixed row is judged twice, by the labels of either
row, which count as much as there is of it. So a mixed batch is to every loss and metric a batch of
twice as many rows with weights, and none of them knows of mixing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.indexing import take
from pullback.gates.shape import astype, concatenate, reshape
from pullback.layers.training import Training

STEPS = 2**14
"""Of the table of quantiles: lines between its values miss a probability by 1 / STEPS at most."""


@dataclass(frozen=True)
class Mixing:
    """How much of each row of a mixed batch is its own, (batch,); the rest is the row before it.

    Source: Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: Beyond empirical risk minimization" (ICLR
    2018), who mix within a batch, too; their code draws one share for all of it.
    """

    share: Unit

    @classmethod
    def of(cls, alpha: float, rows: int, training: Training) -> Mixing:
        """Shares from the distribution Beta(alpha, alpha)."""
        return cls(beta(training.random((rows,)), alpha))

    def inputs(self, x: Unit) -> Unit:
        """The rows of an input, mixed. Raises `CircuitError` where they are whole numbers."""
        if x.dtype.kind != "f":
            raise CircuitError(
                f"mixup adds inputs up, which {x.label} of {x.dtype} are not for: they are "
                "numbers of rows or classes; train without mixup"
            )
        share = reshape(astype(self.share, x.dtype), (x.shape[0], *[1] * (x.ndim - 1)))
        return share * x + (1.0 - share) * _before(x)

    def scores(self, scores: Unit) -> Unit:
        """The scores of mixed rows, once for each label."""
        return concatenate([scores, scores])

    def labels(self, labels: Unit) -> Unit:
        """The labels of the rows, and behind them those of the rows mixed in."""
        return concatenate([labels, _before(labels)])

    def weights(self, weights: Unit | None) -> Unit:
        """What each label counts: its row's weight times the share of it.

        Both labels of a row count as one row does in a mean over rows, of which there are twice as
        many.
        """
        own, other = 2.0 * self.share, 2.0 * (1.0 - self.share)
        if weights is not None:
            own, other = own * weights, other * _before(weights)
        return concatenate([own, other])


def _before(x: Unit) -> Unit:
    """For each row the one before it, for the first the last."""
    return concatenate([x[-1:], x[:-1]])


def beta(uniform: Unit, alpha: float) -> Unit:
    """Numbers with the distribution Beta(alpha, alpha), of as many that are uniform in [0, 1).

    Its quantile function, by lines between the exact values at multiples of 1 / STEPS.

    >>> beta(Unit([0.0, 0.25, 0.5]), 0.5).value.round(4)  # sin(pi / 2 * u) ** 2
    array([0.    , 0.1464, 0.5   ])
    """
    from scipy.special import betaincinv  # takes a while to import

    quantiles = betaincinv(alpha, alpha, np.arange(STEPS + 1) / STEPS)
    place = uniform * float(STEPS)
    below = astype(place, np.int64)
    low, high = take(quantiles, below), take(quantiles, below + np.array(1))
    return low + (place - below) * (high - low)
