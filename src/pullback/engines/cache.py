"""In: the source of a compiled step. Out: its module, compiled now or found on disk.

A source is a file named by a hash of its text and of the kernels it calls, in the user's cache
folder (`PULLBACK_CACHE`, where it is set). Numba keeps its machine code beside it, by processor.
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
    """Where compiled steps are kept."""
    return Path(os.environ.get("PULLBACK_CACHE") or pooch.os_cache("pullback"))


@cache
def _kernels_hash() -> str:
    """A hash of the kernel library, which compiled steps have inside them."""
    digest = hashlib.sha256()
    for path in sorted(_KERNELS.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def load(text: str) -> ModuleType:
    """The module of a step's source; its functions compile when they are first called."""
    name = "step_" + hashlib.sha256((text + _kernels_hash()).encode()).hexdigest()[:24]
    path = folder() / f"{name}.py"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=path.parent, suffix=".py")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(aside, path)  # whole or not at all, whoever else writes it
    spec = importlib.util.spec_from_file_location(f"pullback_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
