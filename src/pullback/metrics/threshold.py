"""In: probabilities of a class on rows kept to choose by. Out: from which one on it is answered.

The likelier of two classes is answered from 0.5 on, which serves accuracy. Where one class is rare,
or costly to miss, another threshold serves better. It is chosen on validation rows: on the training
rows it would fit what the model knows by heart, and on the test rows it would make the test easy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.metrics.given import of_two

_EVEN = 0.5  # the threshold of whoever has not chosen one

Counts = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""True positives, false positives, false negatives and true negatives, for each threshold."""


def _share(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b, and 0 where both are."""
    return a / np.where(b == 0, 1, b)


def _precision(tp: Any, fp: Any, fn: Any, tn: Any) -> Any:
    return _share(tp, tp + fp)


def _recall(tp: Any, fp: Any, fn: Any, tn: Any) -> Any:
    return _share(tp, tp + fn)


def _mcc(tp: Any, fp: Any, fn: Any, tn: Any) -> Any:
    squares = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return _share(tp * tn - fp * fn, np.sqrt(squares))


_MEASURES: Mapping[str, Callable[..., Any]] = {
    "accuracy": lambda tp, fp, fn, tn: (tp + tn) / (tp + fp + fn + tn),
    "balanced_accuracy": lambda tp, fp, fn, tn: (_share(tp, tp + fn) + _share(tn, tn + fp)) / 2,
    "f1": lambda tp, fp, fn, tn: _share(2 * tp, 2 * tp + fp + fn),
    "mcc": _mcc,
    "precision": _precision,
    "recall": _recall,
}
_HELD = {"recall": "precision", "precision": "recall"}  # and what is to be large then
CRITERIA = ("f1", "balanced_accuracy", "mcc", "accuracy", "recall=0.9", "precision=0.9", "cost=10")
"""What a threshold can be chosen for, by examples."""


@dataclass(frozen=True)
class Threshold:
    """From which probability on a class is answered, and what for: `value` and `criterion`.

    `reached` is what it measures on the rows that it was chosen on, which flatters it: the
    criterion, or of "recall=0.9" the precision, and the other way round. `positive` is the number
    of the class, of two.

    >>> Threshold(0.2, "f1", 0.8)([0.1, 0.2, 0.9])
    array([False,  True,  True])
    """

    value: float
    criterion: str
    reached: float
    positive: int = 1

    def __call__(self, probabilities: Any) -> np.ndarray:
        """Whether each of these probabilities of the class, (rows,), is enough."""
        return np.asarray(probabilities) >= self.value

    def answers(self, probabilities: np.ndarray) -> np.ndarray:
        """The class numbers (rows,) that are answered, by the probabilities of both, (rows, 2)."""
        chosen = self(probabilities[:, self.positive])
        return np.where(chosen, self.positive, 1 - self.positive)


def choose_threshold(
    happened: Any,
    probabilities: Any,
    criterion: str = "f1",
    *,
    costs: Sequence[Sequence[float]] | None = None,
    positive: int = 1,
) -> Threshold:
    """The threshold that is best for rows that were kept to choose by.

    happened (rows,) says whether a row is of the class, as 0 and 1 or truth values, and
    probabilities (rows,) how probable it was. The criterion is "f1", "balanced_accuracy", "mcc" or
    "accuracy"; "recall=0.9", a recall of at least 0.9, with the precision as large as it can be
    then, or "precision=0.9", the other way round; or "cost=10", where to miss the class costs ten
    times as much as a false alarm. `costs` are those of any answer instead, [[of a right no, of a
    false alarm], [of a miss, of a right yes]]: the least mean cost is sought. Of several thresholds
    that are as good, the one nearest to 0.5 is taken.

    Raises `CircuitError` where all rows are of one class, or nothing reaches what is asked.

    >>> choose_threshold([0, 0, 1, 0, 1], [0.1, 0.2, 0.3, 0.35, 0.4], "f1").value
    0.25
    """
    truth, p = of_two(happened, probabilities)
    if truth.all() or not truth.any():
        raise CircuitError(
            "all rows are of one class, and no threshold can be chosen by them; validation rows "
            "need both"
        )
    name, measure = _measure(criterion, costs)
    above, low, high = _cuts(p)
    hits = np.concatenate([[0], np.cumsum(truth[np.argsort(-p, kind="stable")])])
    tp = hits[above].astype(float)
    fp = above - tp
    reached = measure(tp, fp, truth.sum() - tp, (~truth).sum() - fp)
    best = reached.max()
    if not np.isfinite(best):
        held = name.partition("=")[0]
        most = _MEASURES[held](tp, fp, truth.sum() - tp, (~truth).sum() - fp).max()
        raise CircuitError(
            f"no threshold reaches {name}: the {held} of these {len(p)} rows is at most {most:.3f}"
        )
    even = (low < _EVEN) & (high >= _EVEN)
    values = np.where(even, _EVEN, (low + high) / 2)
    alike = np.flatnonzero(reached >= best - 1e-12 * max(1.0, abs(best)))
    chosen = int(alike[np.argmin(abs(values[alike] - _EVEN))])
    shown = -reached[chosen] if name.startswith("cost") else reached[chosen]
    return Threshold(float(values[chosen]), name, float(shown), positive)


def _cuts(p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each way to divide rows by a threshold how many are above, and where it can be.

    A threshold above `low`, up to `high`, divides so; the first has no row above, the last all.
    """
    distinct, counts = np.unique(p, return_counts=True)
    above = np.concatenate([[0], np.cumsum(counts[::-1])])
    ends = np.concatenate([[-p.max() - 1.0], distinct, [np.nextafter(p.max(), np.inf)]])[::-1]
    low, high = ends[1:].copy(), ends[:-1].copy()
    low[0] = high[0]  # nobody: just above the highest
    low[-1] = min(0.0, high[-1])  # everybody: probabilities do not go below 0
    return above, low, high


def _measure(
    criterion: str, costs: Sequence[Sequence[float]] | None
) -> tuple[str, Callable[..., Any]]:
    """A criterion's name, and what is to be large, for true and false answers of both kinds."""
    if costs is not None:
        table = np.asarray(costs, float)
        if table.shape != (2, 2) or not np.isfinite(table).all():
            raise CircuitError(f"costs are two rows of two finite numbers, got {costs!r}")
        (right_no, alarm), (miss, right_yes) = table.tolist()
        return (
            "cost",
            lambda tp, fp, fn, tn: (
                -(right_yes * tp + alarm * fp + miss * fn + right_no * tn) / (tp + fp + fn + tn)
            ),
        )
    what, sign, text = criterion.partition("=")
    what = what.strip().replace("-", "_").lower()
    name = f"{what}{sign}{text.strip()}"
    if sign and what == "cost":
        return name, _measure("", [[0.0, 1.0], [_number(text, criterion), 0.0]])[1]
    if sign and what in _HELD:
        held, large = _MEASURES[what], _MEASURES[_HELD[what]]
        least = _number(text, criterion, most=1.0)
        return name, lambda *counts: np.where(
            (held(*counts) >= least) & (counts[0] > 0), large(*counts), -np.inf
        )
    if not sign and what in _MEASURES and what not in _HELD:
        return name, _MEASURES[what]
    raise CircuitError(
        f"a threshold is not chosen for {criterion!r}; there are: {', '.join(CRITERIA)}"
    )


def _number(text: str, criterion: str, most: float = np.inf) -> float:
    """The number in a criterion, above 0 and up to a most."""
    try:
        found = float(text)
    except ValueError:
        found = np.nan
    if not (0.0 < found <= most and np.isfinite(found)):
        upto = "" if most == np.inf else f" and up to {most:g}"
        raise CircuitError(f"{text!r} in {criterion!r} is no number above 0{upto}")
    return found


def refuse_criterion(criterion: str) -> None:
    """Raise `CircuitError` for what no threshold can be chosen for."""
    _measure(criterion, None)
