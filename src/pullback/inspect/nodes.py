"""In: a source, a gate or a closed group. Out: how much room it takes, and its shapes.

A node is a head (a name, a round gate, a box) and, to its right, a stem for each wire that leaves
it. Value and gradient stand above and below the stem, before the wire branches, so that nothing
else runs through them.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from pullback.core.abstract import Abstract
from pullback.core.floats import scalars
from pullback.core.gate import Gate
from pullback.core.text import brief, counted
from pullback.core.unit import Unit
from pullback.core.values import Value, dtype_of, shape_of
from pullback.inspect import svg
from pullback.inspect.boxes import Box
from pullback.inspect.groups import FEW, MANY, Part
from pullback.inspect.sizes import norm

_RADIUS = 18.0  # of a gate
_PILL = 14.5  # half the height of a gate with a long name
_STUB = 7.0  # from a gate to a constant beside it
_LABELLED = 8  # outputs of a closed group whose values are shown

# How symbols that are written in ASCII look in print.
_PRINTED = {"*": "×", "-": "−", "**": "^", "<=": "≤", ">=": "≥", "!=": "≠", "==": "="}

_Line = list[tuple[str, str]]  # (words, classes) of the pieces of a line


@dataclass
class Node:
    """A part that is shown as one thing."""

    part: Part
    box: Box
    labels: list[tuple[list[_Line], list[_Line]]]  # above and below the stem of each exit
    wide: float = 0.0  # of the head's shape
    half: float = 0.0  # its height, halved

    def written(self, dx: float, dy: float, ends: Collection[Unit]) -> tuple[list[str], str]:
        """Its stems, which go under all shapes, and its shapes; wires of `ends` end in an arrow."""
        box, part = self.box, self.part
        middle, y = box.middle + dx, box.y + dy
        neck, right = box.neck + dx, box.right + dx
        unit = part.wires[0]
        left, edge = middle - self.wide / 2, middle + self.wide / 2
        if part.is_group:
            title, kind, shapes = _group_title(part), "closed", self._group_shapes(left, middle, y)
        elif unit.gate is None:
            left, edge = neck - self.wide, neck
            title, kind, shapes = _unit_title(unit), "source", _source_shapes(unit, left, edge, y)
        elif not unit.inputs:
            title, kind, shapes, edge = _unit_title(unit), "constant", [], neck
        else:
            title, kind, shapes = _unit_title(unit), "gate", self._gate_shapes(unit, left, y)
        stems = []
        for k, (wire, port) in enumerate(zip(part.outs, box.exits, strict=True)):
            height = y + port
            stems.append(svg.path([(edge, height, right, height)]))
            if wire in ends:
                stems.append(svg.arrow(right, height))
            if k < len(self.labels):
                above, below = self.labels[k]
                centre = (neck + right) / 2
                for j, line in enumerate(above, 1 - len(above)):
                    shapes.append(svg.text(centre, height - 5.5 + svg.LINE * j, line, "label"))
                for j, line in enumerate(below):
                    shapes.append(svg.text(centre, height + 14 + svg.LINE * j, line, "label"))
        return stems, svg.group(title, shapes, f"node {kind}")

    def _group_shapes(self, left: float, middle: float, y: float) -> list[str]:
        shapes = [svg.rectangle(left, y - self.half, self.wide, 2 * self.half, 9, "box rim")]
        lines = _group_lines(self.part)
        for k, (words, classes) in enumerate(lines):
            height = y + 4.3 + 15 * (k - (len(lines) - 1) / 2)
            shapes.append(svg.text(middle, height, words, classes))
        return shapes

    def _gate_shapes(self, unit: Unit, left: float, y: float) -> list[str]:
        assert unit.gate is not None
        words, kind = _symbol(unit.gate)
        middle = left + self.wide / 2
        shapes = [
            svg.circle(middle, y, self.half, "gate rim")
            if self.wide == 2 * self.half
            else svg.rectangle(left, y - self.half, self.wide, 2 * self.half, _PILL, "gate rim"),
            svg.text(middle, y + (6 if kind == "symbol" else 4.3), words, f"ink {kind}"),
        ]
        for words, down in zip(_constants(unit), (-1, 1), strict=True):
            if words:
                near = y + down * self.half
                shapes.append(svg.path([(middle, near, middle, near + down * _STUB)]))
                height = near + down * (_STUB + 3.5) + (8 if down > 0 else 0)
                shapes.append(svg.text(middle, height, words, "faint small"))
        return shapes


def node(part: Part, values: bool, gradients: bool) -> Node:
    """The node for a part that is not opened, and the room that it takes."""
    labels = [_labels(unit, values, gradients) for unit in part.outs]
    if part.is_group:
        return _group_node(part, labels)
    unit = part.wires[0]
    above, below = labels[0]
    box = Box(stem=_stem(above, below), up=_above(above), down=_below(below))
    found = Node(part, box, labels)
    if unit.inputs:
        assert unit.gate is not None
        words, kind = _symbol(unit.gate)
        wide = svg.width(words, kind) + 12
        found.half = _RADIUS if wide <= 2 * _RADIUS + 3 else _PILL
        found.wide = max(wide + 8, 2 * _RADIUS) if found.half == _PILL else 2 * _RADIUS
        constants = _constants(unit)
        box.head = max(found.wide, *(svg.width(words, "small") for words in constants))
        room = [_STUB + 14 if words else 0.0 for words in constants]
        box.up = max(box.up, found.half + room[0])
        box.down = max(box.down, found.half + room[1])
        box.entries = _spread(len(part.ins), found.half)
        box.free = _commutes(unit.gate)
    elif unit.gate is None:
        found.half = 10.0
        found.wide = box.head = svg.width(_name(unit), "bold") + 16 if unit.name else 9.0
        box.up, box.down = max(box.up, found.half), max(box.down, found.half)
    return found


def _group_node(part: Part, labels: list[tuple[list[_Line], list[_Line]]]) -> Node:
    """A closed group; the labels of its wires stand one below the other."""
    if len(labels) > _LABELLED:
        labels = []
    high = max((_above(above) for above, _ in labels), default=0.0)
    low = max((_below(below) for _, below in labels), default=0.0)
    step = max(high, 9.0) + max(low, 9.0) + 4 if labels else 9.0
    ports = [step * (k - (len(part.outs) - 1) / 2) for k in range(len(part.outs))]
    wide = max(svg.width(words, classes) for words, classes in _group_lines(part)) + 28
    reach = max(ports, default=0.0)
    half = max(30.0, reach + 12, 4.5 * len(part.ins) + 6)
    box = Box(
        head=wide,
        stem=max((_stem(*label) for label in labels), default=18.0),
        up=max(half, reach + high),
        down=max(half, reach + low),
        entries=_spread(len(part.ins), half),
        exits=ports,
        free=True,
        loose=True,
        edge=wide / 2,
    )
    return Node(part, box, labels, wide, half)


# Words --------------------------------------------------------------------------------------------


def tail(name: str) -> str:
    """The last step of a group's name: the frames around it show the others."""
    return svg.short(name.rsplit("/", 1)[-1], 28)


