"""In: the source of a module of compiled functions. Out: the module, compiled now or found on disk.

A source is a file named by a hash of its text and of the kernels it calls, in the user's cache
folder (`PULLBACK_CACHE`, where it is set). Numba keeps its machine code beside it, by processor.
Every loop has a file of its own, so a loop that any Program has had before is not compiled again.
Files may vanish at any time, for another process may clear the folder, and a crash may leave them
empty or cut short: then they are made again. Where the folder cannot be written to, a temporary
one stands in for it.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import marshal
import os
import pickletools
import re
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pooch

from pullback.engines.notice import notice

PREFIX = "pullback_m"  # of the names of the modules

_KERNELS = Path(__file__).parent / "kernels"
_OURS = re.compile(r"m[0-9a-f]{24}\..+")  # a source, or what Python or Numba put beside it
_ABANDONED = 3600.0  # seconds after which nobody finishes a file that was begun
_LOOP = ' = load("m'  # how the source of a step asks for each of its loops
_STEP = "\ndef step("  # what the source of a program has, and that of a loop has not
_ROOM = 1 << 20  # bytes that must be free for a folder to be used
_PYC_HEADER = 16  # bytes before the code in what Python keeps of a source

_texts: dict[str, str] = {}


class Contents(NamedTuple):
    """What a cache holds: loops, the programs that run them, and all files of both.

    `used` is when one of them was last loaded, in seconds since 1970; None where there are none.
    """

    loops: int
    programs: int
    bytes: int
    used: float | None


def folder() -> Path:
    """Where compiled functions are kept."""
    return Path(os.environ.get("PULLBACK_CACHE") or pooch.os_cache("pullback"))


@cache
def _writable(wanted: Path) -> Path:
    """The folder itself, or the temporary one if it cannot be made or has no room."""
    try:
        inside = wanted / "__pycache__"
        inside.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=inside) as file:
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


@cache
def _kernels_hash() -> str:
    """A hash of the kernel library, which compiled functions have inside them."""
    digest = hashlib.sha256()
    for path in sorted(_KERNELS.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def keep(text: str) -> str:
    """Write a source to the cache, and name it."""
    name = "m" + hashlib.sha256((text + _kernels_hash()).encode()).hexdigest()[:24]
    _texts[name] = text
    _write(name)
    return name


def _write(name: str) -> Path:
    """The file of a source: whole, or not there, whoever else writes or removes it."""
    path, text = _writable(folder()) / f"{name}.py", _texts[name].encode()
    found = None
    with suppress(FileNotFoundError):
        found = path.read_bytes()
    if found != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f"{name}.", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        os.replace(aside, path)
    return path


@cache
def load(name: str) -> ModuleType:
    """The module that `keep` named.

    Its loops are compiled now, what runs them when it is first called.
    """
    notice.next()
    with notice.announced(_texts[name].count(_LOOP)):
        while True:
            path = _write(name)
            before = _made(path)
            if _STEP in _texts[name]:  # what Numba kept of it is read when it is first called
                _remove_damaged(path)
            try:
                module = _executed(name, path)
            except Exception:  # of whatever kind a source that is not there or bytes may cause
                vanished = before is None or before != _made(path)
                if not vanished and not _remove_damaged(path):
                    raise
            else:
                break
    if before is not None:
        with suppress(OSError):  # another user's folder may be used, and not be written to
            os.utime(path, ns=(time.time_ns(), before))
    return module


def _made(path: Path) -> int | None:
    """When a file was written; None where it is not there."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _remove_damaged(path: Path) -> bool:
    """Remove what Python and Numba keep of a source and cannot read; whether there was any."""
    version = f"py{sys.version_info[0]}{sys.version_info[1]}{getattr(sys, 'abiflags', '')}"
    place, damaged = path.parent / "__pycache__", False
    for pattern in (f"{path.stem}.{sys.implementation.cache_tag}*", f"{path.stem}.*.{version}.*"):
        for file in place.glob(pattern):
            if not _readable(file):
                file.unlink(missing_ok=True)
                damaged = True
    return damaged


def _readable(path: Path) -> bool:
    """Whether the parts of a file are whole. One that is gone or in the making counts as such."""
    try:
        with path.open("rb") as file:
            if path.suffix == ".pyc":
                marshal.loads(file.read()[_PYC_HEADER:])
            for _ in range({".nbi": 2, ".nbc": 1}.get(path.suffix, 0)):
                for _ in pickletools.genops(file):  # reads to the end, and makes nothing of it
                    pass
    except FileNotFoundError:
        return True
    except Exception:  # bytes that are no pickle may raise anything
        return False
    return True


def _executed(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"pullback_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def contents() -> Contents:
    """What the cache holds now.

    Raises `OSError` where the folder is there and cannot be read.
    """
    loops = programs = size = 0
    used = None
    for path in _files():
        with suppress(FileNotFoundError):
            found = path.stat()
            if path.suffix == ".py":
                is_program = _STEP.encode() in path.read_bytes()
                programs += is_program
                loops += not is_program
                used = max(used or 0.0, found.st_atime)
            size += found.st_size
    return Contents(loops, programs, size, used)


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
    """The files of this library in the cache, sources last: without one, the rest is no use."""
    for place in (folder() / "__pycache__", folder()):
        try:
            names = sorted(os.listdir(place))
        except FileNotFoundError:
            continue
        yield from (place / name for name in names if _OURS.fullmatch(name))
