"""In: records of code. Out: their machine code, compiled now or found in the cache, and loaded.

What else a step needs to run is kept beside its code, so that whoever knows its name needs no
record of it.
"""

from __future__ import annotations

import hashlib
import pickle
import re
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import numpy

from pullback.engines.native import cache as kept
from pullback.engines.native import target as machine
from pullback.engines.native import tuning
from pullback.engines.native.target import Target, Tuning, symbol
from pullback.engines.notice import notice

BARRIER = "pullback_barrier"
_TUNED = tuple(f"pullback_{kind}" for kind in ("layout", "step", "epoch", "registers", "kernel"))

_PACKAGE = Path(__file__).parent.parent.parent

_loading = threading.RLock()
_loaded: dict[str, int] = {}


def load(*codes: Any) -> list[int]:
    """The addresses of the functions of these records of code, with all that they call loaded."""
    with _loading:
        _load([BARRIER, *codes])
        return [_loaded[symbol(code)] for code in codes]


def keep(name: Any, value: Any, code: Any) -> None:
    """Keep under a name a value, and which function goes with it."""
    noted = _noted(name)
    kept.write(noted, [symbol(code)], pickle.dumps(value), _made_for(noted))


def find(name: Any) -> tuple[Any, int] | None:
    """What was kept under a name, and the address of its function, now loaded.

    None where one of them is not there, or not whole.
    """
    with _loading:
        noted = kept.read(_noted(name), _made_for(_noted(name)))
        if noted is None or (code := _known(noted[0], {})) is None:
            return None
        _into_memory(code)
        (function,) = noted[0]
        return pickle.loads(noted[1]), _loaded[function]


def _noted(name: Any) -> str:
    digest = hashlib.sha256(repr(name).encode()).hexdigest()[:24]
    return f"pullback_layout_{digest}"


def _load(codes: Sequence[Any]) -> None:
    """Load what is not there yet, from disk if it is whole there."""
    target = tuning.host()
    found: dict[str, bytes] = {}
    texts: dict[str, str] = {}
    pending = list(codes)
    while pending:
        code = pending.pop()
        name = symbol(code)
        if name in _loaded or name in found or name in texts:
            continue
        there = kept.read(name, _made_for(name))
        if there is not None and (needs := _known(there[0], found)) is not None:
            found |= needs
            found[name] = there[1]
            continue
        texts[name], needed = _recorded(code, target)
        pending += needed.values()
    with notice.announced(len(texts)):
        for name, text in texts.items():
            notice.next()
            with notice.compiling():
                found[name] = target.object_code(text)
            needs = sorted({*re.findall(r"@(pullback_\w+)\(", text)} - {name})
            kept.write(name, needs, found[name], _made_for(name))
    _into_memory(found)


def _into_memory(found: dict[str, bytes]) -> None:
    """Load the code of functions by their names."""
    if found:
        machine.load(list(found.values()))
        _loaded.update((name, machine.address(name)) for name in found)


def _known(names: Sequence[str], found: dict[str, bytes]) -> dict[str, bytes] | None:
    """The code of functions of these names and all that they call; None where some is missing."""
    made: dict[str, bytes] = {}
    pending = list(names)
    while pending:
        name = pending.pop()
        if name in _loaded or name in found or name in made:
            continue
        there = kept.read(name, _made_for(name))
        if there is None:
            return None
        made[name] = there[1]
        pending += there[0]
    return made


def _recorded(code: Any, target: Target) -> tuple[str, dict[str, Any]]:
    from pullback.engines.native.step import record  # what is there already needs none of it
    from pullback.engines.native.threads import barrier

    return (barrier(target), {}) if code == BARRIER else record(code, target)


def _made_for(name: str) -> str:
    """What the code of this name depends on beside loop code."""
    target = tuning.host()
    target = target if name.startswith(_TUNED) else replace(target, tuning=Tuning())
    return _told(target, _version())


@cache
def _told(target: Target, version: str) -> str:
    return repr((target, version))


@cache
def _version() -> str:
    """A hash of what object code depends on beside loop code: the library and what it stands on."""
    digest = hashlib.sha256(f"{llvmlite.__version__} {numpy.__version__}".encode())
    for folder in ("engines", "program", "gates", "core"):
        for path in sorted((_PACKAGE / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
