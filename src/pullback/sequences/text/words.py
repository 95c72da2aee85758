"""The tokenizer of words, and how text is divided into them."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, ClassVar, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.inspect.arguments import at_least_one
from pullback.sequences.text.tokenizer import (
    Tokenizer,
    checked_numbers,
    checked_vocabulary,
    refuse_unknown,
    register,
)

_LEFT, _RIGHT = frozenset(".,;:!?)]}…%\n"), frozenset("([{\n")  # marks that lean on a word


def split_words(text: str) -> list[str]:
    """A text as words, numbers, marks and line ends, without the spaces between them.

    A word is a run of letters, digits and underscores with their combining marks, and may have an
    apostrophe or a hyphen inside; a number may have points and commas inside; any other character
    is a mark of its own, an emoji with all that belongs to it. Every end of a line, be it LF, CR LF
    or CR, is a "\\n".

    >>> split_words("Don't pay 3.50, jean-claud!")
    ["Don't", 'pay', '3.50', ',', 'jean-claud', '!']
    """
    return ["\n" if word == "\r\n" or word == "\r" else word for word in _pattern(text)(text)]


def word_ngrams(words: Sequence[str], longest: int = 2) -> list[str]:
    """The words, and behind them all runs of 2 words, and so on up to `longest`, as one text each.

    They are given to `Words` as words are: what a bag of words forgets of their order, some keep.

    Raises `CircuitError` for a `longest` below 1.

    >>> word_ngrams(["not", "so", "good"])
    ['not', 'so', 'good', 'not so', 'so good']
    """
    at_least_one(longest=longest)
    return [
        " ".join(words[k : k + n]) for n in range(1, longest + 1) for k in range(len(words) - n + 1)
    ]


def join_words(words: Iterable[str]) -> str:
    """Words as text, with spaces between them but beside line ends, brackets and closing marks.

    `split_words` divides what it makes into the same words.

    >>> join_words(["Don't", "pay", "(", "3.50", ")", "!"])
    "Don't pay (3.50)!"
    """
    pieces: list[str] = []
    for word in words:
        if pieces and not _are_beside(pieces[-1], word):
            pieces.append(" ")
        pieces.append(word)
    return "".join(pieces)


def _are_beside(word: str, other: str) -> bool:
    """Whether no space stands between two words; what would join them to one is kept apart."""
    if other in _LEFT:
        return not word.endswith("\u200d")
    return word in _RIGHT and (other[:1].isascii() or other[:1].isalnum())


def _pattern(text: str) -> Any:
    return _compiled("" if text.isascii() else _marks()).findall


@cache
def _compiled(marks: str) -> re.Pattern[str]:
    """The pattern of a word, where `marks` are the characters that belong to the one before."""
    word = rf"\w[\w{marks}]*"
    mark = rf"[^\w\s][{marks}]*(?:(?<=\u200d)[^\w\s][{marks}]*)*" if marks else r"[^\w\s]"
    flag = r"[\U0001f1e6-\U0001f1ff]{2}|" if marks else ""
    return re.compile(
        rf"\r\n|[\r\n]|\d+(?:[.,]\d+)+(?![\w{marks}])|{word}(?:['’-]{word})*|{flag}{mark}"
    )


@cache
def _marks() -> str:
    """All that belongs to the character before it: combining marks, joiners, tones of skin."""
    planes = (*range(0x300, 0x20000), *range(0xE0100, 0xE01F0))
    found = {k for k in planes if unicodedata.category(chr(k)) in ("Mn", "Mc", "Me")}
    found |= {0x200C, 0x200D, *range(0x1F3FB, 0x1F400), *range(0xE0020, 0xE0080)}
    starts = sorted(k for k in found if k - 1 not in found)
    ends = sorted(k for k in found if k + 1 not in found)
    return "".join(f"{chr(a)}-{chr(b)}" for a, b in zip(starts, ends, strict=True))


@final
@register
@dataclass(frozen=True)
class Words(Tokenizer):
    """A number for each word, as `split_words` divides a text, or as they are given.

    `decode` makes a text by `join_words`: other spaces than it sets are not kept. `unknown` is the
    entry that stands for all words that the vocabulary lacks; None refuses them. With `lower`, all
    are taken in lower case.

    Raises `CircuitError` for entries that are no words, or stand there twice.

    >>> words = Words.of("The cat saw the dog.", lower=True)
    >>> words.vocabulary
    ('the', '.', 'cat', 'dog', 'saw')
    >>> words.encode("The dog saw the cat.")
    array([0, 3, 4, 0, 2, 1])
    >>> words.decode([0, 3, 4, 0, 2, 1])
    'the dog saw the cat.'
    """

    vocabulary: tuple[str, ...]
    unknown: str | None = None
    lower: bool = False
    context: ClassVar[int] = 1

    def __post_init__(self) -> None:
        entries = checked_vocabulary(self.vocabulary, self.unknown, "word")
        object.__setattr__(self, "vocabulary", entries)

    @classmethod
    def of(
        cls,
        text: str | Iterable[str | Sequence[str]],
        *,
        minimum: int = 1,
        most: int | None = None,
        unknown: str | None = None,
        lower: bool = False,
    ) -> Words:
        """The words of a text or of several, which may be divided already, the frequent ones first.

        Those that stand there `minimum` times at least, and `most` of them; `unknown`, "<unknown>"
        say, is entry 0.

        >>> Words.of([["a", "b"], ["b"]], minimum=2, unknown="<unknown>").vocabulary
        ('<unknown>', 'b')
        """
        counts: Counter[str] = Counter()
        for piece in [text] if isinstance(text, str) else text:
            counts.update(_divided(piece, lower))
        counts.pop(unknown or "", None)
        kept = [word for word, n in counts.items() if n >= minimum]
        kept = sorted(kept, key=lambda word: (-counts[word], word))[:most]
        return cls((*(() if unknown is None else (unknown,)), *kept), unknown, lower)

    def encode(self, text: str | Sequence[str]) -> np.ndarray:
        """The number of each word of a text, or of words, (words,) of int64."""
        words = _divided(text, self.lower)
        places, other = self._places, -1 if self.unknown is None else self._places[self.unknown]
        numbers = np.fromiter((places.get(word, other) for word in words), np.int64, len(words))
        missing = np.flatnonzero(numbers < 0)
        if missing.size:
            at = int(missing[0])
            refuse_unknown("word", words[at], at)
        return numbers

    def decode(self, numbers: Any) -> str:
        """The text of numbers (words,), by `join_words`."""
        return join_words(self.vocabulary[k] for k in checked_numbers(numbers, len(self)))

    def describe(self) -> dict[str, Any]:
        """What `tokenizer_from` makes it from again, as JSON can hold it."""
        return {
            "kind": "Words",
            "vocabulary": list(self.vocabulary),
            "unknown": self.unknown,
            "lower": self.lower,
        }

    @classmethod
    def construct(cls, description: Mapping[str, Any]) -> Words:
        """The tokenizer that `describe` told of."""
        return cls(**description)

    @cached_property
    def _places(self) -> dict[str, int]:
        """The number of each entry."""
        return {word: k for k, word in enumerate(self.vocabulary)}


def _divided(text: Any, lower: bool) -> list[str]:
    """The words of a text, or those that are given."""
    if isinstance(text, str):
        words = split_words(text)
    else:
        words = list(text) if isinstance(text, Sequence) else [text]
        odd = next((word for word in words if not isinstance(word, str) or not word), None)
        if odd is not None or not isinstance(text, Sequence):
            raise CircuitError(f"words are a text or a list of texts, got {odd!r}")
    return [word.lower() for word in words] if lower else words
