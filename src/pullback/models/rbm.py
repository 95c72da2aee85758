"""A restricted Boltzmann machine: hidden units that agree on what a picture is like."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from pullback.core.unit import Unit
from pullback.gates.comparison import less
from pullback.gates.elementary import sigmoid, softplus
from pullback.gates.linear import matmul
from pullback.gates.shape import astype, transpose
from pullback.layers.arguments import count, float_dtype
from pullback.layers.layer import Layer, Rng
from pullback.layers.training import Training
from pullback.models.energy import ContrastiveDivergence, EnergyModel
from pullback.models.energy.energy_model import Energy


@final
class FreeEnergy(Layer):
    """F(v) = -v . bias - sum(softplus(v @ weight + hidden_bias)), one number a row.

    The energy of visible units v (rows, visible) of zeros and ones, with all that the hidden units
    can be summed up: exp(-F(v)) = sum over h of exp(v . bias + h . hidden_bias + v @ weight . h).
    """

    def __init__(
        self, hidden: int, *, dtype: str = "float32", name: str = "", rng: Rng = None
    ) -> None:
        super().__init__(
            name,
            rng,
            hidden=count("FreeEnergy", "hidden unit", hidden),
            dtype=float_dtype("FreeEnergy", dtype),
        )
        self.weight: Unit | None = None
        self.bias: Unit | None = None
        self.hidden_bias: Unit | None = None

    def build(self, shape: tuple[int, ...], *, rng: np.random.Generator) -> None:
        visible, hidden = self.size_of_last_axis(shape), self.config["hidden"]
        self.weight = self.parameter(
            "weight", (visible, hidden), lambda shape: 0.01 * rng.normal(size=shape), weight=True
        )
        self.bias = self.parameter("bias", (visible,), np.zeros)
        self.hidden_bias = self.parameter("hidden_bias", (hidden,), np.zeros)

    def apply(self, v: Unit, *, training: Training | None) -> Unit:
        assert self.weight is not None
        self.check_last_axis(v, self.weight.shape[0])
        return -matmul(v, self.bias) - softplus(self.hidden(v)).sum(axis=-1)

    def hidden(self, v: Any) -> Unit:
        """The logits of the hidden units given the visible ones."""
        return matmul(v, self.weight) + self.hidden_bias

    def visible(self, h: Any) -> Unit:
        """The logits of the visible units given the hidden ones."""
        return matmul(h, transpose(self.weight)) + self.bias


def block_gibbs(energy: Energy, inputs: tuple[Unit, ...], training: Training) -> Unit:
    """A round of Gibbs sampling: all hidden units given the visible ones, then all visible ones."""
    (v,) = inputs
    layer: Any = energy.layer

    def drawn(logits: Unit) -> Unit:
        chance = training.random(logits.shape, dtype=logits.dtype)
        return astype(less(chance, sigmoid(logits)), logits.dtype)

    return drawn(layer.visible(drawn(layer.hidden(v))))


def rbm(hidden: int = 64, *, steps: int = 1, rng: Rng = 0) -> EnergyModel:
    """A restricted Boltzmann machine of so many hidden units, trained by contrastive divergence.

    Its inputs are visible units (rows, visible) of zeros and ones, and so are its labels; its loss
    is `EnergyGap`. `model["energy"](v)` answers the free energy of each row: the lower, the more
    likely. `steps` rounds of Gibbs sampling make what the data are compared with.

    Source: Smolensky, "Information processing in dynamical systems: foundations of harmony theory"
    (1986); Hinton, "Training products of experts by minimizing contrastive divergence" (Neural
    Computation 14, 2002).

    >>> model = rbm(8)
    >>> model(np.ones((3, 5))).shape, model["energy"](np.ones((3, 5))).shape
    ((3, 2), (3,))
    """
    return EnergyModel(FreeEnergy(hidden), ContrastiveDivergence(steps, block_gibbs), rng=rng)
