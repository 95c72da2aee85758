"""In: the name of a method, and how many points there are. Out: what finds their repulsion."""

from __future__ import annotations

from pullback.core.errors import CircuitError
from pullback.files.words import listed
from pullback.maps.repulsion.barnes_hut import BarnesHut
from pullback.maps.repulsion.exact import Exact
from pullback.maps.repulsion.force import Repel
from pullback.maps.repulsion.interpolation import Interpolation

METHODS = ("auto", "exact", "barnes-hut", "interpolation")
LARGE = {1: 1_000, 2: 3_000, 3: 20_000}
"""Points, by the map's dimensions, above which a sum over all pairs takes longer than another."""


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

    >>> [type(repulsion_by("auto", n, 2)).__name__ for n in (100, 70_000)]
    ['Exact', 'Interpolation']
    """
    if method not in METHODS:
        raise CircuitError(f"a method is one of {listed(METHODS)}, got {method!r}")
    if method == "auto":
        many = "interpolation" if d <= 2 else "barnes-hut"
        method = many if n > LARGE.get(d, LARGE[3]) else "exact"
    if method == "exact":
        return Exact(engine, threads)
    if method == "barnes-hut":
        return BarnesHut(angle, engine, threads)
    if d > 2:
        raise CircuitError(
            f'a map of {d} dimensions has no method "interpolation"; take "barnes-hut"'
        )
    return Interpolation(engine, threads)
