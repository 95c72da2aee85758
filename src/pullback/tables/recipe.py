"""In: what a person asked for, and the task. Out: a model, a loss and an optimizer, still to train.

What was not asked for is chosen here. The choices do well on the built-in data sets; they are plain
enough to be told in one line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.layers import Sequential
from pullback.layers.activations import ACTIVATIONS
from pullback.losses import L2, LOSSES, Loss, Penalty, balanced_class_weights
from pullback.losses.loss import fitting
from pullback.metrics.calibration import METHODS, Method
from pullback.metrics.threshold import refuse_criterion
from pullback.optim import OPTIMIZERS, Optimizer
from pullback.tables.dataset import Dataset
from pullback.tables.parts import multilayer
from pullback.train.settings import Settings, checked, named, refuse_others

MODELS = {
    "linear": "logistic, softmax or linear regression",
    "svm": "a linear support vector machine",
    "mlp": "a network with hidden layers",
}
HIDDEN = {"classification": (256,), "regression": (64, 64)}
_RATES = {"classification": 0.1, "regression": 0.003}  # of SGD
_SVM_RATE = 0.01
_STRENGTH = 3e-4  # of the springs on weights of a classifier
_SPRINGS = (10.0, 0.03)  # in regression they weigh as much as so many rows, up to this strength
_MOMENTUM = 0.9
_CLIP = 5.0  # so far from where it can learn, a gradient tells the direction and not the length
_FEW_INPUTS = 64  # beyond them, the first steps must be the smaller, the more there are
_MOST_PARAMETERS = 100_000_000
_EPOCHS = (40, 400)
_STEPS = 2000  # that small data get, in epochs up to the most


@dataclass(frozen=True)
class Recipe(Settings):
    """How to learn from a table, as it was asked for; None where it is left to `prepared`."""

    optimizer: str = "SGD"
    batch_size: int = 32
    model: str = "mlp"
    hidden: tuple[int, ...] | None = None
    activation: str | None = None
    dropout: float | None = None
    loss: str | None = None
    label_smoothing: float | None = None
    mixup: float | None = None
    balanced: bool = False
    sampling: str | None = None
    threshold: str | None = None
    calibrate: Method | None = None

    def checked(self) -> Recipe:
        """The recipe with all names as they are registered.

        Raises `CircuitError` for the first thing that no task could be learned with.
        """
        named("model", self.model, MODELS)
        recipe = checked(self)
        if self.dropout is not None and not 0.0 <= self.dropout < 1.0:
            raise CircuitError(f"--dropout is a share from 0 to below 1, got {self.dropout}")
        if self.model != "mlp":
            options = {x: f"--{x}" for x in ("hidden", "activation", "dropout")}
            none = f"is for hidden layers, and the model {self.model!r} has none; use --model mlp"
            refuse_others(self, options, none)
        loss = self.loss and named("loss", self.loss, LOSSES)
        if loss and self.model == "svm" and not LOSSES[loss].reading.hinge:
            hinges = [name for name, kind in LOSSES.items() if kind.reading.hinge]
            raise CircuitError(
                f"a support vector machine learns by a hinge, {_or(hinges)}; {loss} needs "
                "--model linear or mlp"
            )
        if self.label_smoothing is not None and not 0.0 <= self.label_smoothing < 1.0:
            raise CircuitError(
                f"--label-smoothing is a share from 0 to below 1, got {self.label_smoothing}"
            )
        if self.mixup is not None and not 0.0 <= self.mixup < np.inf:
            raise CircuitError(f"--mixup is a number of at least 0, as 0.2, got {self.mixup}")
        if self.sampling not in (None, "balanced"):
            raise CircuitError(f"--sampling is balanced or not given, got {self.sampling!r}")
        if self.sampling and self.balanced:
            raise CircuitError(
                "--class-weights and --sampling both let rare classes count for more, and together "
                "they do so twice; give one"
            )
        if self.threshold is not None:
            refuse_criterion(self.threshold)
        method: Any = self.calibrate and named("calibration", self.calibrate, METHODS)
        activation = self.activation and named("activation", self.activation, ACTIVATIONS)
        return replace(recipe, loss=loss, activation=activation, calibrate=method)


@dataclass(frozen=True)
class Plan:
    """All that training needs, chosen for one data set; `loss_name` is the loss's own."""

    model: Sequential
    loss_name: str
    loss: Loss
    optimizer: Optimizer
    l2: float
    epochs: int
    mixup: float

    @property
    def penalties(self) -> list[Penalty]:
        return [L2(self.l2)] if self.l2 else []