def _group_title(part: Part) -> str:
    return f"{part.name}: {counted(part.gates, 'gate')}; open={part.name!r} or open=True shows them"


def _group_lines(part: Part) -> _Line:
    """What a closed group's box says."""
    lines = [(tail(part.name), "ink title bold"), (counted(part.gates, "gate"), "faint small")]
    if not part.is_scope and FEW < part.gates <= MANY:  # nobody asked for this group
        lines.append(("open=True shows them", "faint small"))
    shape = shape_of(part.outs[-1]._value) if part.outs else ()
    return [*lines, (f"→ {shape}", "faint small")] if shape else lines


def _unit_title(unit: Unit) -> str:
    """What a reader sees when the pointer rests on a node."""
    head = "source" if unit.gate is None else unit.gate.name
    statics = [f"{key}={value}" for key, value in unit.static.items()]
    place = os.path.basename(unit.where)
    first = [unit.name or "", head + (f" ({', '.join(statics)})" if statics else ""), place]
    lines = [" · ".join(svg.short(words, 200) for words in first if words)]
    for what, value in [("value", unit._value), ("gradient", unit.grad)]:
        if value is not None and type(value) is not tuple:
            shape = shape_of(value)
            kind = f" {shape} {dtype_of(value)}" if shape else ""
            if type(value) is Abstract:
                lines.append(f"{what}{kind}")
                continue
            with np.printoptions(threshold=12, edgeitems=2, precision=5):
                lines.append(f"{what}{kind}: {svg.short(str(value), 400)}")
    return "\n".join(lines)


def _labels(unit: Unit, values: bool, gradients: bool) -> tuple[list[_Line], list[_Line]]:
    """What stands above and below the stem of a wire."""
    above: list[_Line] = [[(w, "value")] for w in value_lines(unit._value)] if values else []
    if unit.name and unit.gate is not None:
        above = [[(_name(unit), "ink bold")] + (above[0] if above else []), *above[1:]]
    grad = unit.grad if gradients else None
    return above, [] if grad is None else [[(w, "grad")] for w in grad_lines(grad)]


