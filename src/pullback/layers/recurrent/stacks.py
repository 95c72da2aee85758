"""Recurrent layers on top of each other, in one direction or both, as one layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.shape import concatenate
from pullback.layers.arguments import count, number_between
from pullback.layers.composite import Composite
from pullback.layers.dropout import Dropout
from pullback.layers.layer import Layer, Rng, register
from pullback.layers.lengths import refuse_lengths, with_lengths
from pullback.layers.recurrent.cells import GRUCell, LSTMCell, RNNCell
from pullback.layers.recurrent.recurrent import Recurrent
from pullback.layers.start import InitializerLike
from pullback.layers.training import Training

MOST = 100
"""Layers of a stack, at most: a number in a file shall not fill the memory."""


def _start(initializer: InitializerLike, recurrent: InitializerLike) -> dict[str, Any]:
    """What each cell is given, functions too; the stack's own arguments hold the plain form."""
    return {"initializer": initializer, "recurrent_initializer": recurrent}


class Stack(Composite):
    """What the stacks share: a `Recurrent` for each layer and direction, of cells made alike.

    They are named "layer1", "layer1_reverse", "layer2" and so on. The backward direction of a
    stateful stack begins at zero in every batch, as what comes behind the batch is not there yet.
    """

    makes_layers = True
    takes_lengths = True

    def __init__(
        self,
        cell: Callable[[], Layer],
        layers: int,
        bidirectional: bool,
        dropout: float,
        last: bool,
        stateful: bool,
        name: str,
        rng: Rng,
        **config: Any,
    ) -> None:
        kind = type(self).__name__
        config |= {
            "layers": count(kind, "layer", layers),
            "bidirectional": bool(bidirectional),
            "dropout": number_between(kind, "dropout", dropout, 0.0, 1.0),
            "last": bool(last),
            "stateful": bool(stateful),
        }
        if config["layers"] > MOST:
            raise CircuitError(f"{kind} has {MOST} layers at most, got {layers}")
        made: dict[str, Layer] = {}
        self.levels: tuple[tuple[Layer, ...], ...] = ()
        for k in range(1, config["layers"] + 1):
            level = {
                f"layer{k}{'_reverse' if reverse else ''}": Recurrent(
                    cell(),
                    reverse=reverse,
                    last=config["last"] and k == config["layers"],
                    stateful=config["stateful"] and not reverse,
                )
                for reverse in (False, True)[: 1 + config["bidirectional"]]
            }
            made |= level
            self.levels += (tuple(level.values()),)
        self.between: Layer | None = None
        if config["dropout"] and len(self.levels) > 1:
            self.between = made["dropout"] = Dropout(config["dropout"])
        super().__init__(list(made.values()), name, rng, names=list(made), **config)

    def refuse(self, *inputs: Any) -> None:
        refuse_lengths(self, *inputs)

    def reset_state(self) -> None:
        """Let the next batch of stateful training begin at zero."""
        for level in self.levels:
            for layer in level:
                assert isinstance(layer, Recurrent)
                layer.reset_state()

    def apply(self, *inputs: Unit, training: Training | None) -> Unit:
        y, lengths = with_lengths(self, inputs)
        others = () if lengths is None else (lengths,)
        for k, level in enumerate(self.levels):
            if k and self.between is not None:
                y = self.between(y, training=training)
            made = [layer(y, *others, training=training) for layer in level]
            y = concatenate(made, axis=-1) if len(made) > 1 else made[0]
        return y


