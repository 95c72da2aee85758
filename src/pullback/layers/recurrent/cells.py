"""In: an element of a sequence, and what the steps before left. Out: what this step leaves.

A cell is one step of a recurrent layer, as a layer of its own: `cell(x, *state)` answers the next
state. What it answers behind that is kept for the gradient, which would compute it again otherwise.
A `Recurrent` runs a cell over whole sequences; alone it goes step by step.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.elementary import relu, sigmoid, tanh
from pullback.gates.linear import matmul
from pullback.layers.arguments import count, float_dtype, number_between
from pullback.layers.initializers import Initializer
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.start import (
    InitializerLike,
    find_initializer,
    plain_initializer,
)
from pullback.layers.training import Training

ACTIVATIONS = ("tanh", "relu")


class Cell(Layer):
    """What the cells share: products of x and of the first state, for all gates side by side.

    Shapes: x (rows, n), weight (n, gates * units), recurrent (units, gates * units), bias
    (gates * units,), each state (rows, units). The matrix of each gate is drawn by itself.
    """

    takes = None
    gates = 1  # products of x, and of the first state
    states = 1
    gate_names: tuple[str, ...] = ()  # of what it answers behind the state, side by side

    def __init__(
        self,
        units: int,
        initializer: InitializerLike,
        recurrent_initializer: InitializerLike,
        dtype: str,
        name: str,
        rng: Rng,
        **config: Any,
    ) -> None:
        kind = type(self).__name__
        self.units = count(kind, "unit", units)
        super().__init__(
            name,
            rng,
            units=self.units,
            **config,
            initializer=plain_initializer(initializer),
            recurrent_initializer=plain_initializer(recurrent_initializer),
            dtype=float_dtype(kind, dtype),
        )
        self.initializer = find_initializer(initializer)
        self.recurrent_initializer = find_initializer(recurrent_initializer)
        self.weight: Unit | None = None
        self.recurrent: Unit | None = None

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """The number of units of each piece of state; the first of them is the output."""
        return (self.units,) * self.states

    def make_weights(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        """Make what multiplies x, of this shape, and the first state."""

        def side_by_side(initializer: Initializer) -> Callable[[tuple[int, ...]], np.ndarray]:
            def draw(shape: tuple[int, ...]) -> np.ndarray:
                one = shape[0], self.units
                return np.hstack([initializer(one, rng) for _ in range(self.gates)])

            return draw

        n, width = self.size_of_last_axis(shape), self.gates * self.units
        draw, draw_recurrent = map(side_by_side, (self.initializer, self.recurrent_initializer))
        self.weight = self.parameter("weight", (n, width), draw, weight=True)
        self.recurrent = self.parameter(
            "recurrent", (self.units, width), draw_recurrent, weight=True
        )

    def apply(self, x: Unit, *state: Unit, training: Training | None) -> Any:
        assert self.weight is not None
        if x.ndim != 2:
            raise CircuitError(
                f"layer {self.name!r} takes one step at a time, (rows, {self.weight.shape[0]}), "
                f"got {x.shape}; a Recurrent runs it over sequences"
            )
        self.check_last_axis(x, self.weight.shape[0])
        wanted = [(x.shape[0], units) for units in self.state_sizes]
        if not state:
            dtype = np.result_type(x.dtype, self.weight.dtype)
            state = tuple(Unit(np.zeros(shape, dtype), "state") for shape in wanted)
        if [unit.shape for unit in state] != wanted:
            raise CircuitError(
                f"layer {self.name!r} expects behind x a state of shape "
                f"{' and one of '.join(map(str, wanted))}, or nothing for zeros, got "
                f"{', '.join(str(unit.shape) for unit in state)}"
            )
        return self.step(matmul(x, self.weight), *state)

    @abstractmethod
    def step(self, product: Unit, *state: Unit) -> Any:
        """The next state, of the product of x and of the state before, and what is kept besides."""


@final
@register
class RNNCell(Cell):
    """One step of a plain recurrent network.

        h' = tanh(x @ weight + bias + h @ recurrent)

    Shapes: x (rows, n), h (rows, units), by default zeros; weight (n, units), recurrent
    (units, units), bias (units,). `activation` is "tanh" or "relu", behind which the cell answers
    what was rectified as well, for the gradient. `initializer` draws the weight, and
    `recurrent_initializer` the other, each as in `Dense`.

    Raises `CircuitError` where x or h has another shape, and for any other activation.
    Source: Elman, "Finding structure in time" (Cognitive Science 14, 1990).

    >>> cell = RNNCell(3)
    >>> h = cell([[1.0, 2.0]])
    >>> cell([[0.5, 1.0]], h).shape
    (1, 3)
    """

    def __init__(
        self,
        units: int,
        activation: str = "tanh",
        *,
        initializer: InitializerLike = "glorot",
        recurrent_initializer: InitializerLike = "orthogonal",
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        if activation not in ACTIVATIONS:
            raise CircuitError(
                f"a recurrent network's activation is one of {', '.join(ACTIVATIONS)}, got "
                f"{activation!r}"
            )
        super().__init__(
            *(units, initializer, recurrent_initializer, dtype, name, rng), activation=activation
        )
        self.bias: Unit | None = None

    def build(self, shape: tuple[int, ...], *states: Any, rng: np.random.Generator) -> None:
        self.make_weights(shape, rng)
        self.bias = self.parameter("bias", (self.units,), np.zeros)

    def step(self, product: Unit, *state: Unit) -> Any:
        z = product + self.bias + matmul(state[0], self.recurrent)
        return tanh(z) if self.config["activation"] == "tanh" else (relu(z), z)


@final
@register
class GRUCell(Cell):
    """One step of a gated recurrent unit.

        reset, update = sigmoid(x @ weight + bias + h @ recurrent)   the first two thirds of columns
        new = tanh(x @ weight + bias + reset * (h @ recurrent + recurrent_bias))          the others
        h' = update * h + (1 - update) * new

    The reset gate scales the recurrent product, as in cuDNN and PyTorch, whence that has a bias of
    its own. Shapes: x (rows, n), h (rows, units), by default zeros; weight (n, 3 * units),
    recurrent (units, 3 * units), bias (3 * units,), recurrent_bias (units,). Answers h' and, for
    the gradient, the gates, the new values and the product. Initializers as in `RNNCell`.

    Raises `CircuitError` where x or h has another shape.
    Source: Cho and others, "Learning phrase representations using RNN encoder-decoder for
    statistical machine translation" (EMNLP 2014).

    >>> h, *_ = GRUCell(3)([[1.0, 2.0]])
    >>> h.shape
    (1, 3)
    """

    gates = 3
    gate_names = ("reset", "update")

    def __init__(
        self,
        units: int,
        *,
        initializer: InitializerLike = "glorot",
        recurrent_initializer: InitializerLike = "orthogonal",
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        super().__init__(units, initializer, recurrent_initializer, dtype, name, rng)
        self.bias: Unit | None = None
        self.recurrent_bias: Unit | None = None

    def build(self, shape: tuple[int, ...], *states: Any, rng: np.random.Generator) -> None:
        self.make_weights(shape, rng)
        self.bias = self.parameter("bias", (3 * self.units,), np.zeros)
        self.recurrent_bias = self.parameter("recurrent_bias", (self.units,), np.zeros)

    def step(self, product: Unit, *state: Unit) -> Any:
        (h,), two = state, 2 * self.units
        given, again = product + self.bias, matmul(h, self.recurrent)
        gates = sigmoid(given[:, :two] + again[:, :two])
        reset, update = gates[:, : self.units], gates[:, self.units :]
        inner = again[:, two:] + self.recurrent_bias
        new = tanh(given[:, two:] + reset * inner)
        return new + update * (h - new), gates, new, inner


@final
@register
class LSTMCell(Cell):
    """One step of a long short-term memory.

        i, f, o = sigmoid(z), new = tanh(z), z = x @ weight + bias + h @ recurrent
        c' = f * c + i * new
        h' = o * tanh(c')

    of the quarters of z in this order. Shapes: x (rows, n), h and c (rows, units), by default
    zeros; weight (n, 4 * units), recurrent (units, 4 * units), bias (4 * units,), which starts at
    zero but for `forget_bias` at f: at first, the cell forgets little. Answers h', c' and, for the
    gradient, the gates, the new values and tanh(c'). Initializers as in `RNNCell`.

    Raises `CircuitError` where x or the state has another shape.
    Source: Hochreiter and Schmidhuber, "Long short-term memory" (Neural Computation 9, 1997); Gers,
    Schmidhuber, Cummins, "Learning to forget" (Neural Computation 12, 2000).

    >>> cell = LSTMCell(3)
    >>> h, c, *_ = cell([[1.0, 2.0]])
    >>> h, c, *_ = cell([[0.5, 1.0]], h, c)
    >>> h.shape, c.shape
    ((1, 3), (1, 3))
    """

    gates = 4
    states = 2
    gate_names = ("input", "forget", "output")

    def __init__(
        self,
        units: int,
        forget_bias: float = 1.0,
        *,
        initializer: InitializerLike = "glorot",
        recurrent_initializer: InitializerLike = "orthogonal",
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        super().__init__(
            *(units, initializer, recurrent_initializer, dtype, name, rng),
            forget_bias=number_between("LSTMCell", "forget_bias", forget_bias, -np.inf),
        )
        self.bias: Unit | None = None

    def build(self, shape: tuple[int, ...], *states: Any, rng: np.random.Generator) -> None:
        self.make_weights(shape, rng)
        start = np.repeat([0.0, self.config["forget_bias"], 0.0, 0.0], self.units)
        self.bias = self.parameter("bias", start.shape, lambda shape: start)

    def step(self, product: Unit, *state: Unit) -> Any:
        (h, c), n = state, self.units
        z = product + self.bias + matmul(h, self.recurrent)
        gates, new = sigmoid(z[:, : 3 * n]), tanh(z[:, 3 * n :])
        i, f, o = (gates[:, k * n : (k + 1) * n] for k in range(3))
        c = f * c + i * new
        squashed = tanh(c)
        return o * squashed, c, gates, new, squashed
