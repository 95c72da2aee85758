"""In: an energy circuit E(x, y) and a way to infer y. Out: a model that any Trainer trains.

What an inference answers is what a loss takes: energies of all that y can be, for a softmax; those
of the links of a chain, of which a recursion knows the best and the sum over all; a y that was
found by going downhill, to be compared with the right one; or two energies, of what was seen and of
what the model takes for it, whose difference is the loss.
"""

from __future__ import annotations

from typing import Any, Protocol, final

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.layers.composite import Composite
from pullback.layers.layer import Layer, Rng
from pullback.layers.training import Training


class Inference(Protocol):
    """How a model finds y: what it answers for inputs, and what is needed of the energy."""

    def __call__(self, energy: Energy, inputs: tuple[Unit, ...], training: Training | None) -> Any:
        """The answer for the inputs of a call."""
        ...


class Energy:
    """The energy circuit in one call of a model: E(x, y), one number a row."""

    def __init__(self, layer: Layer, training: Training | None) -> None:
        self.layer = layer
        self.training = training

    def __call__(self, *inputs: Any) -> Unit:
        y = self.layer(*inputs, training=self.training)
        if not isinstance(y, Unit) or y.shape != inputs[-1].shape[:1]:
            what = f"a wire of shape {y.shape}" if isinstance(y, Unit) else f"{len(y)} wires"
            raise CircuitError(
                f"an energy is one number a row, of shape ({inputs[-1].shape[0]},); layer "
                f"{self.layer.name!r} answers {what}"
            )
        return y


@final
class EnergyModel(Composite):
    """What an inference answers with an energy E(x, y), which a layer of two inputs computes.

    `energy` is a layer, often a `Model`, that answers one number a row, shape (rows,); it may take
    y alone. `inference` is an `Enumeration`, a `Viterbi`, a `Descent`, or a
    `ContrastiveDivergence`: each says what the model takes and answers, and with which loss it is
    trained.

    A function cannot be in a file: see `Model`, whose way of saving is this one's too.

    Raises `CircuitError` where the energy is not one number a row.
    Source: LeCun, Chopra, Hadsell, Ranzato, Huang, "A tutorial on energy-based learning" (2006).

    >>> from pullback.layers import Dense, Model
    >>> from pullback.models import Enumeration
    >>> def energy(layers, x, y, training):
    ...     apart = layers.dense(x, training=training) - y
    ...     return (apart * apart).sum(axis=1)
    >>> model = EnergyModel(Model(energy, dense=Dense(2)), Enumeration([[0, 1], [1, 0], [1, 1]]))
    >>> model([[1.0, 2.0, 3.0]]).shape  # scores for a softmax: -E of each y
    (1, 3)
    """

    def __init__(
        self, energy: Layer, inference: Inference, *, name: str = "", rng: Rng = None
    ) -> None:
        if not callable(inference) or isinstance(inference, type):
            raise CircuitError(f"an EnergyModel needs an inference, got {inference!r}")
        super().__init__([energy], name, rng, names=["energy"])
        self.inference = inference

    def apply(self, *inputs: Unit, training: Training | None) -> Any:
        return self.inference(Energy(self.layers[0], training), inputs, training)

    def __repr__(self) -> str:
        return f"EnergyModel({self.layers[0]!r}, {self.inference!r})"
