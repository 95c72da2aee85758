"""In: what a user trains a module for. Out: the same as a function, and what it means here.

Diseases ask a loss how its scores are read, so that a criterion of PyTorch has a loss of this
library beside it, where there is one.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.diagnosis.torch.library import torch
from pullback.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    Huber,
    SoftmaxCrossEntropy,
    SquaredError,
)
from pullback.losses.loss import Loss

_SMALL = 1e-6  # as near to 0 as a probability may come


@final
@dataclass(frozen=True)
class OwnLoss(Loss):
    """A criterion that means nothing here: no metric is read beside it."""

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        return np.asarray(labels)

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        raise CircuitError("a criterion of PyTorch is computed by PyTorch alone")


def _cross_entropy(criterion: Any) -> Loss:
    weight = getattr(criterion, "weight", None)
    if getattr(criterion, "ignore_index", -100) >= 0:
        return OwnLoss()
    return SoftmaxCrossEntropy(
        label_smoothing=float(getattr(criterion, "label_smoothing", 0.0)),
        class_weights=None if weight is None else tuple(weight.tolist()),
    )


_MEANINGS: Mapping[str, Callable[[Any], Loss]] = {
    "CrossEntropyLoss": _cross_entropy,
    "NLLLoss": _cross_entropy,
    "BCEWithLogitsLoss": lambda criterion: BinaryCrossEntropy(),
    "BCELoss": lambda criterion: BinaryCrossEntropy(),
    "MSELoss": lambda criterion: SquaredError(),
    "L1Loss": lambda criterion: AbsoluteError(),
    "SmoothL1Loss": lambda criterion: AbsoluteError(),
    "HuberLoss": lambda criterion: Huber(float(criterion.delta)),
}
_FUNCTIONS = {
    "cross_entropy": "CrossEntropyLoss",
    "nll_loss": "NLLLoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
    "binary_cross_entropy": "BCELoss",
    "mse_loss": "MSELoss",
    "l1_loss": "L1Loss",
    "smooth_l1_loss": "SmoothL1Loss",
}

LABELS: Mapping[str, Callable[[Any, Any], Any]] = {
    "labels.long()": lambda scores, labels: labels.long(),
    "labels.float()": lambda scores, labels: labels.to(scores.dtype),
    "labels.squeeze(1)": lambda scores, labels: labels.squeeze(1),
    "labels.squeeze(1).long()": lambda scores, labels: labels.squeeze(1).long(),
    "labels.reshape(outputs.shape)": lambda scores, labels: labels.reshape(scores.shape),
    "labels.reshape(outputs.shape).float()": lambda scores, labels: labels.reshape(scores.shape).to(
        scores.dtype
    ),
}
"""What labels may have to become, as code, and what makes it of scores and labels."""

SCORES: Mapping[str, Callable[[Any], Any]] = {
    "log": lambda p: p.clamp_min(_SMALL).log(),
    "logit": lambda p: p.clamp(_SMALL, 1.0 - _SMALL).logit(),
}
"""What takes a softmax, or a sigmoid, back, but for what no score changes."""


@dataclass(frozen=True)
class Criterion:
    """A function of outputs and labels, as a user has it, and what is changed of both before.

    `name` is that of PyTorch, or "" of a function of the user's own; `meaning` is the same loss of
    this library. `labels` and `scores` are keys of `LABELS` and `SCORES`. `given` is what labels of
    the user are, the shape of a row's and the dtype, where those that come are as `meaning`
    prepares them.
    """

    function: Any
    name: str
    meaning: Loss
    labels: str = ""
    scores: str = ""
    given: tuple[tuple[int, ...], Any] | None = None

    @classmethod
    def of(cls, function: Any) -> Criterion:
        """The criterion that is this function, or module.

        Raises `CircuitError` where it is none, or does not answer one number.
        """
        if not callable(function):
            raise CircuitError(
                "the doctor needs the criterion that the module is trained for: "
                f"loss=torch.nn.CrossEntropyLoss(), say; got {function!r:.60}"
            )
        if getattr(function, "reduction", "mean") == "none":
            raise CircuitError(
                "a criterion with reduction='none' answers a number for each row; give "
                "loss=lambda outputs, labels: criterion(outputs, labels).mean()"
            )
        called = type(function).__name__
        name = called if called in _MEANINGS else _FUNCTIONS.get(getattr(function, "__name__", ""))
        meaning = _MEANINGS[name](function) if name else OwnLoss()
        return cls(function, name or "", meaning)

    def but(self, **changes: Any) -> Criterion:
        return replace(self, **changes)

    def __call__(self, scores: Any, labels: Any) -> Any:
        """The loss of a batch, a tensor of one number."""
        labels = self.fitted(scores, self.restored(labels))
        if self.scores:
            scores = SCORES[self.scores](scores)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that shapes differ is found, and said once
            return self.function(scores, labels)

    def restored(self, labels: Any) -> Any:
        """Labels as the user's loader gives them."""
        if self.given is None:
            return labels
        shape, dtype = self.given
        return labels.reshape(len(labels), *shape).to(dtype)

    def fitted(self, scores: Any, labels: Any) -> Any:
        """Labels of the user as the function takes them, for these scores."""
        return LABELS[self.labels](scores, labels) if self.labels else labels

    @property
    def summed(self) -> bool:
        """Whether it adds up over the rows of a batch, in place of their mean."""
        return getattr(self.function, "reduction", "mean") == "sum"

    def read(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs as scores that `meaning` reads, which are no probabilities."""
        if self.name != "BCELoss":
            return outputs
        p = np.clip(outputs, _SMALL, 1.0 - _SMALL)
        return np.log(p / (1.0 - p))

    def metrics(self, scores: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """What is worth reading beside the loss of scores: {} where nothing is."""
        with np.errstate(all="ignore"):
            try:
                prepared = self.meaning.prepare(labels, scores.shape)
                found = self.meaning.metrics(Unit(scores), Unit(prepared))
            except CircuitError:  # of pictures of labels, say, which PyTorch takes
                return {}
        return {name: float(unit.value) for name, unit in found.items()}


def cross_entropy() -> Criterion:
    """The criterion of several classes, of their scores."""
    return Criterion.of(torch.nn.CrossEntropyLoss())
