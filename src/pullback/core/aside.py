"""In: a path. Out: a file to write into, which takes its place in one step once it is whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pullback.core.errors import CircuitError


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file to write into, beside `path`, which takes its place once all is written.

    Whatever goes wrong inside leaves what was at `path` as it was.

    Raises `CircuitError` where `path` is a folder, or cannot be written.
    """
    path = Path(path)
    if path.is_dir():
        raise CircuitError(f"cannot write to {path}: it is a folder; name a file in it")
    try:
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise CircuitError(f"cannot write to the folder of {path}: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, 0o666 & ~_umask())  # as any new file: mkstemp lets only its owner in
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException as error:
        os.unlink(aside)
        if isinstance(error, OSError):
            raise CircuitError(f"cannot write {path}: {error.strerror}") from None
        raise


def _umask() -> int:
    """The permissions that this process withholds from new files."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
