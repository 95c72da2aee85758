"""In: a path. Out: a file to write into, which takes its place in one step once it is whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from pullback.core.errors import CircuitError


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file to write into, beside `path`, which takes its place once all is written.

    Whatever goes wrong inside leaves what was at `path` as it was, and what has taken its place
    outlives a failure of power.

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
        _sync(path.parent)
    except BaseException as error:
        with suppress(OSError):  # it may be in place by now, or the folder be gone
            os.unlink(aside)
        if isinstance(error, OSError):
            raise CircuitError(f"cannot write {path}: {error.strerror}") from None
        raise


def _sync(folder: Path) -> None:
    """Let the folder's names reach the disk, where a system can do that."""
    if os.name != "posix":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems cannot
            os.fsync(opened)
    finally:
        os.close(opened)


def _umask() -> int:
    """The permissions that this process withholds from new files."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
