"""Layers one after another for sequences of different lengths, as one layer."""

from __future__ import annotations

from typing import Any, final

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.layers.composite import InLine
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.lengths import refuse_lengths, with_lengths
from pullback.layers.training import Training


@final
@register
class Padded(InLine):
    """A `Sequential` whose layers know how long each sequence is: those that take lengths.

    Shapes: x (rows, steps, ...), padded behind the end of each row, and lengths (rows,), whole
    numbers, or not given; y as the last layer makes it. Recurrent layers and what pools over steps
    take lengths; for all others each step is by itself, and what they make behind an end nobody
    reads. Where a layer makes another number of steps, as `LogMel` makes frames of samples, those
    behind it are told of these, and so is who asks `output_lengths`. Train it on (x, lengths).

    Raises `CircuitError` for a layer that takes lengths inside one that does not hand them on, and
    for lengths beyond the steps of x.

    >>> import numpy as np
    >>> from pullback.layers import LSTM, Dense, Embedding, MeanOverSteps
    >>> model = Padded(Embedding(10, 4), LSTM(8), MeanOverSteps(), Dense(2))
    >>> words, lengths = np.array([[3, 7, 1], [5, 0, 0]]), np.array([3, 1])
    >>> y = model(words, lengths)
    >>> bool(np.allclose(y.value[1], model(words[1:, :1]).value[0]))  # as alone
    True
    """

    takes_lengths = True

    def __init__(self, *layers: Layer, name: str = "", rng: Rng = None) -> None:
        super().__init__(*layers, name=name, rng=rng)
        for layer in layers:
            hidden = [inner.name for _, inner in layer.walk() if inner.takes_lengths]
            if hidden and not layer.takes_lengths:
                raise CircuitError(
                    f"layer {hidden[0]!r} takes lengths, which {layer.name!r} around it does not "
                    "hand on; let a Padded stand around it"
                )

    def refuse(self, *inputs: Any) -> None:
        refuse_lengths(self, *inputs)

    def apply(self, *inputs: Unit, training: Training | None) -> Any:
        flow, lengths = with_lengths(self, inputs, axes=2)
        for layer in self.layers:
            given = flow if isinstance(flow, tuple) else (flow,)
            if layer.takes_lengths and lengths is not None:
                given = (*given, lengths)
            flow = layer(*given, training=training)
            if lengths is not None:
                lengths = layer.output_lengths(lengths)
        return flow
