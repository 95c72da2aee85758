"""In: a circuit. Out: its picture: gates, wires, values above them and gradients below.

The circuit is divided into parts (`groups`); each part becomes a node, a box with ports (`nodes`);
the boxes are placed and the wires routed (`layout`), innermost group first; then all is written
(`svg`).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from pullback.circuit import Circuit
from pullback.core.errors import CircuitError
from pullback.core.picture import drawn_by
from pullback.core.text import counted
from pullback.core.unit import Unit
from pullback.core.walk import order
from pullback.inspect import svg
from pullback.inspect.boxes import Box, Wire
from pullback.inspect.groups import Groups, Part, divide
from pullback.inspect.layout import arrange
from pullback.inspect.nodes import Node, node, tail

_MARGIN = 14.0  # around the picture
_PADDING = 16.0  # between a frame and what it frames
_TITLE = 16.0  # the height of a frame's title


def draw(
    what: Unit | Sequence[Unit] | Mapping[str, Unit] | Circuit,
    *,
    open: str | Collection[str] | bool | None = None,
    gradients: bool = True,
    values: bool = True,
) -> Drawing:
    """The picture of a circuit, which flows from its sources, at the left, to the right.

    `what` is a wire, several, a dictionary that names them, or a Circuit; all they are made from is
    drawn. The value of a
    wire stands above it and, once a backward pass has reached it, its gradient below. An array is
    shown by its shape and by the mean of a value or the norm of a gradient.

    Gates made within `pb.scope` form groups. A circuit of more than 40 gates shows each group as
    one box, and so it does with gates without a scope, line by line of the code that made them.
    `open` names the groups to show in full ("dense1", or "model/dense1"); True opens all of them
    and False none.

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
    return Drawing(outputs, [open] if isinstance(open, str) else open, gradients, values)


drawn_by.append(lambda what: draw(what).svg)


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
        self,
        outputs: Sequence[Unit],
        opened: Collection[str] | bool | None,
        gradients: bool,
        values: bool,
    ) -> None:
        wires = order(outputs)
        self._how = (tuple(outputs), gradients, values)
        self._groups = Groups(wires, opened)
        whole = divide(wires, set(outputs), self._groups)
        inputs = sum(1 for unit in wires if unit.gate is None)
        self._title = f"{counted(inputs, 'input')}, {counted(whole.gates, 'gate')}"
        self.svg: str = _Picture(whole, outputs, gradients, values).written(self._title)

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups that can be opened."""
        return tuple(sorted(self._groups.names))

    def open(self, *names: str) -> Drawing:
        """The picture with these groups opened too.

        Raises `CircuitError` for a name that is no group's.
        """
        outputs, gradients, values = self._how
        self._groups.check(names)
        opened = True if self._groups.all else [*self._groups.asked, *names]
        return Drawing(outputs, opened, gradients, values)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to a file, whose name ends in .svg.

        Raises `CircuitError` for another ending, or where the file cannot be written.
        """
        if Path(path).suffix.lower() != ".svg":
            raise CircuitError(
                f"a drawing is saved as SVG: name the file {Path(path).stem}.svg, not "
                f"{Path(path).name}; browsers and editors turn it into other formats"
            )
        try:
            Path(path).write_text(self.svg, encoding="utf-8", newline="\n")
        except OSError as error:
            raise CircuitError(f"cannot write {path}: {error.strerror}") from None

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<Drawing: {self._title}>"


@dataclass
class _Plan:
    """An opened group, laid out: its boxes are the wires that come in, its parts, what leaves."""

    part: Part
    boxes: list[Box]
    nodes: list[Node | None]  # of each box; None for an opened group, or an end of a wire
    wires: list[Wire]
    width: float
    top: float
    bottom: float

    @property
    def first(self) -> list[Box]:
        """Where wires come in."""
        return self.boxes[: len(self.part.ins)]

    @property
    def last(self) -> list[Box]:
        """Where wires leave."""
        return self.boxes[len(self.boxes) - len(self.part.outs) :]


