"""In: an energy and the inputs of a call. Out: what a model of energy answers. One way a class."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.finite import is_finite
from pullback.core.gradient import gradient
from pullback.core.unit import Unit
from pullback.core.values import plain_array
from pullback.core.walk import order
from pullback.gates.comparison import less
from pullback.gates.elementary import sigmoid, stop_gradient
from pullback.gates.loop import loop
from pullback.gates.shape import as_floats, astype, broadcast_to, concatenate, reshape, stack
from pullback.layers.training import Training
from pullback.models.energy.energy_model import Energy
from pullback.optim.checks import positive

Sampler = Callable[[Energy, tuple[Unit, ...], Training], Unit]


@final
@dataclass(frozen=True, eq=False)
class Enumeration:
    """The scores -E(x, y) of all y that there are, (rows, count): a softmax makes them likelihoods.

    `values` (count, ...) are all y; the model takes x and is trained with `SoftmaxCrossEntropy`,
    whose labels are the number of the right y: its cost is E(x, y) + logsumexp(-E(x, all y)), the
    exact negative log-likelihood.

    Raises `CircuitError` where there are no values, or one is not finite, and for any input but x.
    """

    values: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _all_values("an Enumeration", self.values))

    def __call__(self, energy: Energy, inputs: tuple[Unit, ...], training: Training | None) -> Unit:
        (x,) = _given("an Enumeration", inputs, "x")
        rows, count = x.shape[0], len(self.values)
        each = rows, count
        xs = _spread(reshape(x, (rows, 1, *x.shape[1:])), each)
        ys = _spread(_constant(self.values[None], x), each).named("y")
        return -reshape(energy(xs, ys), each)


@final
@dataclass(frozen=True, eq=False)
class Viterbi:
    """The scores -E of all links of a chain, (rows, steps + 1, count, count), for losses of chains.

        E(x, y) = sum over t of energy(x[t], y[t - 1], y[t])

    is the energy of a chain y, whose best and whose likelihood a recursion over the steps finds.
    `values` (count, ...) are all that y can be at a step, such as `np.eye(count)`, one for each
    tag. The model takes x (rows, steps, ...); the energy takes x at a step, what y was before and
    what it is, and answers one number a row. Before the first step, y was zeros: an energy can tell
    the start where no value is that. Labels (rows, steps) are the numbers of the right values, and
    -1 behind a row's end. Train it with `ChainCrossEntropy`, the exact negative log-likelihood,
    `ChainPerceptron` or `ChainHinge`; `pullback.sequences.decoding.viterbi` finds the y of least
    energy. Where an energy is a sum of what x says of y and of what follows what, a `CRF` is the
    same for less work.

    Raises `CircuitError` as an `Enumeration` does, and for an x without steps.
    Source: Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding
    algorithm" (1967); LeCun and others, "A tutorial on energy-based learning" (2006).

    >>> from pullback.layers import Dense, Model
    >>> from pullback.models import EnergyModel
    >>> def energy(layers, x, before, y, training):
    ...     return (y * (layers.dense(x) + layers.again(before))).sum(axis=1)
    >>> model = EnergyModel(Model(energy, dense=Dense(2), again=Dense(2)), Viterbi(np.eye(2)))
    >>> model(np.ones((1, 4, 3))).shape
    (1, 5, 2, 2)
    """

    values: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _all_values("a Viterbi", self.values))

    def __call__(self, energy: Energy, inputs: tuple[Unit, ...], training: Training | None) -> Unit:
        (x,) = _given("a Viterbi", inputs, "x")
        if x.ndim < 2 or not x.shape[1]:
            raise CircuitError(f"a chain needs an x of shape (rows, steps, ...), got {x.shape}")
        rows, steps = x.shape[:2]
        count, own = len(self.values), self.values.shape[1:]
        before = np.zeros((1, steps, count, 1, *own))
        before[:, 1:] = self.values[:, None]
        each = rows, steps, count, count
        xs = _spread(reshape(x, (rows, steps, 1, 1, *x.shape[2:])), each)
        befores = _spread(_constant(before, x), each).named("before")
        ys = _spread(_constant(self.values[None, None, None], x), each).named("y")
        links = energy(xs, befores, ys)
        end = np.zeros((rows, 1, count, count), links.dtype)  # a chain may end with any
        return concatenate([-reshape(links, each), end], axis=1)


@final
@dataclass(frozen=True)
class Descent:
    """The y that is left after `steps` steps of y - rate * dE(x, y)/dy, from a y to begin with.

    The model takes x, where y begins as x itself, or x and that y; it is trained with any loss of
    y, such as `SquaredError`, through all the steps: their gradient is of second order in E. With
    `unrolled`, each step has gates of its own, and draws of its own where E is random, and not
    those of one `loop`.

    Raises `CircuitError` for no whole number of steps from 1, or a rate that is not positive; for
    other inputs; and for an energy that remembers y, as a `BatchNorm` does, unless unrolled.
    Source: Domke, "Generic methods for optimization-based modeling" (AISTATS 2012); Belanger and
    McCallum, "Structured prediction energy networks" (ICML 2016).
    """

    steps: int = 5
    rate: float = 0.1
    unrolled: bool = False

    def __post_init__(self) -> None:
        _refuse_steps(self.steps)
        positive("a rate of descent", self.rate)

    def __call__(self, energy: Energy, inputs: tuple[Unit, ...], training: Training | None) -> Unit:
        x, *others = _given("a Descent", inputs, "x", "y")
        # A wire of its own: the slope by y is not that by x.
        y = others[0] if others else x + 0.0
        if not energy.layer.built:  # its parameters are made outside of the loop
            energy(x, y)

        def step(y: Unit) -> Unit:
            made = y - self.rate * gradient(energy(x, y).sum(), y)
            if not self.unrolled:
                _refuse_memory(y, training, "let the Descent be unrolled")
            return made

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

    Raises `CircuitError` for no whole number of steps from 1, for what is no sampler, and where one
    answers a y of another shape.
    Source: Hinton, "Training products of experts by minimizing contrastive divergence" (Neural
    Computation 14, 2002).
    """

    steps: int = 1
    sampler: Sampler | None = None

    def __post_init__(self) -> None:
        _refuse_steps(self.steps)
        if self.sampler is not None and not callable(self.sampler):
            raise CircuitError(f"a sampler is a function such as flip_bits, got {self.sampler!r}")

    def __call__(self, energy: Energy, inputs: tuple[Unit, ...], training: Training | None) -> Unit:
        *given, seen = inputs
        chance = training or Training()
        seen_energy = energy(*inputs)
        made = seen
        for _ in range(self.steps):
            made = (self.sampler or flip_bits)(energy, (*given, made), chance)
        if made.shape != seen.shape:
            raise CircuitError(f"of a y of shape {seen.shape} the sampler made one of {made.shape}")
        return stack([seen_energy, energy(*given, stop_gradient(made))], axis=1)


