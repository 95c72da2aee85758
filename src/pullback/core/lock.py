"""In: the path of a file. Out: the right to what it stands for, which one process has at a time.

The system takes the lock back when a process ends, however that is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pullback.core.errors import CircuitError


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold the lock of this file; in it stands the number of the process that does.

    Raises `CircuitError` where another one holds it, naming it, or the file cannot be written.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise CircuitError(f"cannot write to {path.parent}: {error.strerror}") from None
    try:
        if not _took(file):
            holder = os.read(file, 40).decode("ascii", "replace").strip() or "another process"
            raise CircuitError(f"{what} is in use by {holder}; wait for it, or name another folder")
        with suppress(OSError):  # on a full disk: the words are for people alone
            os.ftruncate(file, 0)
            os.lseek(file, 0, os.SEEK_SET)
            os.write(file, f"process {os.getpid()}\n".encode())
        yield
    finally:
        os.close(file)


if sys.platform == "win32":
    import msvcrt

    def _took(file: int) -> bool:
        """Whether the lock is ours now; on Windows that of a byte far behind the words."""
        os.lseek(file, 1 << 20, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _took(file: int) -> bool:
        """Whether the lock is ours now, or the file system has no locks."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # of a network, say, that knows none
            return True
        return True
