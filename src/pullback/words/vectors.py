"""In: words and the rows of a matrix. Out: `WordVectors`, which tells what is near to what.

Nearness is the cosine of the angle between two vectors. The lengths of all vectors are computed
once, and a question is one product of the matrix with one vector: nothing as large as all pairs of
words is ever made, and no second matrix.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from numbers import Real
from typing import Any, Protocol, runtime_checkable

import numpy as np

from pullback.core.errors import CircuitError, UnknownNameError
from pullback.core.text import counted
from pullback.files.words import listed, text_of
from pullback.words import formats
from pullback.words.given import (
    blocks,
    checked_counts,
    checked_matrix,
    checked_words,
    first_twice,
    refuse_count,
)
from pullback.words.spelling import hint

Query = str | np.ndarray


@runtime_checkable
class Unseen(Protocol):
    """What makes vectors of words that have none of their own, such as `Subwords`."""

    def vector(self, word: str) -> np.ndarray | None:
        """The vector (D,) of a word, or None where nothing is known of it."""
        ...


class WordVectors:
    """Words and their vectors: a row of `matrix` (V, D) for each, usually the most frequent first.

    `counts` (V,) is how often each word stood in the text; `context` (V, D) the output vectors of
    the training, by which it can go on; `subwords` makes vectors of words that are not among these.
    Nothing of them is copied where it is float32, so leave it as it is then: `matrix` is read-only
    from here.

    `word in vectors` tells whether a word has a row of its own, `vectors[word]` is its vector (D,).

    Raises `CircuitError` where the parts do not fit each other, a word stands there twice, or a
    number is not finite.

    >>> vectors = WordVectors(["king", "queen", "tea"], [[2.0, 1.0], [2.0, 2.0], [-1.0, 3.0]])
    >>> vectors.nearest("king", count=1)[0][0]
    'queen'
    >>> vectors["tea"], "coffee" in vectors, len(vectors)
    (array([-1.,  3.], dtype=float32), False, 3)
    """

    def __init__(
        self,
        words: Sequence[str],
        matrix: Any,
        *,
        counts: Any = None,
        context: Any = None,
        subwords: Unseen | None = None,
    ) -> None:
        self.words = checked_words(words)
        self.matrix = checked_matrix("matrix", matrix, len(self.words))
        self.context = None
        if context is not None:
            self.context = checked_matrix("context", context, len(self.words))
        self.counts = None if counts is None else checked_counts(counts, len(self.words))
        if subwords is not None and not isinstance(subwords, Unseen):
            raise CircuitError(
                f"subwords= takes what has a method vector(word), got {type(subwords).__name__}"
            )
        self.subwords = subwords
        self._rows = {word: row for row, word in enumerate(self.words)}
        if len(self._rows) < len(self.words):
            raise CircuitError(f"the word {first_twice(self.words)!r} stands there twice")
        self._lengths = _lengths(self.matrix)

    @property
    def dimensions(self) -> int:
        """D, how many numbers a vector has."""
        return self.matrix.shape[1]

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __getitem__(self, word: str) -> np.ndarray:
        row = self.row(word)
        if row is not None:
            return self.matrix[row]
        made = None if self.subwords is None else self.subwords.vector(word)
        if made is None:
            raise self._unknown(word)
        return self._checked(made).astype(np.float32)

    def row(self, word: str) -> int | None:
        """The number of a word's row, or None where it has none of its own.

        Raises `CircuitError` where it is no word at all, but a number or a list, say.
        """
        if not isinstance(word, str):
            raise CircuitError(f"a word is a str, got {type(word).__name__} {word!r:.60}")
        return self._rows.get(word)

    def __repr__(self) -> str:
        first = listed(self.words, 3)
        return f"WordVectors({counted(len(self), 'word')}, {self.dimensions} dimensions: {first})"

    # Questions -----------------------------------------------------------------------------------

    def nearest(
        self,
        to: Query | Sequence[Query],
        count: int = 10,
        *,
        away_from: Query | Sequence[Query] = (),
        among: int | None = None,
    ) -> list[tuple[str, float]]:
        """The words of largest cosine with a word, a vector (D,), or the mean of several of them.

        With unit vectors u, the question is sum(u of `to`) - sum(u of `away_from`). Words that were
        asked about are left out; of equal ones the first comes first. `among` looks at the first so
        many words alone, which are the most frequent in vectors that were trained on text.

        Raises `CircuitError` for a word without a vector, or where nothing is left of the sum.

        >>> vectors = WordVectors(["a", "b", "c"], [[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        >>> vectors.nearest("b", away_from="a")[0][0]
        'c'
        """
        refuse_count("count", count)
        towards, away = _several(to), _several(away_from)
        if not towards and not away:
            raise CircuitError("nearest to what? Name a word, or several, or give a vector")
        total = np.zeros(self.dimensions)
        for sign, queries in ((1.0, towards), (-1.0, away)):
            for query in queries:
                total += sign * self._unit(query)
        if not np.linalg.norm(total) > 1e-6:
            raise CircuitError(
                f"there is no direction to look in: the vector of {_named(towards, away)} is zero"
            )
        words = {query for query in (*towards, *away) if isinstance(query, str)}
        return self._best(self.cosines(total, among), count, words)

    def analogy(
        self, a: str, b: str, c: str, count: int = 10, *, among: int | None = None
    ) -> list[tuple[str, float]]:
        """What is to `c` as `b` is to `a`: the words nearest to b - a + c, of unit vectors.

        Source: Mikolov, Yih, Zweig, "Linguistic regularities in continuous space word
        representations" (NAACL 2013); 3CosAdd of Levy and Goldberg (CoNLL 2014).

        >>> words = ["man", "woman", "king", "queen"]
        >>> vectors = WordVectors(words, [[1, 0, 0], [1, 1, 0], [1, 0, 2], [1, 1, 2]])
        >>> vectors.analogy("man", "king", "woman")[0][0]
        'queen'
        """
        return self.nearest([b, c], count, away_from=[a], among=among)

    def similarity(self, a: Query, b: Query) -> float:
        """The cosine of the angle between two words, or vectors: from -1 to 1, 0 of a zero vector.

        >>> round(WordVectors(["a", "b"], [[3.0, 0.0], [1.0, 1.0]]).similarity("a", "b"), 4)
        0.7071
        """
        return float(np.clip(self._unit(a) @ self._unit(b), -1.0, 1.0))

    def odd_one_out(self, words: Sequence[str]) -> str:
        """The word of smallest cosine with the mean of all their unit vectors.

        Raises `CircuitError` for fewer than three different words.

        >>> WordVectors("abc", [[1.0, 0.1], [1.0, 0.2], [-1.0, 0.3]]).odd_one_out(["a", "b", "c"])
        'c'
        """
        if isinstance(words, str) or not isinstance(words, Iterable):
            raise CircuitError(
                f"odd_one_out takes a list of words, got {type(words).__name__} {words!r:.60}"
            )
        words = list(words)
        odd = [word for word in words if not isinstance(word, str)]
        if odd:
            raise CircuitError(f"odd_one_out takes words, got {type(odd[0]).__name__}")
        words = list(dict.fromkeys(words))
        if len(words) < 3:
            raise CircuitError(f"the odd one out is one of three words or more, got {words}")
        units = np.stack([self._unit(word) for word in words])
        return words[int(np.argmin(units @ units.mean(axis=0)))]

    def cosines(self, vector: np.ndarray, among: int | None = None) -> np.ndarray:
        """The cosine (V,) of each word with a vector (D,); 0 where either is zero.

        Of the first `among` words alone where so many are named.
        """
        if among is not None:
            refuse_count("among", among)
        rows = slice(among)
        unit = _unit_of(self._checked(vector)).astype(np.float32)
        found = self.matrix[rows] @ unit
        found /= self._lengths[rows]
        return np.clip(found, -1.0, 1.0, out=found)

    def units(self, rows: Any) -> np.ndarray:
        """The unit vectors of these rows (their numbers, or a slice); a zero vector stays zero."""
        return self.matrix[rows] / self._lengths[rows, None]

    # Files ---------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to a file, in the format that its ending names, in place of what was there.

        ".safetensors" keeps everything; ".bin", ".txt" and ".vec", with ".gz" after them or not,
        are word2vec's binary and text formats, which other programs read, and keep the words, in
        their order, and their vectors alone.

        Raises `CircuitError` for another ending, a word that the format cannot hold, or where the
        file cannot be written.
        """
        formats.write(path, self)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, limit: int | None = None) -> WordVectors:
        """The vectors in a file, or the first `limit` of them.

        Reads what `save` writes, also from other programs: word2vec's binary and text formats,
        fastText's .vec and GloVe's text, compressed by gzip or not. Of a word that stands there
        twice, the first row counts, and the bytes of a word that are no UTF-8 are written out; both
        are said as warnings.

        Raises `CircuitError` where the file is missing, damaged, or holds something else.

        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "few.vec")
        ...     WordVectors(["a", "b"], [[1.0, 2.0], [3.0, 4.0]]).save(path)
        ...     path.read_text(), WordVectors.load(path)
        ('2 2\\na 1.0 2.0\\nb 3.0 4.0\\n', WordVectors(2 words, 2 dimensions: a, b))
        """
        if limit is not None:
            refuse_count("limit", limit)
        words, parts = formats.read(path, limit)
        try:
            return cls(words, **parts)
        except CircuitError as error:
            raise CircuitError(f"{text_of(path)} is damaged: {error}") from None

    # Inside --------------------------------------------------------------------------------------

    def _unit(self, query: Query) -> np.ndarray:
        """The unit vector of a word or a vector, in double precision."""
        return _unit_of(self[query] if isinstance(query, str) else self._checked(query))

    def _checked(self, vector: Any) -> np.ndarray:
        """A vector that was given, as numbers that fit.

        Raises `CircuitError` where it does not.
        """
        try:
            vector = np.asarray(vector, np.float64)
        except (TypeError, ValueError):
            raise CircuitError(f"neither a word nor a vector: {vector!r:.60}") from None
        if vector.shape != (self.dimensions,) or not np.isfinite(vector).all():
            raise CircuitError(
                f"a vector here is {self.dimensions} finite numbers, got shape {vector.shape}"
            )
        return vector

    def _best(self, found: np.ndarray, count: int, without: set[str]) -> list[tuple[str, float]]:
        """The `count` words of largest number, of equal ones the first, but these."""
        for word in without:
            row = self._rows.get(word)
            if row is not None and row < len(found):
                found[row] = -np.inf
        candidates = np.arange(len(found))
        if 0 < count < len(found):
            least = np.partition(found, -count)[-count]
            candidates = np.flatnonzero(found >= least)
        order = candidates[np.argsort(-found[candidates], kind="stable")][:count]
        return [(self.words[k], float(found[k])) for k in order if found[k] > -np.inf]

    def _unknown(self, word: str) -> CircuitError:
        """What to raise for a word that has no vector, with what is near and what helps."""
        said = [f"the word {word!r:.60} is not among the {counted(len(self), 'word')}"]
        near = hint(word, self.words, self._rows)
        if near:
            said.append(near)
        if self.subwords is None:
            least = 0 if self.counts is None or not len(self.counts) else int(self.counts.min())
            often = f"stood in the text fewer than {least} times" if least > 1 else "is rare"
            said.append(
                f"a word that {often} was left out; training with subwords=(3, 6) gives vectors to "
                "words that were not seen, too"
            )
        else:
            said.append("and it has no part of which its vector could be made")
        return UnknownNameError("; ".join(said))


def _lengths(matrix: np.ndarray) -> np.ndarray:
    """The length (V,) of each row; infinite of a zero vector, by which a product becomes 0."""
    lengths = np.empty(len(matrix), np.float32)
    for rows in blocks(matrix):
        block = matrix[rows].astype(np.float64)
        lengths[rows] = np.sqrt(np.einsum("vd,vd->v", block, block))
    lengths[lengths == 0.0] = np.inf
    return lengths


def _unit_of(vector: np.ndarray) -> np.ndarray:
    """A vector of length 1, in double precision; of zeros, zeros."""
    vector = vector.astype(np.float64)
    largest = float(np.abs(vector).max(initial=0.0))
    if not largest:
        return vector
    vector = vector / largest  # whose square is neither 0 nor infinite
    return vector / np.linalg.norm(vector)


def _several(queries: Query | Sequence[Query]) -> list[Query]:
    """What was asked about, as a list: one word or vector is a list of one."""
    if isinstance(queries, str):
        return [queries]
    if isinstance(queries, np.ndarray) and queries.ndim < 2 and queries.dtype.kind not in "OU":
        return [queries]
    if not isinstance(queries, Iterable):
        raise CircuitError(f"neither a word nor a vector: {queries!r:.60}")
    queries = list(queries)
    if queries and all(isinstance(x, Real) for x in queries):
        return [np.asarray(queries)]  # a vector as a list of numbers
    return queries


def _named(towards: Sequence[Query], away: Sequence[Query]) -> str:
    """A question as a person writes it."""
    parts = [query if isinstance(query, str) else "a vector" for query in towards]
    return " - ".join([" + ".join(parts), *(q if isinstance(q, str) else "a vector" for q in away)])
