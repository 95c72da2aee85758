"""The tokenizer of single characters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.sequences.text.tokenizer import (
    Tokenizer,
    checked_numbers,
    checked_text,
    checked_vocabulary,
    refuse_unknown,
    register,
)


@final
@register
@dataclass(frozen=True)
class Characters(Tokenizer):
    """A number for each character, a code point of Unicode: `decode` gives back what was encoded.

    Letters with combining marks and many emoji are several characters. `unknown` is the entry, a
    character too, that stands for all that the vocabulary lacks; None refuses them.

    Raises `CircuitError` for entries that are not single characters, or stand there twice.

    >>> letters = Characters.of("hello")
    >>> letters.encode("hole")
    array([1, 3, 2, 0])
    >>> letters.decode([1, 3, 2, 0])
    'hole'
    >>> letters.encode("help")
    Traceback (most recent call last):
        ...
    pullback.core.errors.CircuitError: the character 'p' at position 3 is not in the vocabulary: \
make it of text that has it, or with unknown=... have one entry for all that it lacks
    """

    vocabulary: tuple[str, ...]
    unknown: str | None = None
    whole_words: ClassVar[bool] = False

    def __post_init__(self) -> None:
        entries = checked_vocabulary(self.vocabulary, self.unknown, "character")
        long = next((entry for entry in entries if len(entry) != 1), None)
        if long is not None:
            raise CircuitError(f"an entry of Characters is one character, got {long!r}")
        object.__setattr__(self, "vocabulary", entries)

    @classmethod
    def of(
        cls, text: str | Iterable[str], *, minimum: int = 1, unknown: str | None = None
    ) -> Characters:
        """The characters that stand in a text, or in several, `minimum` times at least, in order.

        `unknown`, "\\ufffd" say, is added where it is not among them.

        >>> Characters.of(["to be", "or not"], minimum=2, unknown="?").vocabulary
        (' ', '?', 'o', 't')
        """
        counts = np.zeros(0, np.int64)
        for piece in [text] if isinstance(text, str) else text:
            found = np.bincount(_code_points(checked_text(piece)))
            size = max(len(counts), len(found))
            counts = np.pad(counts, (0, size - len(counts)))
            counts[: len(found)] += found
        entries = {chr(k) for k in np.flatnonzero(counts >= max(minimum, 1))}
        if unknown is not None:
            entries.add(unknown)
        return cls(tuple(sorted(entries)), unknown)

    def encode(self, text: str) -> np.ndarray:
        """The number of each character, (characters,) of int64; see `Tokenizer.encode`."""
        points = _code_points(checked_text(text))
        table, other = self._table, self._other
        inside = points < len(table)
        numbers = np.where(inside, table[np.where(inside, points, 0)], -1)
        missing = np.flatnonzero(numbers < 0)
        if missing.size:
            if other is None:
                at = int(missing[0])
                refuse_unknown("character", text[at], at)
            numbers[missing] = other
        return numbers

    def decode(self, numbers: Any) -> str:
        """The characters of numbers (characters,) in a row."""
        which = checked_numbers(numbers, len(self.vocabulary))
        return self._points[which].tobytes().decode("utf-32-le", "surrogatepass")

    def stream(self, numbers: Iterable[int], after: Iterable[int] = ()) -> Iterator[str]:
        """The character of each number as it comes."""
        count = len(self.vocabulary)
        for number in numbers:
            if not 0 <= number < count:
                checked_numbers([number], count)  # which refuses it
            yield self.vocabulary[number]

    def describe(self) -> dict[str, Any]:
        """What `tokenizer_from` makes it from again, as JSON can hold it."""
        return {"kind": "Characters", "vocabulary": list(self.vocabulary), "unknown": self.unknown}

    @classmethod
    def construct(cls, description: Mapping[str, Any]) -> Characters:
        """The tokenizer that `describe` told of."""
        return cls(**description)

    @cached_property
    def _points(self) -> np.ndarray:
        """The code point of each entry."""
        return _code_points("".join(self.vocabulary))

    @cached_property
    def _table(self) -> np.ndarray:
        """The number of the entry of each code point, -1 where there is none."""
        table = np.full(int(self._points.max()) + 1, -1, np.int64)
        table[self._points] = np.arange(len(self._points))
        return table

    @cached_property
    def _other(self) -> int | None:
        """The number of the entry for the unknown."""
        return None if self.unknown is None else self.vocabulary.index(self.unknown)


def _code_points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
