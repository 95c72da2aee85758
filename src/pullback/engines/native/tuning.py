"""In: the processor that this process runs on. Out: the same, with what was measured of it.

A measurement is made once for a machine and kept in the cache, see `trial`; until then, and where
`PULLBACK_TUNE` is 0, the choice is fixed. It decides how long things take, and not a bit of what
comes out.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, replace
from functools import cache

from pullback.engines.native import cache as files
from pullback.engines.native import target as machine
from pullback.engines.native.target import Target, Tuning


def host() -> Target:
    """The processor, tuned if it was measured."""
    plain = machine.host()
    found = kept(plain) if wanted() else None
    return plain if found is None else replace(plain, tuning=found)


def wanted() -> bool:
    """Whether the environment lets measurements decide."""
    return os.environ.get("PULLBACK_TUNE", "1") != "0"


@cache
def kept(plain: Target) -> Tuning | None:
    """What was measured of a processor before; None where nothing was."""
    found = files.read(_name(plain), repr(plain))
    if found is None:
        return None
    try:
        return Tuning(**json.loads(found[1]))
    except (TypeError, ValueError):  # of another version
        return None


def keep(plain: Target, measured: Tuning) -> None:
    """Keep what was measured of a processor, for this process and all later ones."""
    files.write(_name(plain), [], json.dumps(asdict(measured)).encode(), repr(plain))
    kept.cache_clear()


def _name(plain: Target) -> str:
    return f"pullback_tuning_{hashlib.sha256(repr(plain).encode()).hexdigest()[:24]}"
