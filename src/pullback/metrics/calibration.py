"""In: a model's scores on rows kept to choose by. Out: the same model, as sure as it should be.

A calibration changes how sure answers are. It is fitted as a model is, by the gradient of a
circuit, and it is one more layer: the calibrated model is saved and predicts like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.elementary import exp
from pullback.layers import Layer, Sequential, Standardize
from pullback.losses import BinaryCrossEntropy, Loss, SoftmaxCrossEntropy
from pullback.losses.labels import numbers

Method = Literal["temperature", "vector"]
METHODS = ("temperature", "vector")
_SCALES = np.log(1e3)  # the most that scores are stretched, or shrunk, by
_SHIFTS = 1e3


@dataclass(frozen=True)
class Calibration:
    """scale * score + shift, of one number each, or of one for each class.

    `before` and `after` are the mean cross entropies of the rows that it was fitted on.
    """

    scale: tuple[float, ...]
    shift: tuple[float, ...]
    before: float
    after: float

    @property
    def temperature(self) -> float:
        """What scores are divided by, where that is one number for all: above 1 they were too sure.

        Raises `CircuitError` for one number for each class.
        """
        if len(self.scale) != 1:
            raise CircuitError(f"this calibration has {len(self.scale)} scales; see `scale`")
        return 1.0 / self.scale[0]

    def __call__(self, scores: Any) -> np.ndarray:
        """Scores, as an array, calibrated."""
        return np.asarray(scores) * np.array(self.scale) + np.array(self.shift)

    @property
    def layer(self) -> Standardize:
        """The calibration as a layer."""
        scale, shift = np.array(self.scale), np.array(self.shift)
        mean, deviation = -shift / scale + 0.0, 1.0 / scale
        if len(self.scale) == 1:
            return Standardize(float(mean[0]), float(deviation[0]), name="calibration")
        return Standardize(mean.tolist(), deviation.tolist(), name="calibration")


def calibrate(scores: Any, labels: Any, method: Method = "temperature") -> Calibration:
    """The calibration by which probabilities fit labels best: least mean cross entropy.

    scores (rows, classes), labels (rows,) are class numbers; or scores (rows,) or (rows, 1), and
    labels 0 and 1. They are of rows that the model was not trained on. "temperature" divides all
    scores by one number, and changes no answer; "vector" multiplies each class's score by a
    positive number of its own and adds another: of one score that is Platt's scaling, which also
    takes back what class weights, or balanced sampling, did to probabilities.

    Raises `CircuitError` where the rows do not fit; where all of them are right, before or by the
    calibration: then the surer is the better, without end; and, of "vector", where a class has no
    row.
    Source: Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks" (ICML 2017);
    Platt, "Probabilistic outputs for support vector machines" (1999).

    >>> calibrate([[4.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 0.0]], [0, 0, 1, 1]).temperature
    3.6409...
    """
    if method not in METHODS:
        raise CircuitError(f"a calibration is one of {', '.join(METHODS)}, got {method!r}")
    y = numbers(scores, "scores", "scores are numbers").astype(np.float64)
    if y.ndim not in (1, 2) or not y.size or not np.isfinite(y).all():
        raise CircuitError(f"scores are finite numbers, (rows,) or (rows, classes), got {y.shape}")
    if y.ndim == 1:
        y = y[:, None]
    loss: Loss = BinaryCrossEntropy() if y.shape[1] == 1 else SoftmaxCrossEntropy()
    known = loss.prepare(labels, y.shape)
    _refuse_all_right(y, known, loss)
    if method == "vector" and known.ndim == 1:
        _refuse_missing(known, max(2, y.shape[1]))
    found = _fitted(y, known, loss, method)
    _refuse_all_right(found(y), known, loss)
    return found


def _refuse_all_right(y: np.ndarray, labels: np.ndarray, loss: Loss) -> None:
    if loss.of_rows(Unit(y), Unit(labels))["accuracy"].value.all():
        raise CircuitError(
            "every row is right, so that no calibration is best: the surer, the better; take more "
            "rows, that the model was not trained on"
        )


def _refuse_missing(labels: np.ndarray, classes: int) -> None:
    missing = np.setdiff1d(np.arange(classes), labels)
    if len(missing):
        raise CircuitError(
            f"class {missing[0]} has no row, so that its score would be shifted down without end; "
            'take more rows, or the method "temperature"'
        )


def _fitted(y: np.ndarray, labels: np.ndarray, loss: Loss, method: Method) -> Calibration:
    """The least of the loss, by SciPy's L-BFGS and the circuit's gradient."""
    from scipy.optimize import minimize  # takes a while to import

    each = y.shape[1] if method == "vector" else 1
    logs, shift = Unit(np.zeros(each), "logs"), Unit(np.zeros(each), "shift")
    scaled = exp(logs) * Unit(y, "scores")
    cost = loss(scaled + shift if method == "vector" else scaled, Unit(labels, "labels"))
    moved = (logs, shift) if method == "vector" else (logs,)
    before = float(cost.value)

    def value_and_gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
        for unit, part in zip(moved, np.split(x, len(moved)), strict=True):
            unit.value = part
        value = float(cost.forward())
        cost.backward()
        return value, np.concatenate([unit.grad for unit in moved])

    limits = [(-_SCALES, _SCALES)] * each + [(-_SHIFTS, _SHIFTS)] * each
    size = each * len(moved)
    found = minimize(
        value_and_gradient,
        np.zeros(size),
        jac=True,
        method="L-BFGS-B",
        bounds=limits[:size],
        options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 1000},
    )
    after, _ = value_and_gradient(found.x)
    scale = tuple(np.exp(np.asarray(logs.value)).tolist())
    return Calibration(scale, tuple(np.asarray(shift.value).tolist()), before, after)


def calibrated(model: Layer, calibration: Calibration) -> Sequential:
    """The model with its calibration as a last layer; both share what was learned.

    >>> from pullback.layers import Dense
    >>> model = calibrated(Dense(2), Calibration((0.5,), (0.0,), 0.7, 0.6))
    >>> model
    Sequential(Dense(2), Standardize(deviation=2.0))
    """
    layers = model.layers if isinstance(model, Sequential) else (model,)
    return Sequential(*layers, calibration.layer)


def with_priors(probabilities: Any, before: Sequence[float], now: Sequence[float]) -> np.ndarray:
    """Probabilities (rows, classes) where classes are as common as they are now.

    p * now / before, made to add up to 1; `before` are the shares of the classes in training, as it
    met them (equal ones after balanced sampling or weights), and `now` those where the model is
    used. It is right where only these shares differ, and rows of one class look as before.

    Raises `CircuitError` where there is not a positive share for each class.
    Source: Saerens, Latinne, Decaestecker, "Adjusting the outputs of a classifier to new a priori
    probabilities" (Neural Computation, 2002).

    >>> with_priors([[0.5, 0.5]], before=[0.5, 0.5], now=[0.9, 0.1])
    array([[0.9, 0.1]])
    """
    p = numbers(probabilities, "probabilities", "they are numbers, (rows, classes)")
    old, new = np.asarray(before, float), np.asarray(now, float)
    if p.ndim != 2 or old.shape != p.shape[1:] or new.shape != p.shape[1:]:
        raise CircuitError(
            f"probabilities of shape {p.shape} need a share for each class before and now, got "
            f"{old.shape} and {new.shape}"
        )
    if not ((old > 0) & np.isfinite(old) & (new >= 0) & np.isfinite(new)).all() or not new.any():
        raise CircuitError(f"shares of classes are positive and finite, got {before} and {now}")
    odds = p * (new / new.sum()) / (old / old.sum())
    return odds / odds.sum(axis=1, keepdims=True)
