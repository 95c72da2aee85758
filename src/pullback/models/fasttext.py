"""The classifier of texts by their words and pairs of words, without their order."""

from __future__ import annotations

from pullback.layers import Dense, Dropout, Embedding, MeanOverSteps, Padded
from pullback.layers.layer import Rng


def fasttext(
    vocabulary: int,
    classes: int = 2,
    units: int = 16,
    *,
    dropout: float = 0.5,
    rng: Rng = 0,
) -> Padded:
    """Scores of the classes of a text: a linear function of the mean of its n-grams' vectors.

    Takes whole numbers (rows, steps), the words of each text and its n-grams in any order, such as
    `word_ngrams` makes them, and lengths (rows,); answers (rows, classes). `dropout` is the share
    that is dropped of the vectors, and of their mean.

    Source: Joulin, Grave, Bojanowski, Mikolov, "Bag of tricks for efficient text classification"
    (EACL 2017); dropout as in Srivastava and others (JMLR 15, 2014).

    >>> import numpy as np
    >>> fasttext(100)(np.array([[1, 2, 3], [4, 0, 0]]), np.array([3, 1])).shape
    (2, 2)
    """
    return Padded(
        Embedding(vocabulary, units, initializer="normal"),
        Dropout(dropout),
        MeanOverSteps(),
        Dropout(dropout),
        Dense(classes),
        rng=rng,
    )
