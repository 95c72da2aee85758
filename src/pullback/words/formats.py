"""In: word vectors and a path. Out: a file in the format that its ending names; and back.

Reading goes by what is in the file: safetensors, word2vec's text and binary formats, GloVe's text,
each but the first compressed by gzip or not. It takes a batch at a time, so that memory holds the
matrix and little else.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from pullback.core.aside import replacing
from pullback.core.errors import CircuitError
from pullback.files.progress import working
from pullback.files.words import text_of
from pullback.words import binary, kept, lines
from pullback.words.rows import Batch, Rows

if TYPE_CHECKING:
    from pullback.words.vectors import WordVectors

ENDINGS = (".safetensors", ".bin", ".bin.gz", ".txt", ".txt.gz", ".vec", ".vec.gz")
"""How files are named that can be written."""
_HEADER = re.compile(rb"[ \t]*(\d{1,12})[ \t]+(\d{1,12})[ \t]*\r?\n")
_MOST_DIMENSIONS = 100_000
_START = 1 << 16  # bytes by which a file is told
_LONGEST = 10_000  # letters of a word, of up to 4 bytes each, so that one is within these
_GZIP = b"\x1f\x8b"
_OTHERS = {
    (793712314).to_bytes(4, "little"): "fastText's own format, which keeps a whole model; its "
    "vectors alone are in the .vec file beside it",
    b"PK\x03\x04": "a ZIP archive: unpack it, and give the file inside",
    b"\x80": "a pickle, which can run code when it is opened, as `save` of gensim writes it; in "
    "gensim, save_word2vec_format(path, binary=True) writes a .bin file",
    b"\x93NUMPY": "a matrix without words",
    b"\x89HDF": "HDF5",
    b"BZh": "compressed by bzip2: unpack it",
    b"\xfd7zXZ": "compressed by xz: unpack it",
    b"<": "a page of a web site: perhaps the download went wrong",
}
"""How files begin that hold no vectors, or none that are read here, and what they are."""


def ending_of(path: str | os.PathLike[str]) -> str:
    """The one of `ENDINGS` that a file is named by.

    Raises `CircuitError` for another ending.

    >>> ending_of("news.bin.gz"), ending_of("News.SAFETENSORS")
    ('.bin.gz', '.safetensors')
    """
    name = Path(path).name.lower()
    ending = next((e for e in ENDINGS if name.endswith(e) and name != e), None)
    if ending is None:
        raise CircuitError(
            f"{text_of(path)} tells no format by its ending: .safetensors keeps all; .bin, .txt "
            "and .vec are word2vec's, which other programs read; .gz after them compresses"
        )
    return ending


def write(path: str | os.PathLike[str], vectors: WordVectors) -> None:
    """Write word vectors in the format that the ending names.

    Raises `CircuitError` for an ending or a word that no format has room for, or where the file
    cannot be written.
    """
    ending = ending_of(path)
    _refuse_words(path, vectors.words, spaces=ending == ".safetensors")
    if ending == ".safetensors":
        kept.write(path, vectors)
        return
    form = binary if ending.startswith(".bin") else lines
    name = f"writing {Path(path).name}"
    with (
        working(name, len(vectors)) as line,
        replacing(path) as raw,
        _packing(raw, ending.endswith(".gz")) as file,
    ):
        for count in form.write(file, vectors.words, vectors.matrix):
            line.advance(count)


@contextmanager
def _packing(raw: IO[bytes], compressed: bool) -> Iterator[IO[bytes]]:
    """The same file, or one whose bytes are compressed into it, without a date or a name."""
    if not compressed:
        yield raw
        return
    with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
        yield cast("IO[bytes]", file)


def _refuse_words(path: str | os.PathLike[str], words: tuple[str, ...], spaces: bool) -> None:
    """Raise `CircuitError` for a word that cannot be told from its neighbours in a file."""
    ends = re.compile(r"\n" if spaces else r"[ \t\r\n]")
    for word in words:
        if not spaces and len(word) > _LONGEST:
            raise CircuitError(
                f"{text_of(path)} cannot hold a word of {len(word):,} letters, as {word!r:.60} is, "
                f"and at most {_LONGEST:,}; .safetensors can"
            )
        if ends.search(word) or not _is_text(word):
            cure = "" if spaces else "; .safetensors keeps spaces, or join them by _"
            raise CircuitError(
                f"{text_of(path)} cannot hold the word {word!r:.60}, for what is in it{cure}"
            )


def _is_text(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:  # half of a pair of surrogates
        return False
    return True


def read(
    path: str | os.PathLike[str], limit: int | None = None
) -> tuple[list[str], dict[str, Any]]:
    """The words in a file, and what else `WordVectors` takes, by its names.

    Raises `CircuitError` where the file is missing, damaged, or of another kind.
    """
    if Path(path).is_dir():
        raise CircuitError(f"{text_of(path)} is a folder; name a file of word vectors")
    with _told(path), open(path, "rb") as raw:
        start = raw.read(_START)
        raw.seek(0)
        if start[4:9] != b"\0\0\0\0{":  # a length in eight bytes, and JSON
            packed = start.startswith(_GZIP)
            file = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if packed else raw
            return _read_rows(path, raw, file, limit)
    words, parts = kept.read(path)
    return (words, parts) if limit is None else _first(words, parts, limit)


def _first(words: list[str], parts: dict[str, Any], limit: int) -> tuple[list[str], dict[str, Any]]:
    """The first words of a file, and their rows."""
    whole = ("subwords",)
    cut = {k: x if k in whole or x is None else x[:limit].copy() for k, x in parts.items()}
    return words[:limit], cut


def _read_rows(
    path: str | os.PathLike[str], raw: IO[bytes], file: IO[bytes], limit: int | None
) -> tuple[list[str], dict[str, Any]]:
    """The words and numbers of a file in one of the formats that have a row for each word."""
    count, dimensions, batches = _batches(file)
    most = min(x for x in (count, limit, 1 << 40) if x is not None)
    rows = Rows(os.fspath(path), dimensions, most)
    size = os.fstat(raw.fileno()).st_size
    with working(f"reading {Path(path).name}", size, in_bytes=True) as line:
        at = raw.tell()
        for words, numbers in batches:
            left = most - len(rows.words)
            rows.take((words[:left], numbers[:left]))
            line.advance(raw.tell() - at)
            at = raw.tell()
            if len(rows.words) >= most and limit is not None:
                break
    rows.tell()
    return rows.words, {"matrix": rows.matrix()}


def _batches(file: IO[bytes]) -> tuple[int | None, int, Iterator[Batch]]:
    """How many words a file announces, if it does, of how many dimensions, and they themselves."""
    start = file.read(_START)
    for beginning, what in _OTHERS.items():
        if start.startswith(beginning) and not lines.is_row(start):
            raise CircuitError(f"it is {what}")
    if not start:
        raise CircuitError("it is empty")
    bom = 3 if start.startswith(b"\xef\xbb\xbf") else 0
    header = _HEADER.match(start, bom)
    if header is None:
        file.seek(bom)
        dimensions = lines.dimensions_of(file)
        file.seek(bom)
        _refuse_dimensions(dimensions)
        return None, dimensions, lines.batches(file, None, dimensions)
    count, dimensions = int(header[1]), int(header[2])
    _refuse_dimensions(dimensions)
    file.seek(header.end())
    written = lines.is_row(start[header.end() :], dimensions, whole=len(start) < _START)
    form = lines if written else binary
    return count, dimensions, form.batches(file, count, dimensions)


def _refuse_dimensions(dimensions: int) -> None:
    if not 0 < dimensions <= _MOST_DIMENSIONS:
        raise CircuitError(
            f"it announces vectors of {dimensions:,} numbers, and at most {_MOST_DIMENSIONS:,} are "
            "plausible"
        )


@contextmanager
def _told(path: str | os.PathLike[str]) -> Iterator[None]:
    """What goes wrong inside names the file."""
    name = text_of(path)
    try:
        yield
    except CircuitError as error:
        raise CircuitError(f"cannot read word vectors from {name}: {error}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CircuitError(f"{name} is damaged: {error}") from None
    except OSError as error:
        raise CircuitError(f"cannot read {name}: {error.strerror or error}") from None
