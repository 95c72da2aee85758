"""Training by a force: a rule for how hard to pull on each score, with no loss to begin with.

A force specification and a loss are two ways to see one problem: the pull is the negative gradient
of the cost. Here the pull is what is given, and the cost is made so that its gradient is that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.gate import constant
from pullback.core.unit import Unit
from pullback.gates.elementary import abs, stop_gradient
from pullback.losses.labels import numbers, refuse_not_finite
from pullback.losses.loss import Loss
from pullback.losses.rows import in_dtype_of, mean_of_row, sum_of_row


@final
@dataclass(frozen=True)
class Force(Loss):
    """A loss made of a force: the gradient of each row's cost by its scores is minus the pull.

    `function(scores, labels)` gives the pulls, of the scores' shape, positive upwards; it is
    written in gates and arithmetic, for wires. Its pulls are pegs: no gradient flows through them.
    The value of a cost is the mean size of the row's pulls, which is 0 where nothing pulls any
    more; its slope is not the pull, so a gradient check does not apply. `like` is a loss that takes
    the same labels: it refuses wrong ones, weighs the classes, and gives the metrics.

    Raises `CircuitError` where the pulls have not the scores' shape.
    Source: the guide, "Support Vector Machine 'Force Specification'".

    >>> def towards(scores, labels):
    ...     return labels - scores
    >>> scores = Unit([1.0, 5.0])
    >>> loss = Force(towards)(scores, [2.0, 2.0])
    >>> loss.backward(-2.0)  # a mean of two rows
    >>> float(loss.value), scores.grad
    (2.0, array([ 1., -3.]))
    """

    potential: ClassVar[bool] = False
    function: Callable[[Unit, Unit], Any]
    like: Loss | None = None

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise CircuitError(
                f"a force is a function of scores and labels to pulls, got {self.function!r}"
            )
        if self.like is not None and not isinstance(self.like, Loss):
            raise CircuitError(f"a force is like a Loss, such as Hinge(), got {self.like!r}")

    def __repr__(self) -> str:
        name = getattr(self.function, "__name__", repr(self.function))
        return f"Force({name})" if self.like is None else f"Force({name}, like={self.like!r})"

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        if self.like is not None:
            return self.like.prepare(labels, shape)
        array = numbers(labels, "labels", "they must be numbers; encode them first")
        if array.shape[:1] != shape[:1]:
            raise CircuitError(f"{shape[0]} rows of scores need as many labels, got {array.shape}")
        refuse_not_finite(array)
        return array

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        pulls = self.function(scores, labels)
        pulls = pulls if isinstance(pulls, Unit) else constant(pulls, "what the force gives")
        if pulls.shape != scores.shape:
            raise CircuitError(
                f"a force gives one pull for each score: {self!r} must give pulls of shape "
                f"{scores.shape}, got {pulls.shape}"
            )
        pulls = stop_gradient(in_dtype_of(pulls, scores))
        work = -sum_of_row(pulls * scores)
        return work - stop_gradient(work) + mean_of_row(abs(pulls))

    def row_weights(self, scores: Unit, labels: Unit) -> Unit | None:
        return None if self.like is None else self.like.row_weights(scores, labels)

    def of_rows(self, scores: Unit, labels: Unit) -> Mapping[str, Unit]:
        return {} if self.like is None else self.like.of_rows(scores, labels)
