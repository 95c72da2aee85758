"""In: where points lie in the plane, and what is known of them. Out: a record, checked, to look at.

A `Map` is plain data: whatever laid the points out (t-SNE, a network, another library) makes one,
and it is saved as a page to explore (.html), a picture (.svg, .png) or positions (.csv, .npy).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from itertools import pairwise
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.figures import refuse_without_matplotlib
from pullback.maps.labels import Classes, Quantities, is_missing, text_of, understood
from pullback.maps.page import write_page
from pullback.maps.positions import write_positions

_FARTHEST = 1e30  # from zero, so that widths and their squares are numbers too
ENDINGS = (".html", ".svg", ".png", ".csv", ".npy")
READING = (
    "Points that lie together are alike in the data. How large or dense a group looks, and how far "
    "groups lie apart, says little: t-SNE keeps who is near, and not how far."
)
"""How a map that keeps neighbourhoods is to be read: a note for whatever lays points out so."""


@dataclass(frozen=True, eq=False)
class Frame:
    """Where the points lay after an iteration: positions (N, 2), and the cost there, or NaN."""

    iteration: int
    cost: float
    positions: np.ndarray = field(repr=False)


@dataclass(frozen=True, eq=False)
class Map:
    """Points in the plane, and what a person who looks at them may ask for.

    positions (N, 2) float32; `frames` are how they came there, in order. Of each point, where told:
    its label (a text, a number, a truth value, None where it has none), its name, its picture (N,
    H, W) or (N, H, W, 3) uint8 (fractions, of which the largest is 1 or more, are brought to 255),
    the attraction (N, 2) that its neighbours pull it with and the repulsion (N, 2) of all others,
    as steps of descent that each would take, and its strongest neighbours (N, k), as numbers of
    points, with weights (N, k). `notes` are sentences to stand below, on how the map was made, and
    `legend` is what the labels are of: "species".

    Raises `CircuitError` where shapes or numbers do not fit together, or are not finite.

    >>> flag = Map([[0, 0], [1, 0], [0, 1]], labels=["red", "red", "blue"], title="a flag")
    >>> len(flag), flag.positions.dtype, flag.colouring.names
    (3, dtype('float32'), ('blue', 'red'))
    """

    positions: np.ndarray = field(repr=False)
    frames: Sequence[Frame] = field(default=(), repr=False)
    labels: Any = field(default=None, repr=False)
    names: Sequence[str] | None = field(default=None, repr=False)
    pictures: np.ndarray | None = field(default=None, repr=False)
    attraction: np.ndarray | None = field(default=None, repr=False)
    repulsion: np.ndarray | None = field(default=None, repr=False)
    neighbours: np.ndarray | None = field(default=None, repr=False)
    weights: np.ndarray | None = field(default=None, repr=False)
    title: str = ""
    notes: Sequence[str] = ()
    legend: str = ""

    def __post_init__(self) -> None:
        positions = _plane("positions", self.positions)
        count = len(positions)
        if not count:
            raise CircuitError("a map needs at least one point, and positions have none")
        listed = isinstance(self.notes, Sequence) and not isinstance(self.notes, str)
        if not listed or not isinstance(self.title, str) or not isinstance(self.legend, str):
            raise CircuitError(
                "the title and the legend of a map are texts, and its notes are a list of texts"
            )
        of_each = {"labels": self.labels, "names": self.names, "pictures": self.pictures}
        for what, given in of_each.items():
            if given is not None:
                _refuse_length(what, given, count)
        checked = {
            "positions": positions,
            "frames": _frames(self.frames, count),
            "names": None if self.names is None else tuple(map(_name, self.names)),
            "pictures": None if self.pictures is None else _pictures(self.pictures),
            "attraction": _of_points("attraction", self.attraction, count),
            "repulsion": _of_points("repulsion", self.repulsion, count),
            "notes": tuple(map(str, self.notes)),
        }
        checked["neighbours"], checked["weights"] = _pulling(self.neighbours, self.weights, count)
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        _ = self.colouring  # labels that cannot be shown are refused now

    def __len__(self) -> int:
        return len(self.positions)

    def __repr__(self) -> str:
        said = [counted(len(self), "point")]
        said += [counted(len(self.frames), "frame")] * bool(self.frames)
        if isinstance(self.colouring, Classes):
            said.append(counted(len(self.colouring.names), "label"))
        elif self.colouring is not None:
            said.append("labels from {:g} to {:g}".format(*self.colouring.ends))
        return f"<Map{f' {self.title!r}' * bool(self.title)}: {', '.join(said)}>"

    def _repr_png_(self) -> bytes | None:
        """The picture, which a notebook shows where matplotlib is installed."""
        if find_spec("matplotlib") is None:
            return None
        from pullback.maps.picture import RESOLUTION, bytes_of

        return bytes_of(self, "png", RESOLUTION // 2)

    @cached_property
    def colouring(self) -> Classes | Quantities | None:
        """What the labels are: classes, quantities, or nothing."""
        return None if self.labels is None else understood(self.labels)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a page to explore (.html), or a picture (.svg, .png; extra `plot`), by the ending.

        Positions to go on with are a table of x, y, and label and name where there are (.csv), or
        the array alone (.npy).

        Raises `CircuitError` for another ending, and where the file cannot be written.
        """
        path = Path(path)
        ending = path.suffix.lower()
        if ending not in ENDINGS:
            raise CircuitError(
                f"a map is saved as {', '.join(ENDINGS)}: name it {path.stem or 'map'}.html, not "
                f"{path}"
            )
        if ending == ".html":
            write_page(self, path)
        elif ending in (".csv", ".npy"):
            write_positions(self, path)
        else:
            refuse_without_matplotlib()
            from pullback.maps.picture import write_picture

            write_picture(self, path)


