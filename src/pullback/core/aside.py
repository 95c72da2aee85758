"""In: a path, and bytes. Out: a file of them, the old one or the new one at any crash."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pullback.core.errors import CircuitError


def write_aside(path: Path, data: bytes) -> None:
    """Write a file to the side, and rename it into place, where it replaces what was there.

    Raises `CircuitError` where its folder is missing or closed, or the disk is full.
    """
    try:
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise CircuitError(f"cannot write to the folder of {path}: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, 0o666 & ~_umask())  # as any new file: mkstemp lets only its owner in
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        os.unlink(aside)
        raise CircuitError(f"cannot write {path}: {error.strerror}") from None


def _umask() -> int:
    """The permissions that this process withholds from new files."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
