"""In: a text file of any length. Out: its text by pieces, and its numbers in a file of their own.

Neither needs memory for more than a piece. The pieces' numbers are those of the whole, for every
tokenizer of this library: where it matters, a piece ends where a word does.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from pullback.core.errors import CircuitError
from pullback.files.text import text_pieces
from pullback.sequences.text.tokenizer import Tokenizer


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
