"""In: probabilities, and what happened. Out: whether what is held 30% probable happens so often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.figures import refuse_without_matplotlib
from pullback.metrics.given import of_two

if TYPE_CHECKING:
    from pullback.figures.sheet import Sheet

BARS = 20  # of the picture's histogram
STRATEGIES = ("quantile", "uniform")  # as scikit-learn calls them


@dataclass(frozen=True, eq=False)
class Reliability:
    """Rows in bins by their probability: what was `predicted`, and what was `observed`.

    All are (bins,): `counts` of rows; the mean probability; the share of rows in which it happened;
    and `low` and `high`, between which the share is by `level`, 0.95 say. `spread` (20,) counts the
    rows whose probability is in each twentieth. `strategy` says how rows were divided.
    """

    counts: np.ndarray
    predicted: np.ndarray
    observed: np.ndarray
    low: np.ndarray
    high: np.ndarray
    level: float
    spread: np.ndarray
    strategy: str = "quantile"

    @property
    def error(self) -> float:
        """The expected calibration error: |predicted - observed|, the mean over all rows.

        Source: Naeini, Cooper, Hauskrecht, "Obtaining well calibrated probabilities using Bayesian
        binning" (2015), of bins that have as many rows each.
        """
        return float(np.average(abs(self.predicted - self.observed), weights=self.counts))

    def plot(self, what: str = "") -> Sheet:
        """Draw observed shares over predicted probabilities, with matplotlib (extra `plot`).

        `what` it is whose probabilities these are. Raises `CircuitError` without matplotlib.
        """
        refuse_without_matplotlib()
        from pullback.metrics.drawing import reliability_sheet

        return reliability_sheet(self, what)


def reliability(
    happened: Any,
    probabilities: Any,
    *,
    bins: int = 10,
    level: float = 0.95,
    strategy: str = "quantile",
) -> Reliability:
    """Compare probabilities (rows,) with what happened, (rows,): truth values, or 0 and 1.

    By the strategy "quantile" the bins have about as many rows each, so far as rows of equal
    probability, which are in one bin, allow; by "uniform" they are equally wide, which shows the
    few high probabilities of a rare class, and those without rows are left out. The interval of a
    share is Jeffreys' (Brown, Cai, DasGupta, "Interval estimation for a binomial proportion",
    2001).

    Raises `CircuitError` where the arrays do not fit each other, there are no bins, or there is no
    such strategy.

    >>> found = reliability([0, 0, 0, 1], [0.1, 0.1, 0.5, 0.5], bins=2)
    >>> found.observed, round(found.error, 3)
    (array([0. , 0.5]), 0.05)
    """
    from scipy.special import betaincinv  # takes a while to import

    truth, p = of_two(happened, probabilities)
    if bins < 1 or not 0.0 < level < 1.0:
        raise CircuitError(f"bins are 1 or more and a level is a share, got {bins} and {level}")
    if strategy not in STRATEGIES:
        raise CircuitError(f"rows are divided by {' or '.join(STRATEGIES)}, got {strategy!r}")
    shares = np.linspace(0.0, 1.0, bins + 1)
    edges = shares if strategy == "uniform" else np.unique(np.quantile(p, shares))
    _, places = np.unique(np.searchsorted(edges[1:-1], p, side="right"), return_inverse=True)
    counts = np.bincount(places)
    hits = np.bincount(places, truth)
    tail = (1.0 - level) / 2
    low = betaincinv(hits + 0.5, counts - hits + 0.5, tail)
    high = betaincinv(hits + 0.5, counts - hits + 0.5, 1.0 - tail)
    return Reliability(
        counts,
        np.bincount(places, p) / counts,
        hits / counts,
        np.where(hits == 0, 0.0, low),
        np.where(hits == counts, 1.0, high),
        level,
        np.histogram(p, BARS, (0.0, 1.0))[0],
        strategy,
    )
