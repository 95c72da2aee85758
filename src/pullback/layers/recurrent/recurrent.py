"""The layer that runs a cell over sequences, step by step."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.gate import constant
from pullback.core.unit import Unit
from pullback.gates.comparison import where
from pullback.gates.elementary import stop_gradient
from pullback.gates.loop import loop
from pullback.gates.shape import astype, expand_dims, swapaxes
from pullback.layers.calls import watch
from pullback.layers.composite import Composite
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.lengths import counting, refuse_lengths, with_lengths
from pullback.layers.training import Training


@final
@register
class Recurrent(Composite):
    """state[t] = cell(x[t], *state[t - 1]), for all steps t; y[t] is the first piece of state[t].

    Shapes: x (rows, steps, n), lengths (rows,) or not given, y (rows, steps, units), or, with
    `last`, y (rows, units): the output after the last step of each row. The state before the first
    step is zero. Behind a row's end its state stands still, and y is zero; with `reverse` the steps
    run backwards, from each row's own end to the start.

    A cell is a layer, yours or a `Model` too, with `state_sizes`: a tuple of the units of each
    piece of its state. Called as `cell(x, *state)` with x (rows, n) and each piece (rows, units),
    it answers the next state and, if it likes, what its gradient would else compute again.

    With `stateful`, a batch in training begins with the state that the one before it left: give
    long sequences piece by piece, row by row. No gradient flows from piece to piece (truncated
    backpropagation through time); `reset_state` makes the state zero, and a prediction begins at
    zero always.

    Raises `CircuitError` for what is no cell, for `stateful` together with `reverse`, and in
    stateful training for a batch of other rows than the first one had.
    Source: the guide, on recurrent networks; Williams and Peng, "An efficient gradient-based
    algorithm for on-line training of recurrent network trajectories" (Neural Computation 2, 1990).

    >>> from pullback.layers import GRUCell
    >>> layer = Recurrent(GRUCell(4))
    >>> x = np.ones((2, 3, 5))
    >>> layer(x, np.array([3, 1])).value[1, 1:]  # behind the end of the second row
    array([[0., 0., 0., 0.],
           [0., 0., 0., 0.]])
    >>> list(layer.parameters)
    ['cell.weight', 'cell.recurrent', 'cell.bias', 'cell.recurrent_bias']
    """

    takes_lengths = True

    def __init__(
        self,
        cell: Layer,
        *,
        reverse: bool = False,
        last: bool = False,
        stateful: bool = False,
        name: str = "",
        rng: Rng = None,
    ) -> None:
        sizes = getattr(cell, "state_sizes", ())
        if not isinstance(cell, Layer) or not isinstance(sizes, tuple) or not sizes:
            raise CircuitError(
                f"a Recurrent needs a cell, a layer with `state_sizes`, such as (8,), got {cell!r}"
            )
        if reverse and stateful:
            raise CircuitError(
                "a Recurrent is stateful or reversed, not both: of a sequence given piece by "
                "piece, the last piece is not there yet"
            )
        super().__init__(
            [cell],
            name,
            rng,
            names=["cell"],
            reverse=bool(reverse),
            last=bool(last),
            stateful=bool(stateful),
        )
        self.takes_pieces = bool(stateful)
        self.cell = cell
        self.sizes: tuple[int, ...] = sizes

    def refuse(self, *inputs: Any) -> None:
        refuse_lengths(self, *inputs)

    def reset_state(self) -> None:
        """Let the next batch of stateful training begin at zero.

        >>> from pullback.layers import RNNCell
        >>> layer = Recurrent(RNNCell(1), stateful=True)
        >>> training = Training()
        >>> y = layer([[[1.0]]], training=training)
        >>> training.commit()
        >>> layer.reset_state()
        >>> layer.state["state1"].value
        array([[0.]])
        """
        for unit in self.own_state.values():
            unit.value = np.zeros(unit.shape)

    def apply(self, *inputs: Unit, training: Training | None) -> Unit:
        x, lengths = with_lengths(self, inputs, axes=2)
        rows, steps = x.shape[:2]
        dtype = self._dtype(x)
        counts = None if lengths is None else counting(lengths, steps)
        known = set(self.own_state)
        before = self._before(rows, dtype, training)
        try:
            stacks = self._run(x, counts, before, training)
        except Exception:  # inputs that are refused leave nothing behind
            for name in set(self.own_state) - known:
                del self.own_state[name]
            raise
        if steps:
            final = [stack[0 if self.config["reverse"] else -1] for stack in stacks]
        else:
            final = before
        if self.config["stateful"] and training is not None:
            for unit, new in zip(self.own_state.values(), final, strict=True):
                training.update(unit, new)
        if self.config["last"]:
            return final[0]
        y = swapaxes(stacks[0], 0, 1)
        return y if counts is None else where(expand_dims(counts, 2), y, 0.0)

    def _run(
        self, x: Unit, counts: Unit | None, before: list[Unit], training: Training | None
    ) -> tuple[Unit, ...]:
        """The stack of each piece of state."""
        pieces = len(before)

        def step(*given: Unit) -> tuple[Unit, ...]:
            state, element, on = given[:pieces], given[pieces], given[pieces + 1 :]
            made = self.cell(element, *state, training=training)
            made = made if isinstance(made, tuple) else (made,)
            news, kept = made[:pieces], made[pieces:]
            if on:
                pairs = zip(news, state, strict=False)
                news = tuple(where(on[0], new, old) for new, old in pairs)
            return *news, *kept

        sequences = [swapaxes(x, 0, 1)]
        if counts is not None:
            sequences.append(expand_dims(swapaxes(counts, 0, 1), 2))
        known = {} if training is None else dict(training.updates)
        stacks = loop(step, tuple(before), tuple(sequences), reverse=self.config["reverse"])
        if training is not None:
            self._refuse_updates([x for x, new in training.updates.items() if new != known.get(x)])
        return stacks[:pieces]

    def _refuse_updates(self, updated: list[Unit]) -> None:
        """Refuse a cell that remembers: what it made belongs to the inside of a loop."""
        if updated:
            raise CircuitError(
                f"the cell of layer {self.called!r} gives {updated[0].label} a new value at every "
                "step, which a loop cannot hand over; take a LayerNorm, say, for a BatchNorm"
            )

    def _before(self, rows: int, dtype: np.dtype, training: Training | None) -> list[Unit]:
        """The state before the first step."""
        if self.config["stateful"]:
            if self.stored is not None and "state1" in self.stored:
                self._remember(*self.stored["state1"].shape[:1], dtype=dtype)
            if training is not None:
                self._remember(rows, dtype=dtype)
                present = [stop_gradient(training.present(x)) for x in self.own_state.values()]
                return [x if x.dtype == dtype else astype(x, dtype) for x in present]
        return [constant(np.zeros((rows, units), dtype)) for units in self.sizes]

    def _remember(self, *rows: int, dtype: np.dtype) -> None:
        """Make the state that batches of so many rows hand on, or see that it is for so many."""
        for k, units in enumerate(self.sizes, start=1):
            if f"state{k}" not in self.own_state:
                self.variable(f"state{k}", (*rows, units), np.zeros, dtype=dtype)
        known = self.own_state["state1"].shape[:1]
        if known != rows:
            raise CircuitError(
                f"layer {self.called!r} is stateful and its state is of {known[0]} rows; give it "
                f"batches of as many in training, not of {rows[0]}"
            )

    def _dtype(self, x: Unit) -> np.dtype:
        """The dtype of what the cell makes of x, which it may not have been called for yet."""
        rows, own = x.shape[0], x.dtype if x.dtype.kind == "f" else np.dtype(np.float32)
        if not self.cell.built:
            state = [np.zeros((rows, units), own) for units in self.sizes]
            with watch():  # a call that nobody asked for
                self.cell(np.zeros((rows, *x.shape[2:]), x.dtype), *state)
        parameters = self.cell.find_parameters(frozen=True).values()
        return np.result_type(own, *(unit.dtype for unit in parameters))