def value_lines(value: Value) -> list[str]:
    """A value in one or two short lines: a number, a short array, or a shape and a mean.

    Several values have lines on the wires of their own.

    >>> value_lines(0.5), value_lines(np.ones((64, 10)))
    (['0.5'], ['(64, 10)', 'mean 1'])
    """
    if type(value) is tuple:
        return []
    if type(value) is Abstract:
        return [brief(value)]
    array = np.asarray(value)
    if _in_full(array):
        return [brief(array if array.ndim else array[()])]
    if array.size == 0:
        return [str(array.shape), "empty"]
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            return [str(array.shape), _not_finite(array)]
        with np.errstate(over="ignore"):
            return [str(array.shape), f"mean {array.mean(dtype=float):.2g}"]
    if array.dtype.kind == "b":
        return [str(array.shape), f"{100 * float(array.mean()):.2g} % true"]
    return [str(array.shape), f"{array.min()} … {array.max()}"]


def grad_lines(grad: Value) -> list[str]:
    """A gradient in one short line: a number, a short array, or its norm.

    >>> grad_lines(-4.0), grad_lines(np.ones((5, 5)))
    (['-4'], ['norm 5'])
    """
    array = np.asarray(grad)
    if _in_full(array):
        return [brief(grad if array.ndim else array.item())]
    if not np.isfinite(array).all():
        return [_not_finite(array)]
    return [f"norm {norm(array):.2g}"]


def _in_full(array: np.ndarray) -> bool:
    return array.ndim == 0 or (array.ndim == 1 and 0 < array.size <= 3)


def _not_finite(array: np.ndarray) -> str:
    nans = int(np.isnan(array).sum())
    return f"{nans:,} NaN" if nans else f"{int(np.isinf(array).sum()):,} infinite"


def _name(unit: Unit) -> str:
    return svg.short(unit.name or "", 24)


def _symbol(gate: Gate) -> tuple[str, str]:
    """What stands in a gate, and in which size."""
    words = _PRINTED.get(gate.symbol, gate.symbol) or gate.name
    words = svg.short(words, 18)
    return words, "symbol" if len(words) == 1 else "word"


def _constants(unit: Unit) -> tuple[str, str]:
    """The constants that go into a gate: the first input above it, others below."""
    shown = ["", ""]
    for k, x in enumerate(unit.inputs):
        if x.is_constant:
            value = x.value
            words = brief(value) if _in_full(np.asarray(value)) else str(shape_of(value))
            words = svg.short(words if x.name is None else f"{x.name} {words}", 24)
            place = 0 if k == 0 else 1
            shown[place] += f", {words}" if shown[place] else words
    return shown[0], shown[1]


# Sizes --------------------------------------------------------------------------------------------


def _stem(above: list[_Line], below: list[_Line]) -> float:
    """How long a stem its labels need."""
    widths = [sum(svg.width(w, c) + 4 for w, c in line) for line in above + below]
    return max(20.0, 10.0 + max(widths, default=0.0))


def _above(lines: list[_Line]) -> float:
    return 5.5 + svg.LINE * len(lines) - 2 if lines else 2.0


def _below(lines: list[_Line]) -> float:
    return 5.0 + svg.LINE * len(lines) if lines else 2.0


def _spread(n: int, half: float) -> list[float]:
    """Heights of n ports on a side that reaches `half` up and down."""
    step = min(17.0, 1.5 * half / max(n, 1))
    return [step * (k - (n - 1) / 2) for k in range(n)]


def _commutes(gate: Gate) -> bool:
    """Whether exchanging two inputs changes nothing: the gate is asked, at a few numbers."""
    if gate.partials is None or len(gate.partials) != 2:
        return False
    try:
        return all(
            gate.value(scalars, a, b) == gate.value(scalars, b, a)
            for a, b in [(0.3, 1.7), (2.5, 0.5), (-1.0, 1.0)]
        )
    except Exception:  # a gate of the user's, which may refuse numbers that it was never meant for
        return False


def _source_shapes(unit: Unit, left: float, right: float, y: float) -> list[str]:
    if not unit.name:
        return [svg.circle((left + right) / 2, y, 3.5, "source wire")]
    return [
        svg.rectangle(left, y - 10, right - left, 20, 10, "source"),
        svg.text((left + right) / 2, y + 4.2, _name(unit), "ink bold"),
    ]