@final
@register
class RNN(Stack):
    """Plain recurrent layers on top of each other, each a `Recurrent` of an `RNNCell`.

    Shapes: x (rows, steps, n), lengths (rows,) or not given, y (rows, steps, units): what the last
    layer makes. With `bidirectional` each layer runs forwards and backwards, side by side, and y is
    (rows, steps, 2 * units). With `last`, y is the output after the last step alone, (rows, units)
    or (rows, 2 * units): what each direction has come to at its end. `dropout` is the share that is
    dropped of what a layer hands to the next one, in training. `stateful`, lengths and what stands
    behind them are as in `Recurrent`; `activation` and the initializers as in `RNNCell`.

    Raises `CircuitError` where x has another shape, and for lengths beyond its steps.
    Source: Elman, "Finding structure in time" (Cognitive Science 14, 1990); Schuster and Paliwal,
    "Bidirectional recurrent neural networks" (IEEE Transactions on Signal Processing 45, 1997).

    >>> import numpy as np
    >>> layer = RNN(4, layers=2, bidirectional=True)
    >>> layer(np.ones((2, 3, 5)), np.array([3, 2])).shape
    (2, 3, 8)
    >>> list(layer.parameters)[:4:3]
    ['layer1.cell.weight', 'layer1_reverse.cell.weight']
    """

    def __init__(
        self,
        units: int,
        layers: int = 1,
        *,
        activation: str = "tanh",
        bidirectional: bool = False,
        dropout: float = 0.0,
        last: bool = False,
        stateful: bool = False,
        initializer: InitializerLike = "glorot",
        recurrent_initializer: InitializerLike = "orthogonal",
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        start = _start(initializer, recurrent_initializer)
        config = RNNCell(
            units,
            activation,
            **start,
            dtype=dtype,
        ).config
        super().__init__(
            lambda: RNNCell(**{**config, **start}),
            *(layers, bidirectional, dropout, last, stateful, name, rng),
            **config,
        )


@final
@register
class GRU(Stack):
    """Layers of gated recurrent units on top of each other, each a `Recurrent` of a `GRUCell`.

    Shapes, arguments and what is raised as in `RNN`.
    Source: Cho and others, "Learning phrase representations using RNN encoder-decoder for
    statistical machine translation" (EMNLP 2014).

    >>> import numpy as np
    >>> GRU(4, last=True)(np.ones((2, 3, 5))).shape
    (2, 4)
    """

    def __init__(
        self,
        units: int,
        layers: int = 1,
        *,
        bidirectional: bool = False,
        dropout: float = 0.0,
        last: bool = False,
        stateful: bool = False,
        initializer: InitializerLike = "glorot",
        recurrent_initializer: InitializerLike = "orthogonal",
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        start = _start(initializer, recurrent_initializer)
        config = GRUCell(
            units,
            **start,
            dtype=dtype,
        ).config
        super().__init__(
            lambda: GRUCell(**{**config, **start}),
            *(layers, bidirectional, dropout, last, stateful, name, rng),
            **config,
        )


@final
@register
class LSTM(Stack):
    """Layers of long short-term memory on top of each other, each a `Recurrent` of an `LSTMCell`.

    Shapes, arguments and what is raised as in `RNN`; `forget_bias` as in `LSTMCell`.
    Source: Hochreiter and Schmidhuber, "Long short-term memory" (Neural Computation 9, 1997).

    >>> import numpy as np
    >>> from pullback.layers import Dense, Sequential
    >>> model = Sequential(LSTM(4, layers=2), Dense(3))
    >>> model(np.ones((2, 5, 3))).shape
    (2, 5, 3)
    >>> list(model.parameters)[3:5]
    ['lstm1.layer2.cell.weight', 'lstm1.layer2.cell.recurrent']
    """

    def __init__(
        self,
        units: int,
        layers: int = 1,
        *,
        forget_bias: float = 1.0,
        bidirectional: bool = False,
        dropout: float = 0.0,
        last: bool = False,
        stateful: bool = False,
        initializer: InitializerLike = "glorot",
        recurrent_initializer: InitializerLike = "orthogonal",
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        start = _start(initializer, recurrent_initializer)
        config = LSTMCell(
            units,
            forget_bias,
            **start,
            dtype=dtype,
        ).config
        super().__init__(
            lambda: LSTMCell(**{**config, **start}),
            *(layers, bidirectional, dropout, last, stateful, name, rng),
            **config,
        )
