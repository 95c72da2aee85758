"""What a layout places, and what it works with: boxes, the wires between them, and their links."""

from __future__ import annotations

from dataclasses import dataclass, field

CLEARANCE = 11.0  # between two boxes of a column, and between a box and a passing wire
LANE = 7.0  # half of what a passing wire takes of a column's height


@dataclass
class Box:
    """Something to place: a head that wires reach from the left, and a stem that they leave from.

    The box reaches `up` and `down` from its axis; ports are heights relative to that axis. The
    layout sets the column's `left`, `middle`, `neck` (where its stems begin) and `right`, and the
    height `y` of the axis.
    """

    head: float = 0.0
    stem: float = 0.0
    up: float = 0.0
    down: float = 0.0
    entries: list[float] = field(default_factory=list)
    exits: list[float] = field(default_factory=lambda: [0.0])
    free: bool = False  # whether wires may reach the entries in any order
    loose: bool = False  # whether the exits, equally far apart, may exchange their places
    edge: float = 0.0  # where wires end, left of the middle
    at: str = ""  # "first" or "last" for the ends of wires at the border of a frame
    left: float = 0.0
    middle: float = 0.0
    neck: float = 0.0
    right: float = 0.0
    y: float = 0.0


@dataclass
class Wire:
    """From one exit of a box to entries of others. The layout sets `strokes`.

    A stroke (x0, y0, x1, y1) leaves its first and reaches its second point horizontally. `forks`
    are the points at which the wire branches.
    """

    source: int
    exit: int
    uses: list[tuple[int, int]]  # (box, entry)
    strokes: list[tuple[float, float, float, float]] = field(default_factory=list)
    forks: list[tuple[float, float]] = field(default_factory=list)


@dataclass
class Link:
    """A piece of a wire between neighbouring columns."""

    u: int
    v: int
    leaves: float  # relative to the axis of u
    arrives: float  # relative to the axis of v
    wire: Wire
    weight: float = 1.0
    entry: int = -1  # of the box v, or -1 where the wire passes on
