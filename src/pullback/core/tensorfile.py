"""In: texts and arrays by name. Out: one safetensors file of them, in which nothing can run.

The texts stand in the file's metadata, beside its format, the library's version and, if wanted, a
hash of all, by which damage is found that leaves the file readable; and so is what someone changed
with other tools. It is written to the side and renamed into place, so that a crash leaves the old
file or the new one.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from pullback.core.aside import replacing
from pullback.core.errors import CircuitError


@dataclass(frozen=True)
class Format:
    """What a file holds, in a word, and the version of its form that this library writes."""

    what: str
    version: int

    def __str__(self) -> str:
        return f"pullback {self.what}, version {self.version}"


def write_tensors(
    path: str | os.PathLike[str],
    form: Format,
    texts: Mapping[str, str],
    tensors: Mapping[str, np.ndarray],
    *,
    hashed: bool = False,
) -> None:
    """Write texts and arrays to `path`, with a hash if `hashed`, replacing what was there at once.

    Raises `CircuitError` where `path` is a folder, or its folder is missing or closed.
    """
    tensors = {name: np.asarray(x, order="C") for name, x in tensors.items()}
    metadata = {"format": str(form), "pullback": version("pullback"), **texts}
    if hashed:
        metadata["digest"] = digest_of(metadata, tensors)
    data = save(tensors, metadata)
    with replacing(path) as file:
        file.write(data)


def read_tensors(
    path: str | os.PathLike[str], form: Format, *, hashed: bool = False
) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """The texts and the arrays in the file at `path`.

    Raises `CircuitError` where there is no such file, it is of another format, or is damaged; if
    `hashed`, also where its hash is not that of what it holds.
    """
    with _opened(path, form) as (file, metadata):
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    digest = metadata.pop("digest", None)
    if hashed and digest != digest_of(metadata, tensors):
        raise CircuitError(
            f"{path} is damaged, or was changed: its numbers are not those that were written"
        )
    return metadata, tensors


def read_texts(path: str | os.PathLike[str], form: Format) -> dict[str, str]:
    """The texts alone, which takes no longer for a large file; damage to the arrays is not seen.

    Raises `CircuitError` as `read_tensors` does.
    """
    with _opened(path, form) as (_, metadata):
        return metadata


def digest_of(texts: Mapping[str, str], tensors: Mapping[str, np.ndarray]) -> str:
    """A hash of texts and arrays, with their names, dtypes and shapes.

    >>> one, other = {"x": np.zeros((2, 3))}, {"x": np.zeros((3, 2))}
    >>> digest_of({}, one) == digest_of({}, one), digest_of({}, one) == digest_of({}, other)
    (True, False)
    """
    found = hashlib.blake2b(digest_size=16)
    for name in sorted(texts):
        found.update(repr((name, texts[name])).encode())
    for name in sorted(tensors):
        x = tensors[name]
        found.update(repr((name, x.dtype.str, x.shape)).encode())
        found.update(np.ascontiguousarray(x).view(np.uint8).data if x.size else b"")
    return found.hexdigest()


@contextmanager
def _opened(path: str | os.PathLike[str], form: Format) -> Iterator[tuple[Any, dict[str, str]]]:
    """The file and its metadata; what goes wrong inside says that the file is damaged."""
    if not Path(path).is_file():
        raise CircuitError(f"there is no {form.what} file {path}")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = dict(file.metadata() or {})
            _refuse_other_format(path, metadata, form)
            yield file, metadata
    except (SafetensorError, OSError, TypeError, AttributeError, MemoryError) as error:
        raise CircuitError(
            f"{path} is not a pullback {form.what}, or is damaged: {error!s:.200}"
        ) from None


def _refuse_other_format(
    path: str | os.PathLike[str], metadata: Mapping[str, str], form: Format
) -> None:
    """Raise where this version of the library cannot read the file, and say what can."""
    named = metadata.get("format", "not named")
    if named == str(form):
        return
    theirs = re.fullmatch(rf"pullback {form.what}, version (\d{{1,9}})", named, re.ASCII)
    if theirs and int(theirs[1]) > form.version:
        raise CircuitError(
            f"{path} was written by pullback {metadata.get('pullback', 'of a later version')} in "
            f"format {theirs[1]}; this is pullback {version('pullback')}, which reads format "
            f"{form.version}: update pullback"
        )
    raise CircuitError(
        f"{path} is not a {form.what} of this version: its format is {named!r:.80}, expected "
        f"{str(form)!r}"
    )