class _Picture:
    """The parts of a circuit placed, then written."""

    def __init__(self, whole: Part, outputs: Sequence[Unit], gradients: bool, values: bool) -> None:
        self._whole = whole
        self._plans: dict[Part, _Plan] = {}
        opened = [whole]
        for part in opened:
            opened += [child for child in part.parts if child.is_open]
        used = {x for part in opened for child in part.parts for x in child.ins}
        self._ends = {unit for unit in outputs if unit not in used}
        for part in reversed(opened):
            self._plans[part] = self._plan(part, values, gradients)

    def _plan(self, part: Part, values: bool, gradients: bool) -> _Plan:
        """Lay out an opened group whose own opened groups have their plans."""
        boxes = [Box(at="first") for _ in part.ins]
        nodes: list[Node | None] = [None for _ in part.ins]
        made = {unit: (k, 0) for k, unit in enumerate(part.ins)}  # (box, exit) that it comes from
        uses: dict[Unit, list[tuple[int, int]]] = {}
        for child in part.parts:
            for k, unit in enumerate(child.outs):
                made[unit] = (len(boxes), k)
            for k, unit in enumerate(child.ins):
                uses.setdefault(unit, []).append((len(boxes), k))
            shown = None if child.is_open else node(child, values, gradients)
            nodes.append(shown)
            boxes.append(self._frame_box(child) if shown is None else shown.box)
        for unit in part.outs:
            uses.setdefault(unit, []).append((len(boxes), 0))
            boxes.append(Box(at="last", entries=[0.0]))
            nodes.append(None)
        wires = [Wire(*made[unit], used) for unit, used in uses.items()]
        return _Plan(part, boxes, nodes, wires, *arrange(boxes, wires))

    def _frame_box(self, part: Part) -> Box:
        plan = self._plans[part]
        head = max(plan.width + 2 * _PADDING, svg.width(tail(part.name), "title") + 28)
        return Box(
            head=head,
            stem=10.0,
            up=_PADDING + _TITLE - plan.top,
            down=_PADDING + plan.bottom,
            entries=[box.y for box in plan.first],
            exits=[box.y for box in plan.last],
            edge=head / 2,
        )

    def written(self, title: str) -> str:
        """The picture as SVG: frames, then wires, then what stands on them."""
        whole = self._plans[self._whole]
        frames: list[str] = []
        lines: list[str] = []
        nodes: list[str] = []
        pending = [(whole, _MARGIN, _MARGIN - whole.top, _MARGIN, _MARGIN + whole.width)]
        while pending:
            plan, dx, dy, left, right = pending.pop()
            for wire in plan.wires:
                lines.append(
                    svg.path((a + dx, b + dy, c + dx, d + dy) for a, b, c, d in wire.strokes)
                )
                lines += [svg.dot(x + dx, y + dy) for x, y in wire.forks]
            borders = [(left, box.right + dx, box.y + dy) for box in plan.first]
            borders += [(box.left + dx, right, box.y + dy) for box in plan.last]
            lines += [svg.path([(x0, y, x1, y)]) for x0, x1, y in borders]
            shown = zip(plan.boxes[len(plan.first) :], plan.nodes[len(plan.first) :], strict=True)
            for child, (box, leaf) in zip(plan.part.parts, shown, strict=False):
                if leaf is not None:
                    stems, shapes = leaf.written(dx, dy, self._ends)
                    lines += stems
                    nodes.append(shapes)
                    continue
                inner = self._plans[child]
                x, y = box.middle - box.head / 2 + dx, box.y + dy
                frames.append(_frame(child, box, x, y))
                for exit in box.exits:
                    lines.append(svg.path([(x + box.head, y + exit, box.right + dx, y + exit)]))
                pending.append((inner, x + (box.head - inner.width) / 2, y, x, x + box.head))
        wide = whole.width + 2 * _MARGIN + svg.ARROW
        high = whole.bottom - whole.top + 2 * _MARGIN
        return svg.document(f"A circuit: {title}", wide, high, frames + lines + nodes)


def _frame(part: Part, box: Box, x: float, y: float) -> str:
    """The frame around an opened group, whose left is at x and whose axis is at y."""
    shapes = [
        svg.rectangle(x, y - box.up, box.head, box.up + box.down, 12, "frame edge"),
        svg.text(x + 13, y - box.up + 18, tail(part.name), "faint title bold", "start"),
    ]
    return svg.group(f"{part.name}: {counted(part.gates, 'gate')}", shapes, "group")
