"""In: the source of a module of compiled functions. Out: the module, compiled now or found on disk.

A source is a file named by a hash of its text and of the kernels it calls, in the user's cache
folder (`PULLBACK_CACHE`, where it is set). Numba keeps its machine code beside it, by processor.
Every loop has a file of its own, so a loop that any Program has had before is not compiled again.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType

import pooch

_KERNELS = Path(__file__).parent / "kernels"


def folder() -> Path:
    """Where compiled functions are kept."""
    return Path(os.environ.get("PULLBACK_CACHE") or pooch.os_cache("pullback"))


@cache
def _kernels_hash() -> str:
    """A hash of the kernel library, which compiled functions have inside them."""
    digest = hashlib.sha256()
    for path in sorted(_KERNELS.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def keep(text: str) -> str:
    """Write a source to the cache, whole or not at all whoever else writes it, and name it."""
    name = "m" + hashlib.sha256((text + _kernels_hash()).encode()).hexdigest()[:24]
    path = folder() / f"{name}.py"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=path.parent, suffix=".py")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(aside, path)
    return name


@cache
def load(name: str) -> ModuleType:
    """The module that `keep` named; its functions compile when they are first called."""
    spec = importlib.util.spec_from_file_location(f"pullback_{name}", folder() / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def size() -> tuple[int, int]:
    """How many sources are kept, and the bytes of all files of the cache."""
    files = [path for path in folder().rglob("*") if path.is_file()]
    return sum(path.suffix == ".py" for path in files), sum(p.stat().st_size for p in files)


def clear() -> None:
    """Remove what this library has put into the cache, and nothing else."""
    for path in folder().rglob("m*"):
        if path.is_file() and path.suffix in (".py", ".nbi", ".nbc"):
            path.unlink(missing_ok=True)
