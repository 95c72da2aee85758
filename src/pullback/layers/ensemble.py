"""Networks that answer together, as one layer."""

from __future__ import annotations

import math
from typing import Any, final

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.elementary import softplus
from pullback.gates.reduction import log_softmax, logsumexp
from pullback.gates.shape import stack
from pullback.layers.composite import Composite
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.training import Training

_AVERAGES = ("scores", "softmax", "sigmoid")


@final
@register
class Ensemble(Composite):
    """The mean of what its members make of the same input.

    `average` says of what the mean is taken. Of "scores": y = mean(z), for the scores z of each
    member. Of "softmax": y = log(mean(softmax(z))), so that softmax(y) is the mean of the members'
    probabilities; of "sigmoid", in the same way, y = log(p / (1 - p)) with p = mean(sigmoid(z)).

    Shapes: what each member gives, (rows, outputs), is the shape of y.
    Raises `CircuitError` for another average, and where the members' outputs are not of one shape.
    Source: Hansen, Salamon, "Neural network ensembles" (1990).

    >>> from pullback.layers import Identity, LeakyReLU, Softmax
    >>> Ensemble(Identity(), LeakyReLU(0.0))([[2.0, -2.0]]).value
    array([[ 2., -1.]])
    >>> sure_and_half_as_sure = Ensemble(Identity(), LeakyReLU(0.0), average="softmax")
    >>> Softmax()(sure_and_half_as_sure([[2.0, -2.0]])).value.round(3)
    array([[0.931, 0.069]])
    """

    def __init__(
        self, *members: Layer, average: str = "scores", name: str = "", rng: Rng = None
    ) -> None:
        if average not in _AVERAGES:
            raise CircuitError(
                f"an Ensemble's average is one of {', '.join(_AVERAGES)}, got {average!r}"
            )
        super().__init__(members, name, rng, average=average)

    def apply(self, *inputs: Unit, training: Training | None) -> Any:
        outputs = [member(*inputs, training=training) for member in self.layers]
        if any(not isinstance(y, Unit) for y in outputs):
            raise CircuitError(f"a member of {self.called!r} has several outputs to average")
        shapes = list(dict.fromkeys(y.shape for y in outputs))
        if len(shapes) > 1:
            shown = ", ".join(map(str, shapes))
            raise CircuitError(f"layer {self.called!r} cannot average outputs of shapes {shown}")
        return of_members(outputs, self.config["average"])


def of_members(scores: list[Unit], average: str) -> Unit:
    """The scores of all together, of those of each."""
    if average == "scores":
        return stack(scores).mean(axis=0)
    if average == "softmax":
        logs = stack([log_softmax(z, axis=-1) for z in scores])
        return logsumexp(logs, axis=0) - math.log(len(scores))
    true, false = (stack([-softplus(sign * z) for z in scores]) for sign in (-1.0, 1.0))
    return logsumexp(true, axis=0) - logsumexp(false, axis=0)
