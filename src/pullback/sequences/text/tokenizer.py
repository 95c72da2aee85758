"""In: text. Out: whole numbers, one for each entry of a vocabulary; and back.

A tokenizer is frozen. What it is goes into a file as plain JSON (`describe`), from which
`tokenizer_from` makes it again; `save_with` keeps it in the file of the model that it is for.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.registry import Registry
from pullback.core.values import plain_array
from pullback.layers.layer import Layer
from pullback.layers.saving import load_model, save_model
from pullback.layers.storage import read_about

TOKENIZERS: Registry[type[Tokenizer]] = Registry("tokenizer")
T = TypeVar("T", bound="type[Tokenizer]")
_KEY = "tokenizer"  # of what a file holds beside a model


class Tokenizer(ABC):
    """Text to numbers from 0 to `len(tokenizer) - 1`, and back; nothing is dropped unsaid."""

    vocabulary: tuple[str, ...]
    """The entries, each at its number."""

    context = 0  # how many entries before it the text of an entry depends on
    whole_words = True  # whether the numbers of pieces are those of the whole at ends of words only

    @abstractmethod
    def encode(self, text: str) -> np.ndarray:
        """The numbers of a text, (steps,) of int64.

        Raises `CircuitError` for what is no text, and for the first part of it that is not in the
        vocabulary, unless there is an entry for the unknown.
        """

    @abstractmethod
    def decode(self, numbers: Any) -> str:
        """The text of numbers (steps,). Raises `CircuitError` for what is no entry's number."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """What `tokenizer_from` makes it from again, as JSON can hold it."""

    @classmethod
    @abstractmethod
    def construct(cls, description: Mapping[str, Any]) -> Tokenizer:
        """The tokenizer that `describe` told of."""

    def __len__(self) -> int:
        """The number of entries: the count of an `Embedding`, the classes of a `Dense`."""
        return len(self.vocabulary)

    def stream(self, numbers: Iterable[int], after: Iterable[int] = ()) -> Iterator[str]:
        """The text of numbers as they come: what is yielded adds up to what `decode` gives.

        Where others stand before them, `after` these, it goes on from their text.
        """
        before = list(after)
        held: list[int] = before[len(before) - self.context :] if self.context else []
        shown = len(self.decode(held))
        for number in numbers:
            held.append(int(number))
            text = self.decode(held)
            if self._is_unfinished(text):
                continue
            yield text[shown:]
            held = held[len(held) - self.context :]
            shown = len(self.decode(held))
        if rest := self.decode(held)[shown:]:
            yield rest

    def _is_unfinished(self, text: str) -> bool:
        """Whether the next number may change the end of this text."""
        return False


def register(tokenizer: T) -> T:
    """Decorate a tokenizer so that files, which name it, find it."""
    TOKENIZERS.add(tokenizer.__name__, tokenizer)
    return tokenizer


def tokenizer_from(description: Any) -> Tokenizer:
    """The tokenizer that `describe` told of.

    Raises `CircuitError` where the description is of no tokenizer, or is damaged.

    >>> from pullback.sequences.text import Characters
    >>> tokenizer_from(Characters.of("abba").describe())
    Characters(vocabulary=('a', 'b'), unknown=None)
    """
    try:
        fields = dict(description)
        kind = fields.pop("kind")
        if kind not in TOKENIZERS:
            raise CircuitError(f"it is of the kind {kind!r}; there are: {', '.join(TOKENIZERS)}")
        return TOKENIZERS[kind].construct(fields)
    except (CircuitError, KeyError, TypeError, ValueError) as error:
        raise CircuitError(f"this describes no tokenizer: {error}") from None


def save_with(model: Layer, tokenizer: Tokenizer, path: str | os.PathLike[str]) -> None:
    """Write a model as `model.save` does, with the tokenizer in the same file, as plain JSON.

    Raises `CircuitError` as `Layer.save` does.
    """
    save_model(model, path, {_KEY: tokenizer.describe()})


def load_with(path: str | os.PathLike[str]) -> tuple[Layer, Tokenizer]:
    """The model and the tokenizer that `save_with` wrote. Nothing in the file can run code.

    Raises `CircuitError` as `Layer.load` does, and where the file has no tokenizer.
    """
    model, tokenizer = load_model(path), load_tokenizer(path)
    return model, tokenizer


def load_tokenizer(path: str | os.PathLike[str]) -> Tokenizer:
    """The tokenizer alone that `save_with` wrote, as for a model whose code no file holds.

    Raises `CircuitError` where the file is missing or damaged, or has no tokenizer.
    """
    _, about = read_about(path)
    if not isinstance(about, Mapping) or _KEY not in about:
        raise CircuitError(f"{path} holds no tokenizer: write the model with save_with")
    return tokenizer_from(about[_KEY])


# What tokenizers check ---------------------------------------------------------------------------


def checked_text(text: Any) -> str:
    """A text as it is; `CircuitError` for anything else."""
    if not isinstance(text, str):
        raise CircuitError(f"a tokenizer encodes a text, got {type(text).__name__}")
    return text


def checked_numbers(numbers: Any, count: int) -> np.ndarray:
    """Numbers of entries as an array (steps,).

    >>> checked_numbers([0, 7], 3)
    Traceback (most recent call last):
        ...
    pullback.core.errors.CircuitError: the vocabulary has entries 0 to 2, and 7 is asked for at \
position 1
    """
    array = plain_array(numbers, "numbers to decode")
    if array.size == 0:
        array = array.astype(np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise CircuitError(
            f"numbers to decode are whole numbers in one row, got {array.dtype} of shape "
            f"{array.shape}"
        )
    outside = np.flatnonzero((array < 0) | (array >= count))
    if outside.size:
        at = int(outside[0])
        raise CircuitError(
            f"the vocabulary has entries 0 to {count - 1}, and {array[at]} is asked for at "
            f"position {at}"
        )
    return array


def checked_vocabulary(entries: Any, unknown: Any, what: str) -> tuple[str, ...]:
    """Entries, each a text that stands there once, and the unknown's among them, if it has one."""
    entries = tuple(entries)
    odd = [entry for entry in entries if not isinstance(entry, str) or not entry]
    if odd:
        raise CircuitError(
            f"an entry of a vocabulary is a text of a {what} or more, got {odd[0]!r}"
        )
    if len(set(entries)) != len(entries):
        twice = next(entry for entry in entries if entries.count(entry) > 1)
        raise CircuitError(f"{twice!r} stands in the vocabulary twice; give each {what} once")
    if not entries:
        raise CircuitError(f"a vocabulary needs a {what} at least; the text is empty")
    if unknown is not None and unknown not in entries:
        raise CircuitError(f"the entry for the unknown, {unknown!r}, is not in the vocabulary")
    return entries


def refuse_unknown(what: str, part: str, position: int) -> None:
    """Raise for a character or word that is not in the vocabulary, with the cure."""
    raise CircuitError(
        f"the {what} {part!r} at position {position} is not in the vocabulary: make it of text "
        "that has it, or with unknown=... have one entry for all that it lacks"
    )
