"""In: a text file of any length. Out: its text, piece by piece, in memory for one of them."""

from __future__ import annotations

import codecs
import gzip
import os
import re
import zlib
from collections.abc import Iterator
from typing import IO, cast

from pullback.core.errors import CircuitError

_PIECE = 1 << 16  # bytes that are read at once
_WORD_END = re.compile(r"\S(?=[ \t\r\n])")


def text_pieces(
    path: str | os.PathLike[str], encoding: str = "utf-8", *, whole_words: bool = True
) -> Iterator[str]:
    """The text of a file, compressed (".gz") or not, piece by piece, line ends as they are.

    A piece ends with a word, be it a long one, unless `whole_words` says that it need not.

    Raises `CircuitError` where the file cannot be read, or has bytes of another encoding.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.txt")
    ...     n = path.write_text("to be or not to be")
    ...     "".join(text_pieces(path))
    'to be or not to be'
    """
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
    except LookupError:
        raise CircuitError(f"there is no encoding {encoding!r}; most text is 'utf-8'") from None
    held, at = "", 0
    try:
        with opened(path) as file:
            while data := file.read(_PIECE):
                if not at:
                    refuse_no_text(path, data)
                    _refuse_wide(path, data, encoding)
                before = len(held)
                waiting = len(decoder.getstate()[0])  # bytes of a character that is not whole yet
                try:
                    held += decoder.decode(data)
                except UnicodeError as error:  # of UTF-16 without its mark, one that names no byte
                    _refuse_bytes(path, at - waiting + getattr(error, "start", 0), encoding)
                at += len(data)
                cut = _last_word_end(held, max(before - 1, 0)) if whole_words else len(held)
                if cut:
                    yield held[:cut]
                    held = held[cut:]
        try:
            held += decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            _refuse_bytes(path, at - len(decoder.getstate()[0]) + error.start, encoding)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CircuitError(f"cannot read {path}: {error}; it is damaged") from None
    except OSError as error:
        raise CircuitError(f"cannot read {path}: {error.strerror or error}") from None
    if held:
        yield held


def opened(path: str | os.PathLike[str]) -> IO[bytes]:
    """A file of text, to be read as bytes, of a compressed one as those inside."""
    compressed = os.fspath(path).lower().endswith(".gz")
    return cast("IO[bytes]", gzip.open(path, "rb") if compressed else open(path, "rb"))


_OTHERS = {
    b"RIFF": "a recording or film",
    b"fLaC": "a recording",
    b"PK\x03\x04": "a ZIP archive, as office documents and books are: save it as plain text",
    b"\x1f\x8b": "compressed: name it .gz, or unpack it",
    b"%PDF": "a PDF: save it as plain text",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"{\\rtf": "a document in RTF: save it as plain text",
}
"""How files begin that are no text, and what they are."""


def refuse_no_text(path: str | os.PathLike[str], start: bytes) -> None:
    """Raise `CircuitError` for a file that begins as other kinds of files do."""
    for beginning, what in _OTHERS.items():
        if start.startswith(beginning):
            raise CircuitError(f"{path} is no text: it is {what}")


def _refuse_wide(path: str | os.PathLike[str], start: bytes, encoding: str) -> None:
    """Raise `CircuitError` for text in UTF-16 or UTF-32 that is to be read as another encoding."""
    if codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")):
        return
    marked = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if marked or start.count(0) > len(start) // 8:
        raise CircuitError(
            f"{path} is not text in {encoding}: by its {'first' if marked else 'many zero'} bytes "
            "it is in UTF-16, or no text at all; give encoding='utf-16' then"
        )


def _last_word_end(text: str, start: int = 0) -> int:
    """Where the last word ends, from `start` on, that is followed by a space; 0 where none is.

    >>> _last_word_end("to be or"), _last_word_end("word"), _last_word_end("a  ")
    (5, 0, 1)
    """
    for first in (max(start, len(text) - 256), start):  # as a rule, words are short
        ends = [match.end() for match in _WORD_END.finditer(text, first)]
        if ends:
            return ends[-1]
    return 0


def _refuse_bytes(path: str | os.PathLike[str], at: int, encoding: str) -> None:
    raise CircuitError(
        f"{path} is not text in {encoding}, by its byte {at}; give the encoding that it is in, "
        "such as encoding='latin-1'"
    )
