"""In: a text file of any length. Out: its text by pieces, and its numbers in a file of their own.

Neither needs memory for more than a piece. The pieces' numbers are those of the whole, for every
tokenizer of this library: where it matters, a piece ends where a word does.
"""

from __future__ import annotations

import codecs
import gzip
import os
import re
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.lib import format as npy

from pullback.core.errors import CircuitError
from pullback.sequences.text.tokenizer import Tokenizer

_PIECE = 1 << 16  # bytes that are read at once
_WORD_END = re.compile(r"\S(?=[ \t\r\n])")


def text_pieces(
    path: str | os.PathLike[str], encoding: str = "utf-8", *, whole_words: bool = True
) -> Iterator[str]:
    """The text of a file, compressed (".gz") or not, piece by piece, line ends as they are.

    A piece ends with a word, be it a long one, unless `whole_words` says that it need not.

    Raises `CircuitError` where the file cannot be read, or has bytes of another encoding.

    >>> import tempfile
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
                before = len(held)
                waiting = len(decoder.getstate()[0])  # bytes of a character that is not whole yet
                try:
                    held += decoder.decode(data)
                except UnicodeDecodeError as error:
                    _refuse_bytes(path, at - waiting + error.start, encoding)
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


def encode_file(
    path: str | os.PathLike[str],
    tokenizer: Tokenizer,
    to: str | os.PathLike[str],
    *,
    encoding: str = "utf-8",
) -> np.ndarray:
    """The numbers of a text file, written to the file `to` and mapped into memory from there.

    `to` ends in ".npy"; `numpy.load(to, mmap_mode="r")` opens it again. Each number takes as few
    bytes as the vocabulary allows. The file is written to the side and renamed into place.

    Raises `CircuitError` as `text_pieces` and the tokenizer do, the latter with the file's name,
    and where `to` cannot be written.

    >>> from pullback.sequences.text import Characters
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path, to = Path(folder, "a.txt"), Path(folder, "a.npy")
    ...     n = path.write_text("abba")
    ...     encode_file(path, Characters.of("ab"), to).tolist()
    [0, 1, 1, 0]
    """
    to = Path(to)
    if to.suffix != ".npy":
        raise CircuitError(f"numbers are written to a file that ends in .npy, got {to}")
    dtype = np.min_scalar_type(max(len(tokenizer) - 1, 0))
    aside = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=to.parent, prefix=f".{to.name}.", delete=False
        ) as file:
            aside = file.name
            _write(file, path, tokenizer, dtype, encoding)
        os.replace(aside, to)
    except BaseException as error:
        if aside is not None:
            Path(aside).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise CircuitError(f"cannot write {to}: {error.strerror or error}") from None
        raise
    return np.load(to, mmap_mode="r")


def _write(
    file: Any,
    path: str | os.PathLike[str],
    tokenizer: Tokenizer,
    dtype: np.dtype,
    encoding: str,
) -> None:
    """The header and the numbers; the header is written again when their count is known."""

    def header(count: int) -> None:
        file.seek(0)
        npy.write_array_header_1_0(
            file, {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": (count,)}
        )

    header(0)
    start, count, characters = file.tell(), 0, 0
    for piece in text_pieces(path, encoding, whole_words=tokenizer.whole_words):
        try:
            numbers = tokenizer.encode(piece)
        except CircuitError as error:
            raise CircuitError(f"{path}, from character {characters} on: {error}") from None
        file.write(numbers.astype(dtype).tobytes())
        count += len(numbers)
        characters += len(piece)
    header(count)
    assert file.tell() == start, "the header has room for any count"


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
