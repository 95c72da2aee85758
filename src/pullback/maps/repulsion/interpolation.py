"""The repulsion by way of a grid, in time that grows with the number of points.

Points are spread over the nodes of a grid around them, a Fourier transform sums what every node
does to every other, and points read it off the nodes around them. With the weights w of points at
nodes, B-splines of degree 5, and with the matrix K of what nodes do to each other,

    sum_ij q_ij  is about  r K r,   r = sum_i w(y_i),

and the forces are the exact gradient of that: as the circuit of the weights has it by the chain
rule. K is such that what is read between the nodes meets 1 / (1 + distance**2) at each of them.

Linderman et al., "Fast interpolation-based t-SNE for improved visualization of single-cell RNA-seq
data" (2019) go by way of a grid too, with polynomials that break off from cell to cell; splines,
which have no breaks, come nearer on a grid of as many nodes, with fewer transforms. Hockney and
Eastwood, "Computer simulation using particles" (1988), call it a particle-mesh method.
"""

from __future__ import annotations

import os
from functools import lru_cache, partial
from math import ceil
from typing import Any

import numpy as np
from scipy import fft

from pullback.core.abstract import Abstract
from pullback.core.gradient import gradient
from pullback.core.unit import Unit
from pullback.engines.prepare import prepare
from pullback.gates.elementary import stop_gradient
from pullback.gates.indexing import scatter_add, take
from pullback.gates.reduction import sum as total
from pullback.gates.shape import astype, reshape, stack
from pullback.maps.repulsion.barnes_hut import BarnesHut
from pullback.maps.repulsion.force import Repulsion
from pullback.program.program import Program

SPACING = 0.35  # of nodes: forces are then within 1% of the exact ones, see the tests
FEWEST = 64  # nodes along an axis, however small the map
MOST = 2048  # nodes along an axis; a wider map goes by way of a tree
REACH = 6  # nodes around a point, along an axis, to which it is spread
LEAST = 0.25  # of a sum of q, in the mean: below, the error of what is left out is too large in it
MARGIN = 24  # nodes, beyond which an end of the period is not felt
LARGE = 1 << 20  # nodes of a period, whose transform several threads share


class Interpolation:
    """Sums by way of a grid, for maps of one or two dimensions.

    A map in which few points lie far from all others would need a large grid; where nearly all do,
    sums have little in them but what is left out. Both go by way of a tree: see `BarnesHut`. The
    circuits of the last numbers of points and of nodes are kept.

    >>> found = Interpolation("eager")(np.array([[0.0, 1.0]], np.float32))
    >>> round(found.z, 3), found.forces.round(3)
    (1.0, array([[-0.25,  0.25]], dtype=float32))
    """

    def __init__(self, engine: str = "native", threads: int | None = None) -> None:
        self._threads = threads or os.cpu_count()
        self._wide = BarnesHut(engine=engine, threads=threads)
        self._spread = lru_cache(8)(partial(_spread, engine, threads))
        self._read = lru_cache(8)(partial(_read, engine, threads))
        self._spectrum = lru_cache(1)(_spectrum)

    def __call__(self, y: np.ndarray) -> Repulsion:
        found = self.on(y, y)
        if found.sums.mean() < 1.0 + LEAST:
            return self._wide(y)
        return Repulsion(found.sums - 1.0, found.forces)  # of each point with itself

    def on(self, targets: np.ndarray, sources: np.ndarray) -> Repulsion:
        d, count = sources.shape
        both = [targets] if targets is sources else [targets, sources]
        low = np.min([x.min(axis=1) for x in both], axis=0)
        width = float((np.max([x.max(axis=1) for x in both], axis=0) - low).max())
        spacing = max(min(SPACING, width / (FEWEST - REACH)), 1e-30)
        nodes = ceil(width / spacing) + REACH
        if nodes > MOST:
            return self._wide.on(targets, sources)
        room = 1 << (nodes**d - 1).bit_length()  # so that few circuits do for all sizes of a map
        grid = {
            "low": low.astype(np.float32)[:, None],
            "per_unit": np.float32(1.0 / spacing),
            "nodes": np.array(nodes),
        }
        spread, read = self._spread(d, count, room), self._read(d, targets.shape[1], room)
        density = spread(points=sources, **grid)["density"][: nodes**d]
        potential = np.zeros(room, np.float32)
        potential[: nodes**d] = self._convolved(density.reshape((nodes,) * d), spacing).ravel()
        made = read(points=targets, potential=potential, **grid)
        level = _level(nodes, spacing)
        return Repulsion(made["sums"] + level * count, -0.5 * made["pull"])

    def _convolved(self, density: np.ndarray, spacing: float) -> np.ndarray:
        """What all nodes do to each, but for the level."""
        nodes, axes = len(density), range(density.ndim)
        period: Any = fft.next_fast_len(2 * nodes + MARGIN, real=True)
        workers = self._threads if period**density.ndim >= LARGE else 1  # to the same bits
        made: Any = fft.rfft(density, period, axis=-1, workers=workers)
        for axis in axes[:-1]:
            made = fft.fft(made, period, axis=axis, workers=workers)
        made *= self._spectrum(nodes, period, density.ndim, spacing)
        for axis in axes[:-1]:
            made = fft.ifft(made, axis=axis, workers=workers, overwrite_x=True)[:nodes]
        made = fft.irfft(made, period, axis=-1, workers=workers)
        return made[..., :nodes]


