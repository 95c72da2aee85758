"""In: the words of sentences. Out: the characters of each word, as numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pullback.core.errors import CircuitError
from pullback.inspect.arguments import at_least_one
from pullback.sequences.text.characters import Characters


def character_matrix(
    sentences: Sequence[Sequence[str]],
    characters: Characters,
    *,
    steps: int | None = None,
    longest: int | None = None,
) -> np.ndarray:
    """The characters of each word of sentences: (rows, steps, longest) of int64.

    Behind the end of a word, and of a sentence, stands the number `len(characters)`, which is of no
    character: give an `Embedding` of them one row more. `steps` and `longest` are those of the
    longest sentence and word by default; of longer words the beginning is taken.

    Raises `CircuitError` as `Characters` does, with the sentence and the word, and where a
    sentence has more words than `steps`.

    >>> from pullback.sequences.text import Characters
    >>> character_matrix([["a", "bab"], ["b"]], Characters.of("ab"))
    array([[[0, 2, 2],
            [1, 0, 1]],
    <BLANKLINE>
           [[1, 2, 2],
            [2, 2, 2]]])
    """
    told = {"steps": steps, "longest": longest}
    at_least_one(**{name: count for name, count in told.items() if count is not None})
    most = max(map(len, sentences), default=0)
    if steps is not None and most > steps:
        raise CircuitError(f"a sentence has {most} words, and there is room for {steps}: cut it")
    ends = np.zeros((len(sentences), most if steps is None else steps), np.int64)
    for row, words in enumerate(sentences):
        ends[row, : len(words)] = [len(word) for word in words]
    widest = int(ends.max(initial=0)) if longest is None else longest
    matrix = np.full((*ends.shape, widest), len(characters), np.int64)
    inside = np.arange(widest) < ends[:, :, None]
    if not inside.any():
        return matrix
    try:  # all at once, in the order in which they stand in the matrix
        matrix[inside] = characters.encode("".join(w[:widest] for row in sentences for w in row))
    except CircuitError:
        _refuse_word(sentences, characters, widest)
        raise
    return matrix


def _refuse_word(sentences: Sequence[Sequence[str]], characters: Characters, longest: int) -> None:
    """Raise `CircuitError` for the first word whose beginning cannot be encoded."""
    for row, words in enumerate(sentences):
        for k, word in enumerate(words):
            try:
                characters.encode(word[:longest])
            except CircuitError as error:
                raise CircuitError(f"word {k} of sentence {row}: {error}") from None
