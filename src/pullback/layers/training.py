"""In: a seed and a step. Out: what a layer in training may use besides its inputs, and changes.

A layer hides nothing. What is random in it is drawn from the wires `seed` and `step`, which make
the same numbers on every engine; and what it remembers from batch to batch is state, whose next
values it hands over here. So state is what a step returns, and a training step stays one Program.
"""

from __future__ import annotations

import itertools
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit, set_together
from pullback.gates.random import random
from pullback.gates.shape import astype


@final
class Training:
    """One call of a model in training: `model(x, training=Training(seed, step))`.

    `seed` and `step` are whole numbers from 0 to 2**32 - 1, or wires of them: let the step of
    training be a wire, and the same circuit draws anew at every step. After the call, `updates`
    maps each piece of state to the wire of its next value, for the updates of a `Program`. Make a
    new `Training` for every call of the whole model; the layers inside share it. `kept` is the
    share that running statistics keep of themselves, where it is not each layer's own.

    Raises `CircuitError` where seed or step is no such number.

    >>> from pullback.layers import BatchNorm
    >>> layer, training = BatchNorm(), Training()
    >>> y = layer([[1.0], [3.0]], training=training)
    >>> [(state.name, new.value) for state, new in training.updates.items()][0]
    ('batchnorm.mean', array([0.2], dtype=float32))
    """

    def __init__(self, seed: Any = 0, step: Any = 0, *, kept: Unit | None = None) -> None:
        self.seed = _whole_number(seed, "seed")
        self.step = _whole_number(step, "step")
        self.kept = kept
        self.updates: dict[Unit, Unit] = {}
        self._streams = itertools.count()

    def stream(self) -> int:
        """A number that no other draw of this call has: they count up in the order of the calls."""
        return next(self._streams)

    def random(self, shape: tuple[int, ...], *, kind: str = "uniform", dtype: Any = "f8") -> Unit:
        """A wire of random numbers from a stream of its own; `kind` and `dtype` as `pb.random`."""
        return random(shape, self.seed, self.step, stream=self.stream(), kind=kind, dtype=dtype)

    def present(self, state: Unit) -> Unit:
        """What a piece of state has come to in this call: a shared layer updates it repeatedly."""
        return self.updates.get(state, state)

    def update(self, state: Unit, new: Unit) -> None:
        """Hand over the next value of a piece of state, in its own dtype.

        Raises `CircuitError` where the shapes differ.
        """
        if new.shape != state.shape:
            raise CircuitError(f"{state.label} has shape {state.shape}; its next, {new.shape}")
        self.updates[state] = new if new.dtype == state.dtype else astype(new, state.dtype)

    def commit(self) -> None:
        """Give all state its next value now, where no Program does: all of it or none."""
        set_together({state: new.value for state, new in self.updates.items()})


def _whole_number(number: Any, what: str) -> Unit:
    """A wire of an integer, into which no gradient flows."""
    if isinstance(number, Unit):
        return number
    if not isinstance(number, int | np.integer) or not 0 <= number < 2**32:
        raise CircuitError(f"{what} must be a whole number from 0 to 2**32 - 1, got {number!r}")
    return Unit(np.array(number, np.int64), what)
