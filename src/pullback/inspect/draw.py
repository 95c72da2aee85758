"""In: a circuit. Out: its picture: gates, wires, values above them and gradients below.

The circuit is divided into parts (`groups`), and what is there again and again is one (`repeats`);
each part becomes a node, a box with ports (`nodes`); the boxes are placed and the wires routed
(`picture`, by `layout`), innermost group first; then all is written (`svg`).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final

from pullback.circuit import Circuit
from pullback.core.aside import replacing
from pullback.core.errors import CircuitError
from pullback.core.picture import drawn_by
from pullback.core.text import counted
from pullback.core.unit import Unit
from pullback.core.walk import order
from pullback.figures import refuse_without_matplotlib
from pullback.inspect import svg
from pullback.inspect.groups import Groups, divide
from pullback.inspect.nodes import Look
from pullback.inspect.parts import Part
from pullback.inspect.picture import Picture

_FLOWS = ("right", "down", None)
_SMALLER = 1.25  # how much smaller gates are shown before they flow down


def draw(
    what: Unit | Sequence[Unit] | Mapping[str, Unit] | Circuit,
    *,
    open: str | Collection[str] | bool | None = None,
    fold: bool = True,
    flow: Literal["right", "down"] | None = None,
    gradients: bool = True,
    values: bool = True,
) -> Drawing:
    """The picture of a circuit, which flows from its sources to the right, or down.

    `what` is a wire, several, a dictionary that names them, or a Circuit; all they are made from is
    drawn. The value of a wire stands above it and, once a backward pass has reached it, its
    gradient below. An array is shown by its shape and by the mean of a value or the norm of a
    gradient.

    Gates made within `pb.scope`, as those of a layer are, form a group, and so do the steps of a
    loop: one box at any size. Groups that hold little but groups are shown in full while the
    picture is small, and so is one that holds all. `open` names more groups to show in full
    ("dense1", or "model/dense1"); True opens all of them and False none. More than 40 gates without
    a scope are grouped line by line of the code that made them.

    To `fold` is to show what is there three times or more in a row, layers or blocks of one
    structure, once, with "× 12" beside it. The `flow` is to the right where the picture then fits
    the width of a notebook, 900 pixels, or by a quarter more where there are no groups, or else
    whichever way is narrower; what is wider than 900 pixels is shown smaller.

    Notebooks show the picture; `.save` writes it as SVG, PNG or PDF, and `.open` opens more groups.
    Raises `CircuitError` for a group that is not there, and for a picture of more than 400 boxes.
    Source: the guide, "Recursive Case: Circuits with Multiple Gates" and those after it.

    >>> x, y, z = Unit(-2.0, "x"), Unit(5.0, "y"), Unit(-4.0, "z")
    >>> f = (x + y) * z
    >>> f.backward()
    >>> drawing = draw(f)
    >>> drawing
    <Drawing: 3 inputs, 2 gates>
    >>> drawing.svg.startswith("<svg")
    True
    """
    if flow not in _FLOWS:
        raise CircuitError(f"a picture flows 'right' or 'down', or None chooses, got {flow!r}")
    outputs: Any = what.outputs if isinstance(what, Circuit) else what
    outputs = [outputs] if isinstance(outputs, Unit) else outputs
    wires = list(outputs.values()) if isinstance(outputs, Mapping) else outputs
    if not isinstance(wires, Sequence) or not all(isinstance(unit, Unit) for unit in wires):
        kind = type(what).__name__
        cure = f"; call the {kind} first, and draw what it returns" if callable(what) else ""
        raise CircuitError(f"draw takes a wire, several wires or a Circuit, got {kind}{cure}")
    if isinstance(outputs, Mapping):
        outputs = [unit.named(name) for name, unit in outputs.items()]
    if not outputs:
        raise CircuitError("there is nothing to draw: no wires were given")
    opened = [open] if isinstance(open, str) else open
    return Drawing(outputs, opened, How(bool(fold), flow, bool(gradients), bool(values)))


drawn_by.append(lambda what: draw(what).svg)


@dataclass(frozen=True)
class How:
    """What `draw` is told besides the circuit and its groups."""

    fold: bool
    flow: Literal["right", "down"] | None
    gradients: bool
    values: bool


@final
class Drawing:
    """A picture of a circuit as it was when drawn; notebooks show it. `pb.draw` makes it.

    >>> from pullback.core.unit import scope
    >>> x = Unit(2.0, "x")
    >>> with scope("square"):
    ...     y = x * x + 1.0
    >>> closed = draw(y, open=False)
    >>> closed.groups
    ('square',)
    >>> "×" in closed.svg, "×" in closed.open("square").svg
    (False, True)
    """

    def __init__(
        self, outputs: Sequence[Unit], opened: Collection[str] | bool | None, how: How
    ) -> None:
        wires = order(outputs)
        self._outputs = tuple(outputs)
        self._how = how
        self._groups = Groups(wires, opened)
        whole = divide(wires, set(outputs), self._groups, how.fold)
        inputs = sum(1 for unit in wires if unit.gate is None)
        self._title = f"{counted(inputs, 'input')}, {counted(whole.gates, 'gate')}"
        self.svg: str = _fitting(whole, how).written(self._title)

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups that can be opened."""
        return tuple(sorted(self._groups.names))

    def open(self, *names: str) -> Drawing:
        """The picture with these groups opened too.

        Raises `CircuitError` for a name that is no group's.
        """
        self._groups.check(names)
        opened = True if self._groups.all else [*self._groups.asked, *names]
        return Drawing(self._outputs, opened, self._how)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to a file, whose name ends in .svg, .png or .pdf.

        PNG and PDF are drawn by matplotlib (extra `plot`), on a light ground; a PNG has two dots
        for each pixel.

        Raises `CircuitError` for another ending, where matplotlib is missing, or where the file
        cannot be written.
        """
        kind = Path(path).suffix.lower().removeprefix(".")
        if kind not in ("svg", "png", "pdf"):
            raise CircuitError(
                f"a drawing is saved as .svg, .png or .pdf: name the file {Path(path).stem}.svg, "
                f"not {Path(path).name}"
            )
        if kind != "svg":
            refuse_without_matplotlib()
        with replacing(path) as file:
            if kind == "svg":
                file.write(self.svg.encode())
            else:
                from pullback.inspect.image import write_image  # matplotlib is slow to import

                write_image(self.svg, file, kind)

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<Drawing: {self._title}>"


def _fitting(whole: Part, how: How) -> Picture:
    """The picture that flows as asked, or else to the right where it fits a page that way."""

    def picture(down: bool) -> Picture:
        return Picture(whole, Look(how.values, how.gradients, down))

    if how.flow is not None:
        return picture(how.flow == "down")
    level = picture(False)
    most = svg.WIDEST if any(part.is_group for part in whole.parts) else _SMALLER * svg.WIDEST
    if level.wide <= most:
        return level
    upright = picture(True)
    return upright if upright.wide < level.wide else level