def _spread(engine: str, threads: int | None, d: int, count: int, room: int) -> Any:
    """The circuit that spreads so many points over nodes."""
    given = _given(d, count)
    weights, at = _around(**given)
    flat = (reshape(x, (-1,)) for x in (at, weights))
    density = scatter_add(np.zeros(room, np.float32), *flat)
    return prepare(engine, Program(given, {"density": density}, {}), threads=threads)


def _read(engine: str, threads: int | None, d: int, count: int, room: int) -> Any:
    """The circuit by which so many points read what nodes have, and how it rises there."""
    given = _given(d, count)
    potential = Unit(Abstract((room,), np.dtype(np.float32)), "potential")
    weights, at = _around(**given)
    sums = total(weights * take(potential, at), axis=tuple(range(d)))
    (pull,) = gradient(total(sums), [given["points"]])
    outputs = {"sums": astype(sums, np.float64), "pull": pull}
    program = Program({**given, "potential": potential}, outputs, {})
    return prepare(engine, program, threads=threads)


def _given(d: int, count: int) -> dict[str, Unit]:
    """The points, and the grid's lowest node, nodes a unit, and nodes along an axis."""
    real, whole = np.dtype(np.float32), np.dtype(np.int64)
    return {
        "points": Unit(Abstract((d, count), real), "points"),
        "low": Unit(Abstract((d, 1), real), "low"),
        "per_unit": Unit(Abstract((), real), "per_unit"),
        "nodes": Unit(Abstract((), whole), "nodes"),
    }


def _around(points: Any, low: Any, per_unit: Any, nodes: Any) -> tuple[Any, Any]:
    """The weights of each point at the nodes around it, (6, ..., 6, N), and which these are."""
    place = (points - low) * per_unit
    cell = astype(stop_gradient(place), np.int64)
    splines = stack(_splines(place - astype(cell, np.float32)))
    d, n = points.shape
    weights, at = 1.0, np.array(0)
    for axis in range(d):
        shape = (*(REACH if k == axis else 1 for k in range(d)), n)
        steps = reshape(np.arange(REACH), (*shape[:-1], 1))
        weights = weights * reshape(splines[:, axis], shape)
        at = at * nodes + reshape(cell[axis], (*(1,) * d, n)) + steps
    return weights, at


def _splines(t: Any) -> list[Any]:
    """The weights, 1 in sum, at the nodes around what lies t, from 0 to 1, behind a node.

    By the recursion of Cox and de Boor (de Boor, "On calculating with B-splines", 1972).

    >>> [round(float(x), 4) for x in _splines(0.0)]
    [0.0083, 0.2167, 0.55, 0.2167, 0.0083, 0.0]
    """
    found: list[Any] = [1.0]
    for n in range(1, REACH):
        falling = [(1.0 - t + k) / n * x for k, x in enumerate(found)]
        rising = [(t + (n - 1 - k)) / n * x for k, x in enumerate(found)]
        inner = [x + y for x, y in zip(falling[1:], rising, strict=False)]
        found = [falling[0], *inner, rising[-1]]
    return found


def _level(nodes: int, spacing: float) -> float:
    """What a node does to one that is as far away as the grid is wide.

    All beyond that is summed by the transform, so that what differs little between the points of
    a small map is not lost in what they share.
    """
    return 1.0 / (1.0 + (nodes * spacing) ** 2)


def _spectrum(nodes: int, period: int, d: int, spacing: float) -> np.ndarray:
    """The transform of what a node does to those around it, but for the level.

    Divided by those of the splines, with which points are spread and read.
    """
    steps = np.minimum(np.arange(period), period - np.arange(period)) * spacing
    square = np.zeros((1,) * d)
    splines = np.ones((1,) * d)
    spline = np.zeros(period)
    spline[np.arange(REACH) - (REACH // 2 - 1)] = _splines(0.0)  # around a node
    made: Any = fft.fft(spline)
    spline = made.real
    for axis in range(d):
        shape = tuple(period if k == axis else 1 for k in range(d))
        square = square + (steps**2).reshape(shape)
        splines = splines * spline.reshape(shape)
    width = nodes * spacing
    kernel = (width**2 - square) / ((1.0 + square) * (1.0 + width**2))
    spectrum = np.real(np.asarray(fft.rfftn(kernel))) / splines[..., : period // 2 + 1] ** 2
    return spectrum.astype(np.float32)