def prepared(recipe: Recipe, train: Dataset) -> Plan:
    """The plan for these training rows, by a recipe that was `checked`.

    Raises `CircuitError` where the recipe does not fit the task.
    """
    task, classes, width = train.task, len(train.classes), train.inputs.shape[1]
    loss = loss_of(recipe, task, classes)
    if recipe.balanced and not classes:
        raise CircuitError("--class-weights is for classes, and the task is regression")
    _refuse_unfit(recipe, loss, classes)
    weights = balanced_class_weights(train.labels, classes) if recipe.balanced else None
    more: dict[str, Any] = {} if weights is None else {"class_weights": weights}
    if recipe.label_smoothing is not None:
        if not can_smooth(loss):
            smooth = " or ".join(name for name in fitting(task, classes) if can_smooth(name))
            cure = f"; use --loss {smooth}" if smooth else ""
            raise CircuitError(f"--label-smoothing is not for {loss}{cure}")
        more["label_smoothing"] = recipe.label_smoothing
    strength = _strength(task, len(train)) if recipe.l2 is None else recipe.l2
    outputs = LOSSES[loss].reading.outputs(classes)
    hidden = _sizes(recipe, task)
    widths = [width, *hidden, outputs]
    count = sum((a + 1) * b for a, b in pairwise(widths))
    if count > _MOST_PARAMETERS:
        raise CircuitError(
            f"the model would have {count:,} parameters; make --hidden smaller, for at most "
            f"{_MOST_PARAMETERS:,}"
        )
    steps = -(-len(train) // recipe.batch_size)
    first, most = _EPOCHS
    return Plan(
        multilayer(
            hidden, recipe.activation or "ReLU", recipe.dropout or 0.0, outputs, recipe.seed, "he"
        ),
        loss,
        LOSSES[loss](**more),
        _optimizer(recipe, task, width),
        strength,
        recipe.epochs or min(max(first, -(-_STEPS // steps)), most),
        recipe.mixup or 0.0,
    )


def can_smooth(loss: str) -> bool:
    """Whether the loss of this name smooths labels."""
    return hasattr(LOSSES[loss], "label_smoothing")


def loss_of(recipe: Recipe, task: str, classes: int) -> str:
    """The name of the loss, if it fits the task.

    Raises `CircuitError` where it does not.
    """
    if recipe.model == "svm" and task == "regression":
        raise CircuitError(
            "a support vector machine tells classes apart, and the task is regression; use --model "
            "linear or mlp, or --task classification"
        )
    fit = fitting(task, classes)
    if recipe.loss is None:
        if recipe.model == "svm":
            return "Hinge" if classes == 2 else "MulticlassHinge"
        if task == "regression":
            return "SquaredError"
        return "BinaryCrossEntropy" if classes == 2 else "SoftmaxCrossEntropy"
    if recipe.loss not in fit:
        what = f"{task} of {classes} classes" if classes else task
        raise CircuitError(f"the loss {recipe.loss} does not fit {what}; there are: {_or(fit)}")
    return recipe.loss


def _refuse_unfit(recipe: Recipe, loss: str, classes: int) -> None:
    """Refuse what is for classes, for two of them, or for probabilities."""
    for option, value in {
        "--sampling": recipe.sampling,
        "--threshold": recipe.threshold,
        "--calibrate": recipe.calibrate,
    }.items():
        if value is None:
            continue
        if not classes:
            raise CircuitError(f"{option} is for classes, and the task is regression")
        if option == "--threshold" and classes != 2:
            raise CircuitError(f"--threshold is for two classes, and there are {classes}")
        if option != "--sampling" and not LOSSES[loss].reading.probable:
            raise CircuitError(
                f"{option} is for probabilities, which {loss} gives none of; take --loss "
                f"{'BinaryCrossEntropy' if classes == 2 else 'SoftmaxCrossEntropy'}"
            )


def _strength(task: str, rows: int) -> float:
    return _STRENGTH if task == "classification" else min(_SPRINGS[0] / rows, _SPRINGS[1])


def _sizes(recipe: Recipe, task: str) -> tuple[int, ...]:
    """The sizes of the hidden layers."""
    return (recipe.hidden or HIDDEN[task]) if recipe.model == "mlp" else ()


def _optimizer(recipe: Recipe, task: str, width: int) -> Optimizer:
    make, rate = OPTIMIZERS[recipe.optimizer], recipe.learning_rate
    if recipe.optimizer != "SGD":
        return make() if rate is None else make(rate)
    if rate is None:
        rate = _SVM_RATE if recipe.model == "svm" else _RATES[task]
        rate *= min(1.0, _FEW_INPUTS / width)
    return make(rate, momentum=_MOMENTUM, clip_norm=_CLIP)


def _or(names: Iterable[str]) -> str:
    return ", ".join(names)
