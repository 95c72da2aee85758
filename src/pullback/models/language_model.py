"""The recurrent network that writes: a language model of symbols, told of one at a time."""

from __future__ import annotations

from pullback.core.errors import CircuitError
from pullback.layers import GRU, LSTM, RNN, Dense, Dropout, Embedding, Layer, Sequential
from pullback.layers.layer import Rng

CELLS = {"rnn": RNN, "gru": GRU, "lstm": LSTM}


def language_model(
    vocabulary: int,
    cell: str = "lstm",
    units: int = 256,
    layers: int = 1,
    *,
    embedding: int = 64,
    dropout: float = 0.0,
    stateful: bool = False,
    rng: Rng = 0,
) -> Sequential:
    """Scores of each symbol of a vocabulary to come next, by all symbols up to each step.

    Takes whole numbers (rows, steps); answers (rows, steps, vocabulary). Symbols are vectors of
    `embedding` numbers; `cell` is "rnn", "gru" or "lstm", in so many `layers` of `units` each;
    `dropout` is between the layers and behind the last. With `stateful` a batch in training goes on
    where the one before it ended, see `Recurrent`.

    Raises `CircuitError` for another cell.
    Source: the guide, on recurrent networks; Graves, "Generating sequences with recurrent neural
    networks" (2013).

    >>> print(language_model(65, "gru", 128).summary(50, dtype="int64").parameters)
    86785
    """
    if cell not in CELLS:
        raise CircuitError(f"a cell is one of {', '.join(CELLS)}, got {cell!r}")
    inside = dropout if layers > 1 else 0.0
    parts: list[Layer] = [
        Embedding(vocabulary, embedding),
        CELLS[cell](units, layers, dropout=inside, stateful=stateful),
    ]
    if dropout:
        parts.append(Dropout(dropout))
    return Sequential(*parts, Dense(vocabulary), rng=rng)
