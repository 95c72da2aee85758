"""In: an energy and the inputs of a call. Out: what a model of energy answers. One way a class."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.gradient import gradient
from pullback.core.unit import Unit
from pullback.gates.comparison import less
from pullback.gates.elementary import sigmoid, stop_gradient
from pullback.gates.loop import loop
from pullback.gates.shape import astype, broadcast_to, reshape, stack
from pullback.layers.training import Training
from pullback.models.energy.energy_model import Energy

Sampler = Callable[[Energy, tuple[Unit, ...], Training], Unit]


@final
@dataclass(frozen=True, eq=False)
class Enumeration:
    """The scores -E(x, y) of all y that there are, (rows, count): a softmax makes them likelihoods.

    `values` (count, ...) are all y; the model takes x and is trained with `SoftmaxCrossEntropy`,
    whose labels are the number of the right y: its cost is E(x, y) + logsumexp(-E(x, all y)), the
    exact negative log-likelihood.

    Raises `CircuitError` where there are no values.
    """

    values: Any

    def __post_init__(self) -> None:
        values = np.asarray(self.values, np.float64)
        if not values.ndim or not len(values):
            raise CircuitError(f"an Enumeration needs all values of y, got {self.values!r}")
        object.__setattr__(self, "values", values)

    def __call__(self, energy: Energy, inputs: tuple[Unit, ...], training: Training | None) -> Unit:
        (x,) = inputs
        rows, count = x.shape[0], len(self.values)
        xs = broadcast_to(reshape(x, (rows, 1, *x.shape[1:])), (rows, count, *x.shape[1:]))
        shape = (rows, *self.values.shape)
        dtype = x.dtype if x.dtype.kind == "f" else np.float32
        ys = np.broadcast_to(self.values.astype(dtype), shape)
        every = energy(
            reshape(xs, (rows * count, *x.shape[1:])),
            Unit(ys.reshape(rows * count, *shape[2:]), "y"),
        )
        return -reshape(every, (rows, count))


@final
@dataclass(frozen=True)
class Descent:
    """The y that is left after `steps` steps of y - rate * dE(x, y)/dy, from a y to begin with.

    The model takes x, where y begins as x itself, or x and that y; it is trained with any loss of
    y, such as `SquaredError`, through all the steps: their gradient is of second order in E. With
    `unrolled`, each step has gates of its own, and not those of one `loop`.

    Raises `CircuitError` for no whole number of steps from 1, or a rate that is not positive.
    Source: Domke, "Generic methods for optimization-based modeling" (AISTATS 2012); Belanger and
    McCallum, "Structured prediction energy networks" (ICML 2016).
    """

    steps: int = 5
    rate: float = 0.1
    unrolled: bool = False

    def __post_init__(self) -> None:
        _refuse_steps(self.steps)
        if not 0.0 < self.rate < math.inf:
            raise CircuitError(f"a rate of descent must be positive and finite, got {self.rate}")

    def __call__(self, energy: Energy, inputs: tuple[Unit, ...], training: Training | None) -> Unit:
        x, *others = inputs
        # A wire of its own: the slope by y is not that by x.
        y = others[0] if others else x + 0.0
        if not energy.layer.built:  # its parameters are made outside of the loop
            energy(x, y)

        def step(y: Unit) -> Unit:
            return y - self.rate * gradient(energy(x, y).sum(), y)

        if not self.unrolled:
            (ys,) = loop(step, y, (), length=self.steps)
            return ys[-1]
        for _ in range(self.steps):
            y = step(y)
        return y


@final
@dataclass(frozen=True)
class ContrastiveDivergence:
    """Two energies a row, (rows, 2): of the y that was seen, and of one that the model makes of it.

    The model takes y, or x and y, and is trained with `EnergyGap`. What it makes is the y seen
    after `steps` rounds of sampling, and no gradient flows through them. A `sampler` makes a round:
    a function of the energy, the inputs and a `Training`, which answers the next y; by default
    `flip_bits`. In prediction, chance is that of seed 0 and step 0.

    Raises `CircuitError` for no whole number of steps from 1.
    Source: Hinton, "Training products of experts by minimizing contrastive divergence" (Neural
    Computation 14, 2002).
    """

    steps: int = 1
    sampler: Sampler | None = None

    def __post_init__(self) -> None:
        _refuse_steps(self.steps)

    def __call__(self, energy: Energy, inputs: tuple[Unit, ...], training: Training | None) -> Unit:
        *given, seen = inputs
        chance = training or Training()
        seen_energy = energy(*inputs)
        made = seen
        for _ in range(self.steps):
            made = (self.sampler or flip_bits)(energy, (*given, made), chance)
        return stack([seen_energy, energy(*given, stop_gradient(made))], axis=1)


def flip_bits(energy: Energy, inputs: tuple[Unit, ...], training: Training) -> Unit:
    """A round of Gibbs sampling of a y of zeros and ones, (rows, bits), under exp(-E).

    Each bit in turn is 1 with its probability given all others, sigmoid(E with 0 - E with 1): this
    needs nothing of the energy but its value, twice for each bit.
    Source: Geman and Geman, "Stochastic relaxation, Gibbs distributions, and the Bayesian
    restoration of images" (PAMI 6, 1984).
    """
    *given, y = inputs
    if y.ndim != 2:
        raise CircuitError(f"flip_bits needs a y of shape (rows, bits), got {y.shape}")
    rows, bits = y.shape
    drawn = training.random((bits, rows, 1), dtype=y.dtype)
    places = np.eye(bits, dtype=y.dtype).reshape(bits, 1, bits)

    def step(y: Unit, place: Unit, chance: Unit) -> Unit:
        without = y * (1.0 - place)
        lead = energy(*given, without) - energy(*given, without + place)
        one = less(chance, reshape(sigmoid(lead), (rows, 1)))
        return without + place * astype(one, y.dtype)

    (ys,) = loop(step, y, (places, drawn))
    return ys[-1]


def _refuse_steps(steps: Any) -> None:
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1:
        raise CircuitError(f"steps are a whole number of at least 1, got {steps!r}")