def flip_bits(energy: Energy, inputs: tuple[Unit, ...], training: Training) -> Unit:
    """A round of Gibbs sampling of a y of zeros and ones, (rows, bits), under exp(-E).

    Each bit in turn is 1 with its probability given all others, sigmoid(E with 0 - E with 1): this
    needs nothing of the energy but its value, twice for each bit.
    Source: Geman and Geman, "Stochastic relaxation, Gibbs distributions, and the Bayesian
    restoration of images" (PAMI 6, 1984).
    """
    *given, y = inputs
    if y.ndim != 2 or not y.shape[1]:
        raise CircuitError(f"flip_bits needs a y of shape (rows, bits), got {y.shape}")
    y = as_floats(y)
    rows, bits = y.shape
    drawn = training.random((bits, rows, 1), dtype=y.dtype)
    places = np.eye(bits, dtype=y.dtype).reshape(bits, 1, bits)

    def step(y: Unit, place: Unit, chance: Unit) -> Unit:
        without = y * (1.0 - place)
        lead = energy(*given, without) - energy(*given, without + place)
        one = less(chance, reshape(sigmoid(lead), (rows, 1)))
        _refuse_memory(y, training, "take a LayerNorm, say, for a BatchNorm")
        return without + place * astype(one, y.dtype)

    (ys,) = loop(step, y, (places, drawn))
    return ys[-1]


def _all_values(kind: str, values: Any) -> np.ndarray:
    """All that y can be, as finite numbers."""
    array = plain_array(values, "values of y")
    if not array.ndim or not len(array) or array.dtype.kind not in "fiub" or not is_finite(array):
        raise CircuitError(f"{kind} needs all values of y, finite numbers, got {values!r}")
    return array.astype(np.float64)


def _given(kind: str, inputs: tuple[Unit, ...], *names: str) -> tuple[Unit, ...]:
    """The inputs of a call, of which the first at least is there, and none too much."""
    if len(inputs) > len(names):
        raise CircuitError(
            f"a model with {kind} takes {' and maybe '.join(names)}, got {len(inputs)} inputs"
        )
    return inputs


def _constant(y: np.ndarray, x: Unit) -> Unit:
    """Values as a wire, in the precision of x."""
    return Unit(y.astype(x.dtype if x.dtype.kind == "f" else np.float32))


def _spread(x: Unit, each: tuple[int, ...]) -> Unit:
    """x, whose first axes are these or 1, with a row for each place of these axes."""
    last = x.shape[len(each) :]
    return reshape(broadcast_to(x, (*each, *last)), (math.prod(each), *last))


def _refuse_memory(y: Unit, training: Training | None, cure: str) -> None:
    """Refuse an energy that remembers y from inside a loop, which cannot hand it over."""
    updates = {} if training is None else training.updates
    for unit, new in updates.items():
        if y in order([new]):
            raise CircuitError(
                f"the energy gives {unit.label} a new value at every step of a loop, which cannot "
                f"hand it over: {cure}"
            )


def _refuse_steps(steps: Any) -> None:
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1:
        raise CircuitError(f"steps are a whole number of at least 1, got {steps!r}")
