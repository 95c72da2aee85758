"""Recognizers of speech: from a sound to the word that is said in it, or to several in their order.

Both take sounds, padded, and how many samples each has. Their first layer makes features of sounds
and has nothing to learn, so that it may have done so once, before training: `model[1:]`, the same
layers but for that one, trains on features and their lengths.
"""

from __future__ import annotations

from pullback.core.errors import CircuitError
from pullback.layers import (
    MFCC,
    CentreOverSteps,
    Dense,
    Dropout,
    DynamicRange,
    Layer,
    LogMel,
    MeanOverSteps,
    Padded,
    Standardize,
)
from pullback.layers.layer import Rng
from pullback.models.language_model import CELLS

_DECIBELS = 60.0  # below the loudest, from where on nothing is heard


def spoken_word(
    classes: int,
    features: LogMel | MFCC,
    standardize: Standardize | None = None,
    *,
    cell: str = "lstm",
    units: int = 64,
    layers: int = 1,
    dropout: float = 0.3,
    rng: Rng = 0,
) -> Padded:
    """Scores of each class to be the word in a sound: a bidirectional LSTM over its features.

    Takes sounds (rows, samples), at the rate of `features`, and lengths (rows,), the samples of
    each; answers (rows, classes), of the mean over all frames of what so many `units` in each
    direction say. What a `LogMel` hears 60 dB below the loudest is raised to there, `standardize`
    brings features to deviation 1, such as `RecordingBatches.standardize` finds it, and from each
    its mean over the recording is taken, so that it matters not how loud that is, and less who
    speaks. `cell` is "rnn", "gru" or "lstm". The `dropout` is before, between and behind the
    layers.

    Raises `CircuitError` for another cell.
    Source: Graves and Schmidhuber, "Framewise phoneme classification with bidirectional LSTM and
    other neural network architectures" (Neural Networks 18, 2005), here of whole words.

    >>> import numpy as np
    >>> model = spoken_word(10, LogMel(8000))
    >>> model(np.zeros((2, 4000)), np.array([4000, 2500])).shape
    (2, 10)
    """
    return Padded(
        *_heard(features, standardize, cell, units, layers, dropout),
        MeanOverSteps(),
        *_dropped(dropout),
        Dense(classes, initializer="glorot"),
        rng=rng,
    )


def spoken_string(
    classes: int,
    features: LogMel | MFCC,
    standardize: Standardize | None = None,
    *,
    cell: str = "lstm",
    units: int = 64,
    layers: int = 1,
    dropout: float = 0.3,
    rng: Rng = 0,
) -> Padded:
    """Scores at each frame of a sound of each class to be said there, for `CTC(blank=classes)`.

    Takes sounds and their lengths as `spoken_word` does; answers (rows, frames, classes + 1), the
    last of which is the blank. `model.output_lengths(lengths)` tells how many frames of each row
    count: what `ctc_labels` and `greedy` ask for. Other arguments and errors are of `spoken_word`.
    Features of 50 frames a second do as well as of 100, in half the time.

    Source: Graves, Fernández, Gomez, Schmidhuber, "Connectionist temporal classification: labelling
    unsegmented sequence data with recurrent neural networks" (ICML 2006).

    >>> import numpy as np
    >>> model = spoken_string(10, LogMel(8000, window=0.04, step=0.02))
    >>> lengths = np.array([4000, 2500])
    >>> model(np.zeros((2, 4000)), lengths).shape, model.output_lengths(lengths).tolist()
    ((2, 26, 11), [26, 16])
    """
    return Padded(
        *_heard(features, standardize, cell, units, layers, dropout),
        *_dropped(dropout),
        Dense(classes + 1, initializer="glorot"),
        rng=rng,
    )


def _heard(
    features: Layer,
    standardize: Standardize | None,
    cell: str,
    units: int,
    layers: int,
    dropout: float,
) -> list[Layer]:
    """From sounds to what both directions make of each frame."""
    if cell not in CELLS:
        raise CircuitError(f"a cell is one of {', '.join(CELLS)}, got {cell!r}")
    return [
        features,
        *([DynamicRange(_DECIBELS)] if isinstance(features, LogMel) else []),
        *([] if standardize is None else [standardize]),
        CentreOverSteps(),
        *_dropped(dropout / 2),
        CELLS[cell](units, layers, bidirectional=True, dropout=dropout),
    ]


def _dropped(dropout: float) -> list[Layer]:
    return [Dropout(dropout)] if dropout else []
