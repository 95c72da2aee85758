"""A long text as a data set: what is to be learned from, and what is kept to judge by."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.shown import Shown
from pullback.core.text import counted
from pullback.files.text import text_pieces
from pullback.sequences.text.files import encode_file
from pullback.sequences.text.tokenizer import Tokenizer
from pullback.tables.showing import heading

Numbers = tuple[np.ndarray, np.ndarray]
_KEPT = 10  # the last of so many parts is kept, where nothing else is told
_SHOWN = 300  # characters that a text shows of itself


@dataclass(frozen=True, repr=False)
class Text(Shown):
    """A text, and where it is from; `validation` is the part of it that is kept to judge by.

    >>> len(Text("greeting", "hello"))
    5
    """

    name: str
    text: str
    source: str = ""
    validation: Text | None = None

    def __len__(self) -> int:
        """The number of characters."""
        return len(self.text)

    def _says(self) -> Iterator[str]:
        own = {"validation": self.validation}
        yield from heading(self.name, counted(len(self), "character"), (), self.source, **own)
        yield self.text[:_SHOWN] + "…" * (len(self.text) > _SHOWN)

    def pieces(self) -> Iterator[str]:
        """All of it, with what is kept to judge by."""
        yield self.text
        if self.validation is not None:
            yield from self.validation.pieces()

    def numbers(self, tokenizer: Tokenizer) -> Numbers:
        """Its numbers, and those of what is kept to judge by: by default its last tenth.

        >>> from pullback.sequences.text import Characters
        >>> [x.tolist() for x in Text("letters", "abbaabbaab").numbers(Characters.of("ab"))]
        [[0, 1, 1, 0, 0, 1, 1, 0, 0], [1]]
        """
        numbers = tokenizer.encode(self.text)
        if self.validation is None:
            return _cut(numbers)
        return numbers, tokenizer.encode(self.validation.text)


@dataclass(frozen=True)
class TextFile:
    """A text in a file, which may be larger than memory; its last tenth is kept to judge by.

    Raises `CircuitError`, when it is read, as `text_pieces` does.

    >>> TextFile("notes.txt").name
    'notes.txt'
    """

    path: str | os.PathLike[str]
    encoding: str = "utf-8-sig"  # UTF-8, with a mark of the byte order or without

    @property
    def name(self) -> str:
        return Path(self.path).name

    @property
    def source(self) -> str:
        return f"the file {os.fspath(self.path)}"

    def pieces(self) -> Iterator[str]:
        """All of it, piece by piece."""
        return text_pieces(self.path, self.encoding)

    def numbers(self, tokenizer: Tokenizer) -> Numbers:
        """Its numbers, and those of its last tenth, which lie in a file without a name.

        Raises `CircuitError` as `encode_file` does.
        """
        with tempfile.TemporaryDirectory(prefix="pullback-") as folder:
            to = Path(folder, "numbers.npy")
            encode_file(self.path, tokenizer, to, encoding=self.encoding)
            if os.path.getsize(to) < 1 << 24 or os.name == "nt":  # small, or not to be unlinked
                return _cut(np.load(to))
            return _cut(np.load(to, mmap_mode="r"))


def _cut(numbers: np.ndarray) -> Numbers:
    if not len(numbers):
        raise CircuitError("the text is empty: there is nothing to learn")
    cut = len(numbers) * (_KEPT - 1) // _KEPT
    return numbers[:cut], numbers[cut:]
