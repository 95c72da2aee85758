"""The tagger: a tag for each word of a sentence, by its letters and by the words around it."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import less, maximum, where
from pullback.gates.reduction import max
from pullback.gates.shape import concatenate, expand_dims, reshape
from pullback.layers import CRF, LSTM, Conv1d, Dense, Dropout, Embedding
from pullback.layers.arguments import count, float_dtype, number_between
from pullback.layers.composite import Composite
from pullback.layers.layer import Rng, register
from pullback.layers.lengths import with_lengths
from pullback.layers.training import Training


@final
@register
class Tagger(Composite):
    """Scores of the tags of each word, in a chain: train it with `ChainCrossEntropy`.

    A word is looked up, and beside it stands what its characters say: filters of `kernel`
    characters slide over them, relu, and the largest of each filter over the word; an LSTM in
    both directions, a dense layer and a `CRF` follow. Entry 0 of the vocabulary stands for all
    words that it lacks; so that it learns, a share `word_dropout` of the words is taken for it in
    training. `dropout` is the share that is dropped before and behind the LSTM.

    Shapes: words (rows, steps) below `words`; characters (rows, steps, longest) below `characters`,
    and the number `characters` behind the end of each word, as `character_matrix` makes them;
    lengths (rows,) or not given; y (rows, steps + 1, tags, tags), the scores of a `CRF`, which
    `pullback.sequences.decoding.viterbi` decodes. `Tagger.load` reads what `save` wrote; so does
    `Layer.load` once `pullback.models` is imported.

    Raises `CircuitError` where words and characters do not fit each other, and as `Embedding` does
    for numbers outside.
    Source: Ma and Hovy, "End-to-end sequence labeling via bi-directional LSTM-CNNs-CRF" (ACL 2016).

    >>> tagger = Tagger(words=100, characters=30, tags=17)
    >>> words, characters = np.array([[4, 0, 7]]), np.array([[[1, 5], [2, 30], [8, 8]]])
    >>> tagger(words, characters, np.array([3])).shape
    (1, 4, 17, 17)
    """

    makes_layers = True

    def __init__(
        self,
        words: int,
        characters: int,
        tags: int,
        *,
        word_units: int = 64,
        character_units: int = 24,
        filters: int = 64,
        kernel: int = 3,
        units: int = 100,
        dropout: float = 0.33,
        word_dropout: float = 0.1,
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        config: dict[str, Any] = {
            "words": count("Tagger", "word", words),
            "characters": count("Tagger", "character", characters),
            "tags": count("Tagger", "tag", tags),
            "word_units": count("Tagger", "word unit", word_units),
            "character_units": count("Tagger", "character unit", character_units),
            "filters": count("Tagger", "filter", filters),
            "kernel": count("Tagger", "character in a kernel", kernel),
            "units": count("Tagger", "unit", units),
            "dropout": number_between("Tagger", "dropout", dropout, 0.0, 1.0),
            "word_dropout": number_between("Tagger", "word_dropout", word_dropout, 0.0, 1.0),
            "dtype": float_dtype("Tagger", dtype),
        }
        told = {"dtype": config["dtype"]}
        self.words = Embedding(words, word_units, **told)
        self.characters = Embedding(characters + 1, character_units, **told)
        self.convolution = Conv1d(filters, kernel, padding="same", **told)
        self.drops = Dropout(dropout), Dropout(dropout)
        self.lstm = LSTM(units, bidirectional=True, **told)
        self.dense = Dense(tags, **told)
        self.crf = CRF(**told)
        made = {
            "words": self.words,
            "characters": self.characters,
            "convolution": self.convolution,
            "dropout1": self.drops[0],
            "lstm": self.lstm,
            "dropout2": self.drops[1],
            "dense": self.dense,
            "crf": self.crf,
        }
        super().__init__(list(made.values()), name, rng, names=list(made), **config)

    def apply(self, *inputs: Unit, training: Training | None) -> Unit:
        words, characters, lengths = self._checked(inputs)
        drop1, drop2 = self.drops
        features = [self._looked_up(words, training), self._spelled(characters, training)]
        x = drop1(concatenate(features, axis=2), training=training)
        x = drop2(self.lstm(x, *lengths, training=training), training=training)
        return self.crf(self.dense(x, training=training), training=training)

    def _checked(self, inputs: tuple[Unit, ...]) -> tuple[Unit, Unit, tuple[Unit, ...]]:
        """Words, characters, and lengths if there are any."""
        if len(inputs) not in (2, 3):
            raise CircuitError(
                f"layer {self.called!r} takes words, characters, and maybe lengths: 2 or 3 inputs, "
                f"got {len(inputs)}"
            )
        words, characters, *lengths = inputs
        with_lengths(self, (words, *lengths), axes=2)
        fit = words.ndim == 2 and characters.ndim == 3 and characters.shape[:2] == words.shape
        if not fit or not characters.shape[2]:
            raise CircuitError(
                f"layer {self.called!r} expects words (rows, steps) and characters (rows, steps, "
                f"longest), longest from 1 on, got {words.shape} and {characters.shape}"
            )
        return words, characters, tuple(lengths)

    def _looked_up(self, words: Unit, training: Training | None) -> Unit:
        """The vector of each word (rows, steps, word_units), in training of some as if unknown."""
        rate = self.config["word_dropout"]
        if training is not None and rate:
            drawn = training.random(words.shape, dtype="float32")
            words = where(less(drawn, rate), np.zeros(words.shape, words.dtype), words)
        return self.words(words, training=training)

    def _spelled(self, characters: Unit, training: Training | None) -> Unit:
        """What the characters of each word say, (rows, steps, filters); zeros of a word of none."""
        rows, steps, longest = characters.shape
        inside = expand_dims(less(characters, self.config["characters"]), 3)
        x = where(inside, self.characters(characters, training=training), 0.0)
        x = reshape(x, (rows * steps, longest, x.shape[3]))
        x = self.convolution(x, training=training)
        x = maximum(reshape(x, (rows, steps, longest, x.shape[2])), 0.0)
        return max(where(inside, x, 0.0), axis=2)
