"""The support vector machine for several classes: the label's score must lead by a margin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.arithmetic import subtract
from pullback.gates.comparison import equal, greater, where
from pullback.gates.elementary import relu
from pullback.gates.reduction import max, sum
from pullback.losses.class_weights import ClassWeights, checked, of_classes, weight_of_each
from pullback.losses.labels import classes
from pullback.losses.loss import Loss, register
from pullback.losses.reading import Reading
from pullback.losses.rows import is_class

Form = Literal["sum", "maximum"]


@final
@register
@dataclass(frozen=True)
class MulticlassHinge(Loss):
    """Over the wrong classes j, the sum or the maximum of max(0, score_j - score_label + margin).

    Shapes: scores (batch, classes), labels (batch,) class numbers, or one-hot (batch, classes).
    `form` is "sum" (Weston and Watkins), which pulls on every class that comes too near, or
    "maximum" (Crammer and Singer), which pulls on the worst of them. `class_weights` has one number
    for each class, or is a mapping from class numbers, where others weigh 1.

    Raises `CircuitError` for another form or a margin that is not positive.
    Source: the guide's outline, "Multiclass: Structured SVM"; Weston and Watkins, "Support vector
    machines for multi-class pattern recognition" (1999); Crammer and Singer, "On the algorithmic
    implementation of multiclass kernel-based vector machines" (2001).

    >>> scores = [[1.0, 0.5, 1.5]]
    >>> losses = MulticlassHinge()(scores, [0]), MulticlassHinge("maximum")(scores, [0])
    >>> tuple(float(loss.value) for loss in losses)
    (2.0, 1.5)
    """

    reading = Reading("classification", hinge=True)
    form: Form = "sum"
    margin: float = 1.0
    class_weights: ClassWeights = None

    def __post_init__(self) -> None:
        _refuse(self.form, self.margin)
        object.__setattr__(self, "class_weights", checked(self.class_weights))

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        found = classes(labels, shape, "multiclass hinge")
        weight_of_each(self.class_weights, range(shape[1]))  # refused now where they do not fit
        return found

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        chosen = is_class(labels, scores)
        gaps = _gaps(scores, chosen, self.margin)
        if self.form == "sum":
            return where(chosen, 0.0, relu(gaps)).sum(axis=1)
        return max(where(chosen, 0.0, gaps), axis=1)

    def row_weights(self, scores: Unit, labels: Unit) -> Unit | None:
        return of_classes(self.class_weights, labels, scores)


def multiclass_hinge_force(
    scores: Any, labels: Any, *, form: Form = "sum", margin: float = 1.0
) -> Any:
    """The pull on each score: -1 on a wrong class that comes too near, and as much up on the label.

    The negative gradient of `MulticlassHinge` by the scores, before the mean over the batch: with
    form "maximum" only the worst class is pulled, and several that tie share the pull. Takes arrays
    or wires, scores (batch, classes) and labels (batch,).
    Source: the guide's outline, "Multiclass: Structured SVM".

    >>> multiclass_hinge_force([[1.0, 0.5, 1.5]], [0])
    array([[ 2., -1., -1.]])
    >>> multiclass_hinge_force([[1.0, 0.5, 1.5]], [0], form="maximum")
    array([[ 1.,  0., -1.]])
    """
    _refuse(form, margin)
    chosen = is_class(labels, scores)
    gaps = _gaps(scores, chosen, margin)
    if form == "sum":
        near = where(greater(gaps, 0.0), 1.0, 0.0)
    else:
        gaps = where(chosen, 0.0, gaps)
        worst = where(equal(gaps, max(gaps, axis=1, keepdims=True)), 1.0, 0.0)
        near = worst / sum(worst, axis=1, keepdims=True)
    down = where(chosen, 0.0, near)
    return subtract(where(chosen, sum(down, axis=1, keepdims=True), 0.0), down)


def _gaps(scores: Any, chosen: Any, margin: float) -> Any:
    """How far each class's score comes into the margin of the label's."""
    own = sum(where(chosen, scores, 0.0), axis=1, keepdims=True)
    return subtract(scores, own) + margin


def _refuse(form: str, margin: float) -> None:
    if form not in ("sum", "maximum"):
        raise CircuitError(f'a multiclass hinge\'s form is "sum" or "maximum", got {form!r}')
    if not 0.0 < margin < np.inf:
        raise CircuitError(f"a margin must be positive and finite, got {margin}")
