"""In: word vectors. Out: one safetensors file of all of them, in which nothing can run; and back.

The tensors are "vectors" and "context" (V, D), "counts" (V,), "words", their UTF-8 with a line end
between them, and "buckets" of subwords, whose settings are JSON in the metadata.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.files.words import text_of
from pullback.layers.storage import read_about, read_file, write_file
from pullback.words.given import checked_matrix
from pullback.words.subwords import Subwords

if TYPE_CHECKING:
    from pullback.words.vectors import WordVectors

FORMAT = "pullback word vectors, version 1"


def holds_words(about: Any) -> bool:
    """Whether what a file tells is about word vectors."""
    return isinstance(about, dict) and about.get("format") == FORMAT


def write(path: str | os.PathLike[str], vectors: WordVectors) -> None:
    """Write all that is known to one file, which takes the place of what was there."""
    tensors = {
        "vectors": vectors.matrix,
        "words": np.frombuffer("\n".join(vectors.words).encode(), np.uint8),
    }
    if vectors.counts is not None:
        tensors["counts"] = vectors.counts
    if vectors.context is not None:
        tensors["context"] = vectors.context
    about: dict[str, Any] = {"format": FORMAT}
    if vectors.subwords is not None:
        parts = vectors.subwords
        if not isinstance(parts, Subwords) or parts.table is None:
            raise CircuitError(
                f"{text_of(path)} can keep subwords that were trained, not {type(parts).__name__}"
            )
        about["subwords"] = {"low": parts.low, "high": parts.high}
        tensors["buckets"] = parts.table
    write_file(path, {}, tensors, about)


def read(path: str | os.PathLike[str]) -> tuple[list[str], dict[str, Any]]:
    """The words, and what else `WordVectors` takes, by its names.

    Raises `CircuitError` where the file is missing or damaged, or holds something else.
    """
    _, about = read_about(path)
    if not holds_words(about):
        kind = about.get("format") if isinstance(about, dict) else None
        what = f"a {kind!r}" if kind else "layers alone"
        raise CircuitError(f"{text_of(path)} holds no word vectors: it is {what}")
    _, tensors = read_file(path)
    words = tensors.pop("words", np.empty(0, np.uint8))
    try:
        text = words.tobytes().decode("utf-8")
        parts: dict[str, Any] = {
            "matrix": tensors.pop("vectors"),
            "counts": tensors.pop("counts", None),
            "context": tensors.pop("context", None),
        }
        if "subwords" in about:
            parts["subwords"] = _subwords(about["subwords"], tensors.pop("buckets"))
    except (UnicodeDecodeError, KeyError, TypeError) as error:
        raise CircuitError(f"{text_of(path)} is damaged: {error}") from None
    return text.split("\n") if text else [], parts


def _subwords(told: Any, table: np.ndarray) -> Subwords:
    """The n-grams' lengths and vectors.

    Raises `CircuitError`, `KeyError` or `TypeError` where they are not such.
    """
    if type(told["low"]) is not int or type(told["high"]) is not int:
        raise CircuitError("the lengths of its n-grams are no whole numbers")
    checked_matrix("buckets", table, len(table))
    return Subwords(told["low"], told["high"], len(table), table)