def _plane(what: str, given: Any) -> np.ndarray:
    """Numbers (N, 2) in float32, finite."""
    try:
        with np.errstate(over="ignore"):
            x = np.asarray(given, np.float32)
    except (TypeError, ValueError):
        raise CircuitError(f"{what} are numbers (N, 2), got {type(given).__name__}") from None
    if x.ndim == 2 and x.shape[1] == 3:
        raise CircuitError(
            f"{what} of a map lie in the plane, (N, 2), and these are in space, {x.shape}; choose "
            "two of the three columns, or lay the points out in two dimensions"
        )
    if x.ndim != 2 or x.shape[1] != 2:
        raise CircuitError(f"{what} are numbers of shape (N, 2), got {x.shape}")
    finite = np.isfinite(x).all(axis=1)
    if not finite.all():
        raise CircuitError(
            f"{what} must be finite: those of {np.count_nonzero(~finite):,} points are not, first "
            f"of number {int(np.argmin(finite))}"
        )
    if np.abs(x).max(initial=0.0) > _FARTHEST:
        raise CircuitError(f"{what} have {np.abs(x).max():.3g} in them; divide them by that")
    return x


def _of_points(what: str, given: Any, count: int) -> np.ndarray | None:
    """Numbers (N, 2), of as many points as there are."""
    if given is None:
        return None
    x = _plane(what, given)
    _refuse_length(what, x, count)
    return x


def _refuse_length(what: str, given: Any, count: int) -> None:
    ordered = hasattr(given, "__len__") and not isinstance(given, Set | Mapping)
    if not ordered or (what == "names" and isinstance(given, str)):
        raise CircuitError(f"{what} are a list or an array, got {type(given).__name__}")
    if len(given) != count:
        raise CircuitError(f"{len(given):,} {what} for {count:,} points; give one for each")


def _frames(frames: Sequence[Frame], count: int) -> tuple[Frame, ...]:
    """The frames with their positions checked, in the order of their iterations."""
    found = []
    for frame in frames if isinstance(frames, Sequence) else [frames]:
        if not isinstance(frame, Frame) or not isinstance(frame.cost, Real):
            raise CircuitError(f"frames are Frame(iteration, cost, positions), got {frame!r:.60}")
        what = f"positions at iteration {frame.iteration}"
        positions = _plane(what, frame.positions)
        _refuse_length(what, positions, count)
        found.append(Frame(int(frame.iteration), float(frame.cost), positions))
    for before, after in pairwise(found):
        if after.iteration <= before.iteration:
            raise CircuitError(
                f"frames follow each other: iteration {after.iteration} comes after "
                f"{before.iteration}"
            )
    return tuple(found)


def _name(name: Any) -> str:
    return "" if np.ndim(name) == 0 and is_missing(name) else text_of(name)


def _pictures(given: Any) -> np.ndarray:
    """Pictures (N, H, W) or (N, H, W, 3)."""
    try:
        x = np.asarray(given)
    except ValueError:
        raise CircuitError("pictures are all of one size, and these are of several") from None
    if x.ndim == 4 and x.shape[3] == 1:
        x = x[..., 0]
    if x.dtype.kind == "f" and x.size and np.isfinite(x).all() and x.min() >= 0.0:
        x = np.round(x * (255.0 / max(float(x.max()), 1.0))).astype(np.uint8)
    if x.dtype != np.uint8 or not (x.ndim == 3 or (x.ndim == 4 and x.shape[3] == 3)) or not x.size:
        raise CircuitError(
            f"pictures are uint8 of shape (N, H, W) or (N, H, W, 3), got {x.dtype} of {x.shape}"
        )
    return x


def _pulling(
    neighbours: Any, weights: Any, count: int
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The strongest neighbours of each point, and how strongly each pulls."""
    if neighbours is None:
        if weights is not None:
            raise CircuitError("weights are those of neighbours; give these too")
        return None, None
    near = np.asarray(neighbours)
    if near.ndim != 2 or len(near) != count or near.dtype.kind not in "iu":
        raise CircuitError(
            f"neighbours are numbers of points, ({count}, k), got {near.dtype} of {near.shape}"
        )
    if near.size and not 0 <= near.min() <= near.max() < count:
        raise CircuitError(
            f"neighbours are numbers of points from 0 to {count - 1}, got {near.min()} to "
            f"{near.max()}"
        )
    if weights is None:
        return near.astype(np.int32), None
    pulls = np.asarray(weights)
    if pulls.shape != near.shape or pulls.dtype.kind not in "fiu" or not np.isfinite(pulls).all():
        raise CircuitError(
            f"weights are finite numbers, one for each neighbour, {near.shape}, got {pulls.dtype} "
            f"of {pulls.shape}"
        )
    return near.astype(np.int32), pulls.astype(np.float32)
