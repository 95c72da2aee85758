"""In: lists of tokens, or text files. Out: sentences, each a list of words, as often as asked.

A corpus is whatever can be walked through more than once and gives lists of words. Files of text
become one by `TextFiles`, which holds no more than a piece of them.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from pullback.core.errors import CircuitError
from pullback.files.text import text_pieces

Sentences = Iterable[Sequence[str]]
_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_LONGEST = 10_000  # words of a sentence: what is longer, such as a text in one line, is cut


def split_lower(text: str) -> list[str]:
    """The words of a text in lower case: runs of letters, with apostrophes inside; no numbers.

    Marks that belong to the letter before them, as vowels of Hindi do, are part of a word. A
    typographic apostrophe (’) becomes a straight one, so that both are the same word.

    >>> split_lower("Call me Ishmael. Don’t -- 3 times!"), split_lower("हिन्दी भाषा")
    (['call', 'me', 'ishmael', "don't", 'times'], ['हिन्दी', 'भाषा'])
    """
    return _word().findall(text.lower().replace("’", "'"))


@cache
def _word() -> re.Pattern[str]:
    every = map(chr, range(0x300, 0x10000))
    marks = "".join(x for x in every if unicodedata.category(x).startswith("M"))
    return re.compile(rf"[^\W\d_]+(?:'[^\W\d_]+|[{marks}]+[^\W\d_]*)*")


@dataclass(frozen=True)
class TextFiles:
    """The sentences of text files, compressed (".gz") or not, read anew each time, by pieces.

    `split` makes words of a text. No window reaches past an empty line, where a paragraph ends;
    with `lines`, every line is a sentence of its own, as in a file that was made so. What is longer
    than 10,000 words is cut.

    Raises `CircuitError` where there is no path, or no such file; and when they are read, where a
    file is no text or in another encoding.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.txt")
    ...     n = path.write_text("To be, or\\nnot to be.\\n\\nThat is the question.")
    ...     list(TextFiles(path))
    [['to', 'be', 'or', 'not', 'to', 'be'], ['that', 'is', 'the', 'question']]
    """

    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
    encoding: str = "utf-8-sig"  # UTF-8, with a mark of the byte order or without
    split: Callable[[str], Sequence[str]] = field(default=split_lower, repr=False)
    lines: bool = False

    def __post_init__(self) -> None:
        paths = self.paths
        several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
        if not several:
            raise CircuitError("a corpus needs the path of a text file, or several; got none")
        for path in several:
            if not os.path.isfile(path):
                what = "is a folder" if os.path.isdir(path) else "is no file"
                raise CircuitError(f"{os.fspath(path)} {what}; give the paths of text files")
        object.__setattr__(self, "paths", tuple(map(Path, several)))

    def __iter__(self) -> Iterator[Sequence[str]]:
        paths: Any = self.paths
        for path in paths:  # each begins a sentence of its own
            for sentence in _divided(text_pieces(path, self.encoding), self.lines):
                words = self.split(sentence)
                for first in range(0, len(words), _LONGEST):
                    yield words[first : first + _LONGEST]


def _divided(pieces: Iterator[str], lines: bool) -> Iterator[str]:
    """Texts that end where a sentence does, of pieces that end anywhere between words."""
    held = ""
    for piece in pieces:
        text = (held + piece).replace("\r\n", "\n").replace("\r", "\n")
        *whole, held = text.split("\n") if lines else _PARAGRAPH.split(text)
        yield from whole
        if len(held) > 1 << 17:  # a text without ends
            yield held
            held = ""
    yield held


def corpus_of(corpus: Any) -> Sentences:
    """A corpus as it can be walked through: paths of text files become `TextFiles`.

    Raises `CircuitError` for a text that is no path, for texts where lists of words are meant, for
    what can be walked through only once, or not at all.

    >>> corpus_of("To be or not to be")
    Traceback (most recent call last):
        ...
    pullback.core.errors.CircuitError: there is no file 'To be or not to be'. A corpus is the path \
of a text file, or lists of words; to learn from this text, divide it: \
[['to', 'be', 'or', 'not', 'to'], ...]
    """
    if isinstance(corpus, os.PathLike) or (isinstance(corpus, str) and os.path.exists(corpus)):
        return TextFiles(corpus)
    if isinstance(corpus, str):
        raise CircuitError(
            f"there is no file {_short(corpus)}. A corpus is the path of a text file, or lists of "
            f"words; to learn from this text, divide it: [{split_lower(corpus)[:5]}, ...]"
        )
    if isinstance(corpus, set | frozenset):
        raise CircuitError("a corpus is read in an order, which a set has not; give a list")
    if not isinstance(corpus, Iterable) or isinstance(corpus, bytes | dict):
        raise CircuitError(
            "a corpus is a list of lists of words, or the path of a text file, got "
            f"{type(corpus).__name__}"
        )
    if isinstance(corpus, Iterator):
        raise CircuitError(
            f"a corpus is read more than once, which a {type(corpus).__name__} cannot be; give a "
            "list of lists of words, an object whose __iter__ starts anew, or the path of a file"
        )
    if isinstance(corpus, Sequence) and corpus:
        if all(isinstance(part, str) for part in corpus):
            return _files(corpus)
        if all(isinstance(part, str | os.PathLike) for part in corpus):
            return TextFiles(corpus)
    return corpus


def _files(names: Sequence[str]) -> TextFiles:
    """The files of these names; where none is there, they are texts that were given by mistake."""
    missing = [name for name in names if not os.path.isfile(name)]
    if missing and len(missing) == len(names):
        refuse_text(missing[0], 0)
    if missing:
        raise CircuitError(f"there is no file {_short(missing[0])}")
    return TextFiles(names)


def refuse_text(sentence: str | bytes, number: int) -> NoReturn:
    """Raise `CircuitError` for a text where a list of words is meant."""
    text = str(sentence) if isinstance(sentence, str) else sentence.decode("utf-8", "replace")
    if os.path.isfile(text):
        raise CircuitError(
            f"sentence {number} of the corpus is the name of a file, {_short(text)}; several files "
            "are given as a list of their paths"
        )
    raise CircuitError(
        f"sentence {number} of the corpus is a text, {_short(text)}, and there is no file of that "
        f"name; a sentence is a list of words: {split_lower(text)[:4]}"
    )


def words_of(sentence: Any, number: int) -> Iterable[str]:
    """A sentence, as words one by one.

    Raises `CircuitError` where it is a text, or has no order of words.
    """
    if isinstance(sentence, str | bytes):
        refuse_text(sentence, number)
    if not isinstance(sentence, Iterable) or isinstance(sentence, dict | set | frozenset):
        raise CircuitError(
            f"sentence {number} of the corpus must be a list of words, got "
            f"{type(sentence).__name__} {sentence!r:.60}"
        )
    return sentence


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
