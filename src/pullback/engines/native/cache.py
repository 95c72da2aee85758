"""In: object code of functions, by name. Out: files that keep it for later processes.

Each function is a file in the user's cache folder (`PULLBACK_CACHE`, where it is set), named by a
hash of its loop code, the processor, and the library. It begins with a line that says what the
function calls, and what that and its code sum up to. So what any Program has had before is not
compiled again. Files may vanish at any time, for another process may clear the folder, and a crash
may leave them empty or cut short: then they are made again. Where the folder cannot be written to,
a temporary one stands in for it.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs

_OURS = re.compile(r"(pullback_[a-z]+)_[0-9a-f]{24}\.o.*")
_PROGRAMS = ("pullback_step", "pullback_registers")  # one of these for each program
_TUNING = "pullback_tuning"
_NOTES = ("pullback_layout", _TUNING)  # on a program, and on the machine
_ABANDONED = 3600.0  # seconds after which nobody finishes a file that was begun
_ROOM = 1 << 20  # bytes that must be free for a folder to be used


class Contents(NamedTuple):
    """What a cache holds: loops, the programs that run them, and all files of both.

    `used` is when one of them was last loaded, in seconds since 1970; None where there are none.
    """

    loops: int
    programs: int
    bytes: int
    used: float | None


def path_of(name: str, made_for: str) -> Path:
    """The file of a function."""
    kind = re.sub(r"_[0-9a-f]{24}$", "", name)
    key = repr((name, made_for))
    return _writable(folder()) / f"{kind}_{hashlib.sha256(key.encode()).hexdigest()[:24]}.o"


def read(name: str, made_for: str) -> tuple[list[str], bytes] | None:
    """What a function calls, and its code; None where there is no whole file of it."""
    path = path_of(name, made_for)
    try:
        head, _, code = path.read_bytes().partition(b"\n")
        header = json.loads(head)
    except (OSError, ValueError):
        return None
    if not isinstance(header, dict) or header.get("name") != name:
        return None
    needs: Any = header.get("needs")
    if header.get("sum") != _sum(needs, code):
        return None
    with suppress(OSError):  # that it was used now; many file systems do not note it
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
    return needs, code


def _sum(needs: Any, code: bytes) -> str:
    return hashlib.sha256(json.dumps(needs).encode() + code).hexdigest()


def write(name: str, needs: list[str], code: bytes, made_for: str) -> None:
    """Keep a function: its whole file is there or none, whoever else writes or removes it."""
    path = path_of(name, made_for)
    head = json.dumps({"name": name, "needs": needs, "sum": _sum(needs, code)})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(head.encode() + b"\n" + code)
            os.replace(aside, path)
        except OSError:
            Path(aside).unlink(missing_ok=True)
            raise
    except OSError as error:
        _temporary(f"{path.parent} cannot be written to ({error.strerror})")


def folder() -> Path:
    """Where compiled functions are kept."""
    return Path(os.environ.get("PULLBACK_CACHE") or platformdirs.user_cache_dir("pullback"))


@cache
def _writable(wanted: Path) -> Path:
    """The folder itself, or the temporary one if it cannot be made or has no room."""
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=wanted) as file:
            file.write(bytes(_ROOM))
            file.flush()
    except OSError as error:
        return _temporary(f"{wanted} cannot be written to ({error.strerror})")
    return wanted


@cache
def _temporary(why: str) -> Path:
    """A folder for as long as this process runs."""
    warnings.warn(
        f"{why}: code is compiled into a temporary folder, for this process alone; "
        "set PULLBACK_CACHE to a folder that can be written to",
        RuntimeWarning,
        stacklevel=2,
    )
    made = Path(tempfile.mkdtemp(prefix="pullback-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def contents() -> Contents:
    """What the cache holds now.

    Raises `OSError` where the folder is there and cannot be read.
    """
    loops = programs = size = 0
    used = None
    for path in _files():
        with suppress(FileNotFoundError):
            found = path.stat()
            if path.suffix == ".o":
                is_program = path.name.startswith(_PROGRAMS)
                programs += is_program
                loops += not is_program and not path.name.startswith(_NOTES)
                used = max(used or 0.0, found.st_atime)
            size += found.st_size
    return Contents(loops, programs, size, used)


def measurements() -> list[dict[str, Any]]:
    """What was measured of this machine, and of others that share the folder.

    What another version has kept, or what is damaged, is passed over.

    Raises `OSError` where the folder is there and cannot be read.
    """
    found = []
    for path in _files():
        if path.name.startswith(_TUNING):
            with suppress(FileNotFoundError, ValueError):
                told = json.loads(path.read_bytes().partition(b"\n")[2])
                if isinstance(told, dict) and set(told) == {"packed", "half"}:
                    found.append(told)
    return found


def clear() -> int:
    """Remove what this library has put into the cache, and nothing else; how many bytes it was.

    Another process may be compiling: a file that it is writing stays, and one that it misses is
    made again.

    Raises `OSError` where the folder is there and cannot be read, or a file not be removed.
    """
    freed = 0
    for path in _files():
        with suppress(FileNotFoundError):
            found = path.stat()
            if ".tmp" not in path.name or time.time() - found.st_mtime > _ABANDONED:
                path.unlink()
                freed += found.st_size
    return freed


def _files() -> Iterator[Path]:
    """The files of this library in the cache."""
    try:
        names = sorted(os.listdir(folder()))
    except FileNotFoundError:
        return
    yield from (folder() / name for name in names if _OURS.fullmatch(name))
