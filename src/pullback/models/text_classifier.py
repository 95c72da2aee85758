"""The recurrent classifier of texts: by their words, or characters, in their order."""

from __future__ import annotations

from pullback.core.errors import CircuitError
from pullback.layers import Dense, Dropout, Embedding, Layer, MaxOverSteps, Padded
from pullback.layers.layer import Rng
from pullback.models.language_model import CELLS


def text_classifier(
    vocabulary: int,
    classes: int = 2,
    cell: str = "lstm",
    units: int = 64,
    layers: int = 1,
    *,
    embedding: int = 64,
    dropout: float = 0.3,
    rng: Rng = 0,
) -> Padded:
    """Scores of the classes of a text, by what a recurrent network in both directions makes of it.

    Takes whole numbers (rows, steps), the words or characters of each text, and lengths (rows,);
    answers (rows, classes), of the largest that each unit says over the steps. Words are vectors of
    `embedding` numbers; `cell` is "rnn", "gru" or "lstm", in so many `layers` of `units` in each
    direction. `dropout` is before, between and behind them.

    Raises `CircuitError` for another cell.
    Source: Conneau and others, "Supervised learning of universal sentence representations from
    natural language inference data" (EMNLP 2017), section 3.2.4, BiLSTM with max pooling.

    >>> import numpy as np
    >>> text_classifier(100, 3)(np.array([[1, 2, 3], [4, 0, 0]]), np.array([3, 1])).shape
    (2, 3)
    """
    if cell not in CELLS:
        raise CircuitError(f"a cell is one of {', '.join(CELLS)}, got {cell!r}")
    inside = dropout if layers > 1 else 0.0
    drop = [Dropout(dropout)] if dropout else []
    recurrent = CELLS[cell](units, layers, bidirectional=True, dropout=inside)
    behind = [Dropout(dropout)] if dropout else []
    parts: list[Layer] = [Embedding(vocabulary, embedding), *drop, recurrent, MaxOverSteps()]
    return Padded(*parts, *behind, Dense(classes), rng=rng)
